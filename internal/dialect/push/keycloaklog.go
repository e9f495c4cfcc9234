package push

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"
	"github.com/otel-sessionlog/sessionlog/session"
)

// keycloakLogger writes the events of Keycloak's listener jboss-logging into the server's log. In JSON (--log-console-output=json, also in its
// form for ECS) the event is the message: type="LOGIN_ERROR", realmId="…", userId="null", ipAddress="…", error="…", username="…"; versions
// before 23 write no quotes.
const keycloakLogger = "org.keycloak.events"

func readKeycloakLog(item jsontree.Value, logger string, r *Record) error {
	if logger != keycloakLogger {
		return ErrOther
	}
	message := item.Get("message")
	fields := keycloakFields(message.Peek())
	word := fields["type"]
	v, known := keycloakTypes[word]
	if err := v.setOn(r, known, word == "" && fields["operationType"] == "", errNotKeycloak); err != nil {
		return err
	}
	r.SourceEvent, r.Original = word, message.Str()
	r.User, r.UserID, r.SessionID = fields["username"], fields["userId"], fields["sessionId"]
	r.ClientAddress, r.ApplicationName = fields["ipAddress"], fields["clientId"]
	r.ProviderName, r.ActorName = fields["identity_provider"], fields["impersonator"]
	if isKeycloakClient(word) {
		r.UserType = session.UserService
	}
	r.Host = firstNonEmptyText(item.Get("hostName"), findECSField(item, "host.hostname"), findECSField(item, "host.name"))
	how := fields["credential_type"]
	if keycloakMethods[how] == "" {
		how = fields["auth_method"]
	}
	r.AuthType, r.AuthMethod = how, keycloakMethods[how]
	if r.FailureReason = fields["error"]; r.Outcome == session.OutcomeFailure {
		setErrorType(r.Event, keycloakErrors, r.FailureReason)
	}
	for _, key := range [...]string{"realmName", "realmId"} {
		if r.Database = fields[key]; r.Database != "" {
			break
		}
	}
	at := item.Get("timestamp")
	if at.Kind() <= jsontree.Null {
		at = findECSField(item, "@timestamp")
	}
	if sequence := item.Get("sequence").Peek(); sequence != "" { // which starts again with the server
		r.ID = strings.Join([]string{r.Host, item.Get("processId").Peek(), sequence, at.Peek()}, " ")
	}
	return setEventTime(r.Event, at)
}

func keycloakFields(message string) map[string]string {
	fields := map[string]string{}
	for message != "" {
		key, rest, found := strings.Cut(message, "=")
		if !found {
			break
		}
		var value string
		if text, quoted := strings.CutPrefix(rest, `"`); quoted {
			value, message = cutQuotedValue(text)
		} else {
			value, message = cutBareValue(rest)
		}
		if _, again := fields[key]; !again && value != "null" { // the server writes its own fields before those of the client
			fields[key] = value
		}
	}
	return fields
}

func cutQuotedValue(text string) (value, rest string) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && text[i+1] == '"':
			b.WriteByte('"')
			i++
		case c == '"':
			return b.String(), strings.TrimPrefix(text[i+1:], ", ")
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

func cutBareValue(text string) (value, rest string) {
	for at := 0; ; {
		i := strings.Index(text[at:], ", ")
		if i < 0 {
			return text, ""
		}
		at += i + 2
		if key, _, found := strings.Cut(text[at:], "="); found && key != "" && strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") == "" {
			return text[:at-2], text[at:]
		}
	}
}
