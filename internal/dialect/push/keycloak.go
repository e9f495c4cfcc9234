package push

import (
	"errors"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Keycloak's user events (org.keycloak.events.Event), as event listeners push them: the bare event, or the variant of the widespread
// webhook listeners, which prefix the type with "access." and put the identity into authDetails.
var keycloakTypes = map[string]eventMeaning{
	"LOGIN":                               loginSuccess,
	"LOGIN_ERROR":                         loginFailure,
	"CLIENT_LOGIN":                        loginSuccess,
	"IMPERSONATE":                         loginSuccess, // by an administrator, who is the impersonator
	"IMPERSONATE_ERROR":                   loginFailure,
	"CLIENT_LOGIN_ERROR":                  loginFailure,
	"IDENTITY_PROVIDER_LOGIN_ERROR":       loginFailure, // a success is followed by a LOGIN of its own
	"IDENTITY_PROVIDER_FIRST_LOGIN_ERROR": loginFailure, // likewise
	"IDENTITY_PROVIDER_POST_LOGIN_ERROR":  loginFailure,
	"LOGOUT":                              logoutSuccess,
	"LOGOUT_ERROR":                        logoutFailure,
}

var keycloakErrors = map[string]string{
	"invalid_user_credentials":    session.ErrorInvalidCredentials,
	"invalid_client_credentials":  session.ErrorInvalidCredentials,
	"user_not_found":              session.ErrorUserUnknown,
	"client_not_found":            session.ErrorUserUnknown,
	"user_disabled":               session.ErrorAccountDisabled,
	"user_temporarily_disabled":   session.ErrorAccountLocked,
	"client_disabled":             session.ErrorAccountDisabled,
	"invalid_code":                session.ErrorTokenInvalid,
	"invalid_token":               session.ErrorTokenInvalid,
	"expired_code":                session.ErrorTokenExpired,
	"not_allowed":                 session.ErrorNotPermitted,
	"access_denied":               session.ErrorNotPermitted,
	"session_expired":             session.ErrorTokenExpired,
	"ssl_required":                session.ErrorMethodNotAllowed,
	"identity_provider_error":     session.ErrorProviderUnavailable,
	"user_session_limit_exceeded": session.ErrorConnectionLimit,
}

// keycloakMethods are details.credential_type where there is one, else details.auth_method, which is the protocol.
var keycloakMethods = map[string]string{
	"password":       session.AuthPassword,
	"otp":            session.AuthOther,
	"webauthn":       session.AuthOther,
	"openid-connect": session.AuthOIDC,
	"saml":           session.AuthSAML,
	"docker-v2":      session.AuthOAuth2,
}

var errNotKeycloak = errors.New("no type: not an event of Keycloak; send user events of an event listener, or the JSON log of a server whose " +
	"logger org.keycloak.events is switched on")

// isKeycloakClient: a client logs in, not a person.
func isKeycloakClient(word string) bool {
	return strings.HasPrefix(strings.ToUpper(strings.TrimPrefix(word, "access.")), "CLIENT_")
}

func readKeycloakEvent(item jsontree.Value, r *Record) error {
	if logger := firstNonEmptyText(item.Get("loggerName"), findECSField(item, "log.logger")); logger != "" {
		return readKeycloakLog(item, logger, r)
	}
	word := item.Text("type")
	v, known := keycloakTypes[strings.ToUpper(strings.TrimPrefix(word, "access."))]
	if err := v.setOn(r, known, word == "" && item.Get("operationType").Kind() == jsontree.Missing, errNotKeycloak); err != nil {
		return err
	}
	r.SourceEvent = word
	if isKeycloakClient(word) {
		r.UserType = session.UserService
	}
	r.ID = firstNonEmptyText(item.Get("id"), item.Get("uid"))
	details, auth := item.Get("details"), item.Get("authDetails")
	r.User = firstNonEmptyText(details.Get("username"), auth.Get("username"))
	r.UserID = firstNonEmptyText(item.Get("userId"), auth.Get("userId"))
	r.SessionID = firstNonEmptyText(item.Get("sessionId"), auth.Get("sessionId"))
	r.ClientAddress = firstNonEmptyText(item.Get("ipAddress"), auth.Get("ipAddress"))
	r.ApplicationName = firstNonEmptyText(item.Get("clientId"), auth.Get("clientId"))
	how := details.Get("credential_type")
	if keycloakMethods[how.Peek()] == "" {
		how = details.Get("auth_method")
	}
	r.AuthType, r.AuthMethod = how.Str(), keycloakMethods[how.Peek()]
	r.ProviderName, r.ActorName = details.Text("identity_provider"), details.Text("impersonator")
	r.FailureReason = item.Text("error")
	setErrorType(r.Event, keycloakErrors, r.FailureReason)
	return setEventTime(r.Event, item.Get("time"))
}
