package postgreslog_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

// TestWhoActsForWhom: pg_ident.conf lets a person in under the account of another; one's own account in a realm, and the name in a
// certificate, are no other person.
func TestWhoActsForWhom(t *testing.T) {
	for _, c := range []struct{ user, identity, method, actor, userType string }{
		{"batch", "alice@CORP.EXAMPLE", "gss", "alice@CORP.EXAMPLE", ""},
		{"alice", "alice@CORP.EXAMPLE", "gss", "", ""},
		{"carol", "CN=carol", "cert", "", ""},
		{"rdsadmin", "rdsadmin", "peer", "", session.UserSystem},
	} {
		line := func(clock, message string) string {
			return csvLine(clock, c.user, sid, "authentication", "LOG", "00000", message)
		}
		events, bad := parse(t, newTextParser(t, "csvlog", options()), received("21:47:40.000")+
			line("21:47:40.005", fmt.Sprintf("connection authenticated: identity=%q method=%s (f:1)", c.identity, c.method))+
			line("21:47:40.010", "connection authorized: user="+c.user+" database=app")+closed("21:47:41.000"))
		require.Empty(t, bad)
		require.Equal(t, c.user, events[0].User)
		require.Equal(t, c.actor, events[0].ActorName)
		require.Equal(t, c.userType, events[0].UserType)
	}
}
