package statementnames

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMisspellings(t *testing.T) {
	f := func(statement string, want ...string) {
		t.Helper()
		require.Equal(t, want, Misspellings(statement))
	}
	// ours, and names that may be anything
	f(`set(log.attributes["sessionlog.outcome"], "failure") where log.event_name == "sessionlog.login"`)
	f(`set(log.attributes["sessionlog.source.field.anything"], resource.attributes["host.name"])`)
	f(`set(log.attributes["db.response.status_code"], log.body["user.nme"])`)
	// other conventions, even near ones
	f(`set(log.attributes["user.full_name"], log.attributes["client.geo.city"])`)
	f(`set(log.attributes["azure.category"], log.event_name)`)

	f(`set(log.attributes["user.nme"], "x")`, "the attribute user.nme is none of docs/event.md: did you mean user.name?")
	f(`set(log.attributes["sessionlog.authmethod"], "x")`, "the attribute sessionlog.authmethod is none of docs/event.md: did you mean sessionlog.auth.method?")
	f(`set(log.event_name, "sessionlog.logn") where log.attributes["client.adress"] != nil`,
		"the attribute client.adress is none of docs/event.md: did you mean client.address?",
		"the event name sessionlog.logn is none of docs/event.md: did you mean sessionlog.login?")
}
