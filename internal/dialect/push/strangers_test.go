package push

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	oktaEvent  = `{"uuid":"u1","published":"2025-11-22T00:06:41.218Z","eventType":"user.session.start","actor":{"type":"User","alternateId":"alice@corp.example"},"outcome":{"result":"SUCCESS"}}`
	auth0Event = `{"log_id":"l1","data":{"log_id":"l1","date":"2025-11-22T00:06:41.218Z","type":"s","user_name":"alice@corp.example"}}`
)

// eventBridge is what Amazon EventBridge makes of a partner's event.
func eventBridge(detail string) string {
	return `{"version":"0","id":"3a5c1f0e","detail-type":"SystemLog","source":"aws.partner/okta.com/corp/x","account":"1","time":"2025-11-22T00:06:42Z","region":"eu-central-1","resources":[],"detail":` + detail + `}`
}

// TestWhatStrangersPush: real shapes with made up names, each with who, how it went, and from where.
func TestWhatStrangersPush(t *testing.T) {
	at := time.Date(2025, 11, 22, 0, 6, 41, 218e6, time.UTC)
	second := at.Truncate(time.Second)
	const login, success, failure = session.KindLogin, session.OutcomeSuccess, session.OutcomeFailure
	for _, c := range []struct {
		name, dialect, body string
		want                session.Event
	}{
		{
			"Okta acts, and the target is the person", "okta", `{"uuid":"u1","published":"2025-11-22T00:06:41.218Z","eventType":"user.authentication.auth_via_IDP",
				"actor":{"id":"s","type":"SystemPrincipal","alternateId":"system@okta.com"},"outcome":{"result":"SUCCESS"},
				"target":[{"id":"i","type":"IdentityProvider"},{"id":"00u","type":"User","alternateId":"alice@corp.example"}]}`,
			session.Event{Kind: login, Outcome: success, User: "alice@corp.example", UserID: "00u", Time: at.UnixNano()},
		},
		{
			"an application acts", "okta", `{"uuid":"u1","published":"2025-11-22T00:06:41.218Z","eventType":"app.oauth2.signon",
				"actor":{"id":"a","type":"PublicClientApp","alternateId":"app"},"outcome":{"result":"ALLOW"},"target":[{"id":"00u","type":"User","alternateId":"alice@corp.example"}]}`,
			session.Event{Kind: session.KindSessionStart, Outcome: success, User: "alice@corp.example", UserID: "00u", AuthMethod: session.AuthOIDC, Time: at.UnixNano()},
		},
		{
			"an agent that the table does not know", "okta", `{"uuid":"u1","published":"2025-11-22T00:06:41.218Z","eventType":"user.authentication.auth_via_newthing",
				"actor":{"type":"User","alternateId":"alice@corp.example"},"outcome":{"result":"Denied"}}`,
			session.Event{Kind: login, Outcome: failure, User: "alice@corp.example", ErrorType: session.ErrorOther, Time: at.UnixNano()},
		},
		{"EventBridge, one event", "okta", eventBridge(oktaEvent), session.Event{Kind: login, Outcome: success, User: "alice@corp.example", Time: at.UnixNano()}},
		{"EventBridge, a list", "okta", eventBridge("[" + oktaEvent + "]"), session.Event{Kind: login, Outcome: success, User: "alice@corp.example", Time: at.UnixNano()}},
		{"EventBridge, a text", "okta", eventBridge(strconv.Quote(oktaEvent)), session.Event{Kind: login, Outcome: success, User: "alice@corp.example", Time: at.UnixNano()}},
		{"EventBridge, Auth0", "auth0", eventBridge(auth0Event), session.Event{Kind: login, Outcome: success, User: "alice@corp.example", Time: at.UnixNano()}},
		{"EventBridge, a list of Auth0's", "auth0", eventBridge("[" + auth0Event + "]"), session.Event{Kind: login, Outcome: success, User: "alice@corp.example", Time: at.UnixNano()}},
		{
			"Event Grid, Auth0", "auth0", `{"id":"e1","topic":"/t","subject":"auth0","eventType":"Auth0.EventLog","eventTime":"2025-11-22T00:06:42Z","dataVersion":"1","data":` + auth0Event + `}`,
			session.Event{Kind: login, Outcome: success, User: "alice@corp.example", Time: at.UnixNano()},
		},
		{
			"a CloudEvent whose data is a text", "auth0", `{"specversion":"1.0","id":"a1","source":"/x","type":"t","data":` + strconv.Quote(auth0Event) + `}`,
			session.Event{Kind: login, Outcome: success, User: "alice@corp.example", Time: at.UnixNano()},
		},
		{
			"a password for a token", "auth0", `{"date":"2025-11-22T00:06:41.218Z","type":"fepft","user_name":"alice@corp.example","log_id":"1"}`,
			session.Event{Kind: login, Outcome: failure, User: "alice@corp.example", ErrorType: session.ErrorOther, Time: at.UnixNano()},
		},
		{
			"OCSF, name of the actor, status in words, seconds", "ocsf", fmt.Sprintf(`{"class_uid":3002,"activity_id":1,"time":%d,"time_dt":"2025-11-22T00:06:41Z","status":"Failure",
				"actor":{"user":{"name":"alice","uid":"7"}},"src_endpoint":{"ip":"-"},"user":{"name":"-"}}`, second.Unix()),
			session.Event{Kind: login, Outcome: failure, User: "alice", UserID: "7", ErrorType: session.ErrorOther, Time: second.UnixNano()},
		},
		{
			"OCSF, names in place of numbers", "ocsf", fmt.Sprintf(`{"class_name":"Authentication","activity_name":"Logon","time":%d,"status":"success","user":{"email_addr":"a@b"}}`, at.UnixMicro()),
			session.Event{Kind: login, Outcome: success, User: "a@b", Time: at.UnixNano()},
		},
		{
			"OCSF, another activity, by a short name", "ocsf", fmt.Sprintf(`{"class_uid":3002,"activity_id":99,"activity_name":"CredentialVerification","time":%d,"status_id":2,"user":{"name":"alice"},"src_endpoint":{"ip":"-","name":"ws1"}}`, at.UnixMilli()),
			session.Event{Kind: session.KindSessionUpdate, Outcome: failure, User: "alice", ErrorType: session.ErrorOther, ClientAddress: "ws1", Time: at.UnixNano()},
		},
		{
			"OCSF, a type and a disposition", "ocsf", fmt.Sprintf(`{"type_uid":300201,"time":%d,"disposition":"Blocked","user":{"name":"alice"},"src_endpoint":{"ip":"203.0.113.9"}}`, at.UnixMilli()),
			session.Event{Kind: login, Outcome: failure, User: "alice", ErrorType: session.ErrorOther, ClientAddress: "203.0.113.9", Time: at.UnixNano()},
		},
		{
			"ECS, lists of one", "ecs", `{"@timestamp":["2025-11-22T00:06:41.218Z"],"event":{"category":["authentication"],"type":["start"],"outcome":["success"],"action":["x"]},
				"user":{"name":["alice"]},"source":{"ip":["203.0.113.42"],"port":[4711]}}`,
			session.Event{Kind: login, Outcome: success, User: "alice", ClientAddress: "203.0.113.42", ClientPort: 4711, Time: at.UnixNano()},
		},
		{
			"ECS, a list of addresses", "ecs", `{"@timestamp":"2025-11-22T00:06:41.218+0000","event":{"category":"authentication","type":"start","outcome":"Succeeded"},"user.email":"a@b","source.ip":["203.0.113.42","10.0.0.1"]}`,
			session.Event{Kind: login, Outcome: success, User: "a@b", ClientAddress: "203.0.113.42", Time: at.UnixNano()},
		},
		{
			"our own, an address with its port", "sessionlog", `{"event_name":"sessionlog.login","timestamp":"2025-11-22 01:06:41.218+0100","sessionlog.outcome":"ok","user.name":"alice","client.address":"203.0.113.42:4711"}`,
			session.Event{Kind: login, Outcome: success, User: "alice", ClientAddress: "203.0.113.42", ClientPort: 4711, Time: at.UnixNano()},
		},
		{
			"Keycloak behind two proxies", "keycloak", fmt.Sprintf(`{"time":%d,"type":"LOGIN","ipAddress":"203.0.113.42, 10.0.0.1","details":{"username":"alice"}}`, at.UnixMilli()),
			session.Event{Kind: login, Outcome: success, User: "alice", ClientAddress: "203.0.113.42", Time: at.UnixNano()},
		},
		{
			"Okta, a target in lower case", "okta", `{"published":"2025-11-22T00:06:41.218Z","eventType":"user.authentication.auth_via_IDP","outcome":{"result":"SUCCESS"},
				"actor":{"type":"SystemPrincipal","alternateId":"system@okta.com"},"target":[{"type":"user","alternateId":"alice"}],"client":{"ipAddress":"unknown"}}`,
			session.Event{Kind: login, Outcome: success, User: "alice", Time: at.UnixNano()},
		},
		{
			"ECS, what auditd checks around a login", "ecs", `{"@timestamp":"2025-11-22T00:06:41.218Z","event":{"category":["authentication"],"type":["info"],"action":"acquired-credentials","outcome":"success"},"user":{"name":"alice"}}`,
			session.Event{Kind: session.KindSessionUpdate, Outcome: success, User: "alice", Time: at.UnixNano()},
		},
		{
			"ECS, a ticket for a service of Windows", "ecs", `{"@timestamp":"2025-11-22T00:06:41.218Z","event":{"category":["authentication"],"type":["start"],"action":"kerberos-service-ticket-requested","outcome":"success"},"user":{"name":"alice"}}`,
			session.Event{Kind: session.KindSessionUpdate, Outcome: success, User: "alice", Time: at.UnixNano()},
		},
		{
			"ECS, a session of Windows that is left and stays", "ecs", `{"@timestamp":"2025-11-22T00:06:41.218Z","event":{"category":["authentication","session"],"type":["end"],"action":"session-disconnected","outcome":"success"},"user":{"name":"alice"}}`,
			session.Event{Kind: session.KindSessionUpdate, Outcome: success, User: "alice", Time: at.UnixNano()},
		},
		{
			"ECS, what auditd writes with a login", "ecs", `{"@timestamp":"2025-11-22T00:06:41.218Z","event":{"category":["authentication"],"type":["start"],"action":"changed-login-id-to","outcome":"success"},"user":{"name":"alice"}}`,
			session.Event{Kind: session.KindSessionUpdate, Outcome: success, User: "alice", Time: at.UnixNano()},
		},
		{
			"ECS, a login that failed and so ended", "ecs", `{"@timestamp":"2025-11-22T00:06:41.218Z","event":{"category":["authentication"],"type":["end"],"action":"invalid-credentials","outcome":"failure"},"user":{"name":"alice"}}`,
			session.Event{Kind: login, Outcome: failure, User: "alice", ErrorType: session.ErrorOther, Time: at.UnixNano()},
		},
		{
			"ECS, a logout that failed", "ecs", `{"@timestamp":"2025-11-22T00:06:41.218Z","event":{"category":["authentication"],"type":["end"],"action":"user-logout","outcome":"failure"},"user":{"name":"alice"}}`,
			session.Event{Kind: session.KindLogout, Outcome: failure, User: "alice", ErrorType: session.ErrorOther, Time: at.UnixNano()},
		},
		{
			"ECS, the source's user", "ecs", `{"@timestamp":"2025-11-22T00:06:41.218Z","event":{"category":"authentication","outcome":"denied"},"source":{"user":{"name":"alice"},"ip":"-"}}`,
			session.Event{Kind: login, Outcome: failure, User: "alice", ErrorType: session.ErrorOther, Time: at.UnixNano()},
		},
		{
			"ECS, the target's user", "ecs", `{"@timestamp":"2025-11-22T00:06:41.218Z","event":{"category":"authentication","type":["start","denied"]},"user":{"target":{"name":"alice"}}}`,
			session.Event{Kind: login, Outcome: failure, User: "alice", ErrorType: session.ErrorOther, Time: at.UnixNano()},
		},
		{
			"ECS, an action and no category", "ecs", `{"@timestamp":"2025-11-22T00:06:41.218Z","event":{"action":"user_login","outcome":"success"},"user":{"name":"alice"}}`,
			session.Event{Kind: login, Outcome: success, User: "alice", Time: at.UnixNano()},
		},
		{
			"ECS, an error and no outcome", "ecs", `{"@timestamp":"2025-11-22T00:06:41.218Z","event":{"category":"authentication","type":"start"},"error":{"type":"timeout"},"user":{"name":"alice"}}`,
			session.Event{Kind: login, Outcome: failure, User: "alice", ErrorType: "timeout", Time: at.UnixNano()},
		},
		{
			"Okta itself acts, on nobody", "okta", `{"uuid":"u1","published":"2025-11-22T00:06:41.218Z","eventType":"user.session.start","actor":{"id":"s","type":"SystemPrincipal","alternateId":"system@okta.com"},
				"outcome":{"result":"FAILURE"},"client":{"ipAddress":null},"request":{"ipChain":[{"ip":"203.0.113.42"},{"ip":"10.0.0.1"}]}}`,
			session.Event{Kind: login, Outcome: failure, ClientAddress: "203.0.113.42", ErrorType: session.ErrorOther, Time: at.UnixNano()},
		},
		{
			"Okta knows no such user", "okta", `{"uuid":"u1","published":"2025-11-22T00:06:41.218Z","eventType":"user.session.start","actor":{"id":"unknown","type":"User","alternateId":"unknown"},
				"outcome":{"result":"FAILURE","reason":"VERIFICATION_ERROR"},"client":{"ipAddress":"203.0.113.42"}}`,
			session.Event{Kind: login, Outcome: failure, ClientAddress: "203.0.113.42", ErrorType: session.ErrorInvalidCredentials, Time: at.UnixNano()},
		},
		{
			"OCSF, the system acts for a user without a name", "ocsf", fmt.Sprintf(`{"class_uid":3002,"activity_id":1,"time":%d,"status_id":1,"user":{"uid":"S-1-5-21-7","domain":"CORP"},
				"actor":{"user":{"name":"SYSTEM","uid":"S-1-5-18"}},"src_endpoint":{"ip":["203.0.113.42"]}}`, at.UnixMilli()),
			session.Event{Kind: login, Outcome: success, UserID: "S-1-5-21-7", ClientAddress: "203.0.113.42", Time: at.UnixNano()},
		},
		{
			"ECS in capitals", "ecs", `{"@timestamp":"2025-11-22T00:06:41.218Z","event":{"category":"Authentication","type":"Start","outcome":"Success"},"client":{"user":{"full_name":"Alice A","id":"7"}}}`,
			session.Event{Kind: login, Outcome: success, User: "Alice A", UserID: "7", Time: at.UnixNano()},
		},
		{
			"Keycloak's types in small letters", "keycloak", `{"type":"login_error","time":1763770001218,"error":"user_not_found","details":{"username":"alice"}}`,
			session.Event{Kind: login, Outcome: failure, User: "alice", ErrorType: session.ErrorUserUnknown, Time: at.UnixNano()},
		},
		{
			"Keycloak, the first login through another provider fails", "keycloak", `{"type":"IDENTITY_PROVIDER_FIRST_LOGIN_ERROR","time":1763770001218,"error":"x"}`,
			session.Event{Kind: login, Outcome: failure, ErrorType: session.ErrorOther, Time: at.UnixNano()},
		},
		{
			"ours, lists of one", "sessionlog", `{"event_name":"sessionlog.login","timestamp":1763770001218,"user.name":"alice","client.address":["203.0.113.42"],"sessionlog.outcome":["declined"]}`,
			session.Event{Kind: login, Outcome: failure, User: "alice", ClientAddress: "203.0.113.42", Time: at.UnixNano()},
		},
		{
			"GitLab's audit_json.log", "gitlab", `{"severity":"INFO","time":"2025-11-22T00:06:41.218Z","correlation_id":"c","author_id":1,"author_name":"Administrator","entity_id":1,"entity_type":"User",
				"with":"standard","target_id":1,"target_type":"User","target_details":"Administrator","ip_address":"203.0.113.42","entity_path":"root"}`,
			session.Event{Kind: login, Outcome: success, User: "root", UserID: "1", ClientAddress: "203.0.113.42", AuthMethod: session.AuthPassword, Time: at.UnixNano()},
		},
		{
			"GitLab's audit_json.log, before 15", "gitlab", `{"severity":"INFO","time":"2025-11-22T00:06:41.218Z","meta.remote_ip":"203.0.113.42","meta.user":"alice","meta.user_id":5,"author_id":5,
				"author_name":"Alice Able","entity_id":5,"entity_type":"User","with":"standard","target_id":5,"target_type":"User","target_details":"Alice Able"}`,
			session.Event{Kind: login, Outcome: success, User: "alice", UserID: "5", ClientAddress: "203.0.113.42", AuthMethod: session.AuthPassword, Time: at.UnixNano()},
		},
		{
			"GitLab's audit_json.log, a failure", "gitlab", `{"severity":"INFO","time":"2025-11-22T00:06:41.218Z","author_id":-1,"author_name":"alice","entity_id":0,"entity_type":"User","failed_login":"STANDARD",
				"target_details":"alice","ip_address":"203.0.113.42"}`,
			session.Event{Kind: login, Outcome: failure, User: "alice", ClientAddress: "203.0.113.42", AuthMethod: session.AuthPassword, ErrorType: session.ErrorInvalidCredentials, Time: at.UnixNano()},
		},
		{
			"Keycloak's log in JSON", "keycloak", `{"timestamp":"2025-11-22T00:06:41.218Z","sequence":10044,"loggerClassName":"org.jboss.logging.Logger","loggerName":"org.keycloak.events","level":"WARN",
				"message":"type=\"LOGIN_ERROR\", realmId=\"r\", realmName=\"corp\", clientId=\"shop\", userId=\"null\", ipAddress=\"203.0.113.42\", error=\"user_not_found\", auth_method=\"openid-connect\", username=\"a\\\", userId=\\\"x\"",
				"threadName":"executor-thread-1","hostName":"kc-0","processId":1}`,
			session.Event{Kind: login, Outcome: failure, User: `a", userId="x`, ClientAddress: "203.0.113.42", AuthMethod: session.AuthOIDC, ErrorType: session.ErrorUserUnknown, Time: at.UnixNano()},
		},
		{
			"Keycloak's log for ECS, of older versions", "keycloak", `{"@timestamp":"2025-11-22T00:06:41.218+00:00","log.logger":"org.keycloak.events","message":"type=LOGIN, realmId=corp, clientId=shop, userId=7, ipAddress=203.0.113.42, auth_method=saml, username=al, ice"}`,
			session.Event{Kind: login, Outcome: success, User: "al, ice", UserID: "7", ClientAddress: "203.0.113.42", AuthMethod: session.AuthSAML, Time: at.UnixNano()},
		},
		{
			"ours, as SDKs without event names call it", "sessionlog", `{"event.name":"sessionlog.Login","timestamp":1763770001.218,"user.name":"alice","sessionlog.outcome":true}`,
			session.Event{Kind: login, Outcome: success, User: "alice", Time: at.UnixNano()},
		},
		{
			"ours, an error and no outcome", "sessionlog", `{"event_name":"SESSIONLOG.LOGIN","timestamp":"1763770001218","user.name":"alice","error.type":"timeout"}`,
			session.Event{Kind: login, Outcome: failure, User: "alice", ErrorType: "timeout", Time: at.UnixNano()},
		},
		{
			"ours, nested", "sessionlog", `{"event":{"name":"sessionlog.login"},"timestamp":1763770001218,"user":{"name":"alice","id":7,"team":{"x":1}},"client":{"address":"203.0.113.42","port":4711},
				"sessionlog":{"outcome":"failure","settings":{"a":"b"}},"error":{"type":"timeout"},"request":{"id":"r1"}}`,
			session.Event{
				Kind: login, Outcome: failure, User: "alice", UserID: "7", ErrorType: session.ErrorTimeout, ClientAddress: "203.0.113.42", ClientPort: 4711, Time: at.UnixNano(),
			},
		},
		{
			"ours, with the outcome of ECS", "sessionlog", `{"event_name":"sessionlog.login","timestamp":1763770001218,"user.name":"alice","event":{"outcome":"denied"}}`,
			session.Event{Kind: login, Outcome: failure, User: "alice", Time: at.UnixNano()},
		},
		{
			"ours, a logout", "sessionlog", `{"event_name":"sessionlog.logout","timestamp":1763770001218000,"user.name":"alice"}`,
			session.Event{Kind: session.KindLogout, Outcome: success, User: "alice", Time: at.UnixNano()},
		},
	} {
		t.Run(c.dialect+": "+c.name, func(t *testing.T) {
			sink := readBody(t, c.dialect, FramingDocument, c.body, testOrigin)
			require.Empty(t, sink.bad)
			require.Len(t, sink.events, 1)
			e := sink.events[0]
			got := session.Event{
				Kind: e.Kind, Outcome: e.Outcome, User: e.User, UserID: e.UserID, ClientAddress: e.ClientAddress, ClientPort: e.ClientPort, Time: e.Time,
				AuthMethod: e.AuthMethod, ErrorType: e.ErrorType,
			}
			require.Equal(t, c.want, got)
		})
	}
}

// TestTheEnvelopeMakesNoOtherRecord: an event that has an id has it in every envelope.
func TestTheEnvelopeMakesNoOtherRecord(t *testing.T) {
	for dialect, event := range map[string]string{"okta": oktaEvent, "auth0": auth0Event} {
		bare := readBody(t, dialect, FramingDocument, event, testOrigin).events[0]
		require.Equal(t, bare, readBody(t, dialect, FramingDocument, eventBridge(event), testOrigin).events[0], dialect)
		require.Equal(t, bare.RecordID, readBody(t, dialect, FramingDocument, eventBridge("["+event+"]"), testOrigin).events[0].RecordID, dialect)
	}
}

// TestWhatIsNotUnderstoodIsRefused with the remedy: 200 would have the sender forget a login.
func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	for dialect, remedy := range map[string]string{
		"okta": "no eventType", "auth0": "no type", "keycloak": "no type", "ocsf": "no class_uid", "ecs": "no event.category", "github": "no action", "gitlab": "no audit event",
	} {
		for _, body := range []string{
			`{}`, `{"Records":[{"eventType":"user.session.start"}]}`, `{"logs":[` + auth0Event + `]}`, `{"message":"user alice logged in"}`,
			`{"log_id":"1","payload":{"type":"s"}}`, `{"events":[` + oktaEvent + `]}`,
		} {
			sink := readBody(t, dialect, FramingDocument, body, testOrigin)
			require.Empty(t, sink.other, "%s: %s", dialect, body)
			require.Contains(t, sink.bad[0], remedy, "%s: %s", dialect, body)
			require.NotContains(t, sink.bad[0], "alice")
		}
	}
	sink := readBody(t, "okta", FramingDocument, eventBridge(`{"a":1}`)+"", testOrigin)
	require.Contains(t, sink.bad[0], "no eventType")
	sink = readBody(t, "okta", FramingDocument, strings.Replace(eventBridge(oktaEvent), "2025-11-22T00:06:42Z", "yesterday", 1), testOrigin)
	require.Contains(t, sink.bad[0], "its time cannot be read: write RFC 3339 with a zone")
	sink = readBody(t, "ocsf", FramingDocument, `{"class_uid":3002,"time":1763770001,"status_id":1,"user":{"name":"alice"}}`, testOrigin)
	require.Contains(t, sink.bad[0], "no activity_id")
	sink = readBody(t, "ecs", FramingDocument, `{"@timestamp":1763770001,"event":{"category":["authentication"]},"error":{"message":"bad password"},"user":{"name":"alice"}}`, testOrigin)
	require.Contains(t, sink.bad[0], "neither event.outcome")
	sink = readBody(t, "github", FramingDocument, `{"action":"opened","pull_request":{"created_at":"2025-11-22T00:06:41Z"}}`, testOrigin)
	require.Contains(t, sink.bad[0], "not webhooks")
	sink = readBody(t, "keycloak", FramingDocument, `{"loggerName":"org.keycloak.events","message":"started"}`, testOrigin)
	require.Contains(t, sink.bad[0], "no type")
}

// TestOtherEventsArePassedOver: what a dialect knows to be something else is no fault.
func TestOtherEventsArePassedOver(t *testing.T) {
	for dialect, body := range map[string]string{
		"okta": `{"eventType":"group.user_membership.add"}`, "auth0": `{"type":"sapi"}`, "keycloak": `{"operationType":"CREATE","resourceType":"USER"}`,
		"ocsf": `{"class_uid":4001,"activity_id":1}`, "ecs": `{"event":{"category":"file","outcome":"success"}}`, "github": `{"action":"repo.create","created_at":1763770001218}`,
		"gitlab": `{"author_id":1,"entity_type":"Project","change":"visibility","time":"2025-11-22T00:06:41Z"}`,
	} {
		sink := readBody(t, dialect, FramingDocument, body, testOrigin)
		require.Empty(t, sink.bad, dialect)
		require.Equal(t, []int{0}, sink.other, dialect)
	}
	sink := readBody(t, "keycloak", FramingDocument, `{"loggerName":"org.keycloak.services","message":"started"}`, testOrigin)
	require.Equal(t, []int{0}, sink.other)
}

// TestTimesOfPushedEvents: in any unit, and never in 1970.
func TestTimesOfPushedEvents(t *testing.T) {
	at := time.Date(2025, 11, 22, 0, 6, 41, 0, time.UTC)
	for _, text := range []string{
		"1763770001", "1763770001.0", `"1763770001"`, "1763770001000", "1763770001000000", "1763770001000000000", `"2025-11-22T00:06:41Z"`, `"2025-11-22T01:06:41+01:00"`,
		`"2025-11-22T00:06:41+0000"`, `"2025-11-22 00:06:41Z"`, `"2025-11-22 00:06:41 UTC"`, `"2025-11-22 00:06:41.000 +0000"`,
	} {
		for dialect, body := range map[string]string{
			"sessionlog": `{"event_name":"sessionlog.login","timestamp":%s}`, "ocsf": `{"class_uid":3002,"activity_id":1,"time":%s}`, "auth0": `{"type":"s","date":%s}`,
			"ecs": `{"event":{"category":"authentication","type":"start"},"@timestamp":%s}`, "okta": `{"eventType":"user.session.start","published":%s}`,
			"keycloak": `{"type":"LOGIN","time":%s}`, "github": `{"action":"user.login","@timestamp":%s}`, "gitlab": `{"event_type":"authenticated_with_ldap","created_at":%s}`,
		} {
			sink := readBody(t, dialect, FramingDocument, fmt.Sprintf(body, text), testOrigin)
			require.Empty(t, sink.bad, "%s %s", dialect, text)
			require.Equal(t, at.UnixNano(), sink.events[0].Time, "%s %s", dialect, text)
		}
	}
	require.EqualValues(t, 1763770001_250000000, readBody(t, "keycloak", FramingDocument, `{"type":"LOGIN","time":1763770001250.0}`, testOrigin).events[0].Time)
	require.EqualValues(t, 1763770001_250000000, readBody(t, "keycloak", FramingDocument, `{"type":"LOGIN","time":"1763770001.25"}`, testOrigin).events[0].Time)
	for _, text := range []string{`"1970-01-21T09:56:10Z"`, `"1970-01-01T00:00:00.000+00:00"`, `"1970-01-21T10:56:10+0100"`, "0", "1", "-5", "7000000000", "1e9", `"1763770001x"`, `"2025-11-22 00:06:41"`, "true", "[]"} {
		sink := readBody(t, "sessionlog", FramingDocument, `{"event_name":"sessionlog.login","timestamp":`+text+`}`, testOrigin)
		require.Empty(t, sink.events, text)
		require.Len(t, sink.bad, 1, text)
	}
}

// TestNestedKeysOfOurs: beside a known key what is not known stands under its whole name, and an object without one stays as it is.
func TestNestedKeysOfOurs(t *testing.T) {
	e := readBody(t, "sessionlog", FramingDocument, nativeEvent(`,"client":{"address":"192.0.2.1","asn":{"number":1}},"sessionlog":{"settings":{"a":"b"}},"request":{"id":"r1"},"session":{"cart":2}`), testOrigin).events[0]
	require.Equal(t, "192.0.2.1", e.ClientAddress)
	require.Equal(t, []session.Setting{{Name: "a", Value: "b"}}, e.Settings)
	require.Equal(t, []session.Attr{
		{Key: "client.asn.number", Value: "1", Type: session.AttrInt}, {Key: "request", Value: `{"id":"r1"}`, Type: session.AttrJSON}, {Key: "session", Value: `{"cart":2}`, Type: session.AttrJSON},
	}, e.Extra)
}

// TestOriginalsInAnySpelling: one that is no text is kept as it is.
func TestOriginalsInAnySpelling(t *testing.T) {
	for dialect, body := range map[string]string{
		"ocsf": `{"class_uid":3002,"activity_id":1,"time":1763770001,"raw_data":{"a":["b"]}}`, "ecs": `{"@timestamp":1763770001,"event":{"category":"authentication","type":"start","original":{"a":["b"]}}}`,
		"sessionlog": nativeEvent(`,"log.record.original":{"a":["b"]}`),
	} {
		e := readBody(t, dialect, FramingDocument, body, testOrigin).events[0]
		kept := e.Original
		for _, a := range e.Extra {
			if strings.HasSuffix(a.Key, "original") || strings.HasSuffix(a.Key, "raw_data") {
				kept += a.Value
			}
			if strings.HasSuffix(a.Key, "original.a") || strings.HasSuffix(a.Key, "raw_data.a") {
				kept += `{"a":` + a.Value + `}`
			}
		}
		require.Equal(t, `{"a":["b"]}`, kept, dialect)
	}
}
