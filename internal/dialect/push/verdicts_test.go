package push

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

// TestVerdicts are events of which a provider's words are easily taken for something else.
func TestVerdicts(t *testing.T) {
	const okta = `{"uuid":"1","published":"2025-11-22T00:06:41.218Z","actor":{"id":"00ua","type":"User","alternateId":"admin@corp.example"},"authenticationContext":{"externalSessionId":"admins"},
		"target":[{"id":"0oa1","type":"AppInstance","displayName":"Workday"},{"id":"00uv","type":"User","alternateId":"alice@corp.example"}],`
	const auth0 = `{"date":"2025-11-22T00:06:41.218Z","user_name":"alice@corp.example","log_id":"1","type":`
	const ecs = `{"@timestamp":"2025-11-22T00:06:41.218Z","user":{"name":"alice"},"event":`
	for _, c := range []struct {
		name, dialect, body string
		kind                session.Kind
		outcome             session.Outcome
		user                string
	}{
		{"an administrator ends a user's sessions", "okta", okta + `"eventType":"user.session.clear","outcome":{"result":"SUCCESS"}}`, session.KindLogout, session.OutcomeSuccess, "alice@corp.example"},
		{"everywhere", "okta", okta + `"eventType":"user.authentication.universal_logout","outcome":{"result":"SUCCESS"}}`, session.KindLogout, session.OutcomeSuccess, "alice@corp.example"},
		{"a login is its actor's", "okta", okta + `"eventType":"user.session.start","outcome":{"result":"SUCCESS"}}`, session.KindLogin, session.OutcomeSuccess, "admin@corp.example"},
		{"a single sign-on to an application over OIDC", "okta", okta + `"eventType":"app.oauth2.signon","outcome":{"result":"SUCCESS"}}`, session.KindSessionStart, session.OutcomeSuccess, "admin@corp.example"},
		{"a bind to the LDAP interface", "okta", okta + `"eventType":"system.ldapi.bind","outcome":{"result":"FAILURE"}}`, session.KindLogin, session.OutcomeFailure, "admin@corp.example"},
		{"a desktop's session", "okta", okta + `"eventType":"user.device_session.start","outcome":{"result":"SUCCESS"}}`, session.KindSessionUpdate, session.OutcomeSuccess, "admin@corp.example"},
		{"a warning beside a login", "okta", okta + `"eventType":"user.authentication.auth_unconfigured_identifier","outcome":{"result":"SUCCESS"}}`, session.KindSessionUpdate, session.OutcomeSuccess, "admin@corp.example"},
		{"native social login", "auth0", auth0 + `"sens"}`, session.KindLogin, session.OutcomeSuccess, "alice@corp.example"},
		{"native social login, failed", "auth0", auth0 + `"fens"}`, session.KindLogin, session.OutcomeFailure, "alice@corp.example"},
		{"too many logins of one user", "auth0", auth0 + `"limit_sul"}`, session.KindLogin, session.OutcomeFailure, "alice@corp.example"},
		{"a wrong recovery code", "auth0", auth0 + `"gd_recovery_failed"}`, session.KindSessionUpdate, session.OutcomeFailure, "alice@corp.example"},
		{"approved on another device", "auth0", auth0 + `"ciba_exchange_succeeded"}`, session.KindLogin, session.OutcomeSuccess, "alice@corp.example"},
		{"signed out everywhere", "auth0", auth0 + `"universal_logout_succeeded"}`, session.KindLogout, session.OutcomeSuccess, "alice@corp.example"},
		{"a session after its login", "ecs", ecs + `{"category":["session"],"type":["start"],"action":"started-session","outcome":"success"}}`, session.KindSessionStart, session.OutcomeSuccess, "alice"},
		{"a session's news", "ecs", ecs + `{"category":["session"],"type":["info"],"outcome":"success"}}`, session.KindSessionUpdate, session.OutcomeSuccess, "alice"},
		{"a session's end", "ecs", ecs + `{"category":["session"],"type":["end"]}}`, session.KindLogout, session.OutcomeSuccess, "alice"},
		{"a login that is a session too", "ecs", ecs + `{"category":["authentication","session"],"type":["start"],"outcome":"success"}}`, session.KindLogin, session.OutcomeSuccess, "alice"},
		{"a name for people", "gitlab", `{"id":1,"entity_type":"User","author_name":"Administrator","created_at":"2022-02-23T06:21:05.283Z",
			"details":{"with":"standard","target_details":"Administrator","entity_path":"root"}}`, session.KindLogin, session.OutcomeSuccess, "root"},
		{"a group is no user", "gitlab", `{"id":1,"entity_type":"Group","entity_path":"octo","target_details":"Alice Smith","created_at":"2022-02-23T06:21:05.283Z",
			"event_type":"authenticated_with_group_saml"}`, session.KindLogin, session.OutcomeSuccess, "Alice Smith"},
	} {
		t.Run(c.dialect+": "+c.name, func(t *testing.T) {
			sink := readBody(t, c.dialect, FramingDocument, c.body, testOrigin)
			require.Len(t, sink.events, 1, sink.bad)
			e := sink.events[0]
			require.Equal(t, []any{c.kind, c.outcome, c.user}, []any{e.Kind, e.Outcome, e.User})
			require.False(t, e.Kind == session.KindLogout && e.SessionID == "admins", "who ends another's session keeps his own")
		})
	}
}

// TestWhatDoesNotFitIsKept as it was written.
func TestWhatDoesNotFitIsKept(t *testing.T) {
	for _, want := range []session.Attr{
		{Key: "x", Value: "18446744073709551615"},
		{Key: "x", Value: "9223372036854775807", Type: session.AttrInt},
		{Key: "x", Value: "-0.5e3", Type: session.AttrDouble},
		{Key: "db.system.name", Value: `{"a":1}`, Type: session.AttrJSON},
		{Key: "service.name", Value: `["a"]`, Type: session.AttrJSON},
	} {
		sink := readBody(t, "sessionlog", FramingDocument, nativeEvent(`,"`+want.Key+`":`+want.Value), testOrigin)
		require.Len(t, sink.events, 1)
		require.Equal(t, []session.Attr{want}, sink.events[0].Extra)
	}
}

// TestNestedValuesAreKept: wherever an event may have a value, it may have an object.
func TestNestedValuesAreKept(t *testing.T) {
	const nested = `{"a":{"b":[1,{"c":"deep down"}]}}`
	for key := range knownMembers {
		switch key {
		case "event_name", "timestamp": // without them it is no event
			continue
		}
		sink := readBody(t, "sessionlog", FramingDocument, fmt.Sprintf(`{"event_name":"sessionlog.login","timestamp":"2025-11-22T00:06:41Z",%q:%s}`, key, nested), testOrigin)
		require.Len(t, sink.events, 1, key)
		require.Contains(t, strings.ReplaceAll(fmt.Sprint(sink.events[0]), `\"`, `"`), `{"b":[1,{"c":"deep down"}]}`, key)
	}
	for _, own := range []string{nativeEvent(`,"app":` + nested), nativeEvent(`,"app.tags":[` + nested + `]`)} {
		require.Contains(t, fmt.Sprint(readBody(t, "sessionlog", FramingDocument, own, testOrigin).events), nested)
	}
	settings := readBody(t, "sessionlog", FramingDocument, nativeEvent(`,"sessionlog.settings":{"max_threads":2,"profile":{"readonly":true},"list":["a"],"none":null}`), testOrigin).events[0].Settings
	require.Equal(t, []session.Setting{{Name: "max_threads", Value: "2"}, {Name: "profile", Value: `{"readonly":true}`}, {Name: "list", Value: `["a"]`}, {Name: "none"}}, settings)
}

// TestWordsOfNoMeaningAreKept: what a table cannot read is still what the sender said.
func TestWordsOfNoMeaningAreKept(t *testing.T) {
	for _, c := range []struct{ dialect, body, key, value string }{
		{"okta", `{"eventType":"user.authentication.auth_via_mfa","published":"2025-11-22T00:06:41Z","outcome":{"result":"CHALLENGE"}}`, "outcome.result", "CHALLENGE"},
		{"ocsf", `{"class_uid":3002,"activity_id":1,"time":1763770001123,"status_id":99}`, "status_id", "99"},
		{"ocsf", `{"class_uid":3002,"activity_id":1,"time":1763770001123,"auth_protocol_id":1}`, "auth_protocol_id", "1"},
		{"ecs", `{"@timestamp":"2025-11-22T00:06:41Z","event":{"category":"authentication","type":"start","outcome":"maybe"}}`, "event.outcome", "maybe"},
		{"sessionlog", nativeEvent(`,"sessionlog.outcome":"maybe"`), "sessionlog.outcome", "maybe"},
	} {
		sink := readBody(t, c.dialect, FramingDocument, c.body, testOrigin)
		require.Len(t, sink.events, 1, c.key)
		e := sink.events[0]
		require.Equal(t, session.OutcomeUnknown, e.Outcome)
		var kept []string
		for _, a := range e.Extra {
			if a.Key == session.SourceField+c.key {
				kept = append(kept, a.Value)
			}
		}
		require.Equal(t, []string{c.value}, kept, c.key)
	}
}
