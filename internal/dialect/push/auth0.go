package push

import (
	"errors"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Auth0's tenant log: the codes of its log streams and Management API. A log stream wraps the event as {"log_id", "data"}.
var auth0Types = map[string]eventMeaning{
	"s":                loginSuccess,
	"scoa":             loginSuccess, // cross-origin authentication
	"sens":             loginSuccess, // native social login
	"sepft":            loginSuccess, // password for a token
	"seoobft":          loginSuccess, // and an out-of-band factor
	"seotpft":          loginSuccess, // and a one-time password
	"sercft":           loginSuccess, // and a recovery code
	"sepkoobft":        loginSuccess, // passkey and an out-of-band factor
	"sepkotpft":        loginSuccess, // passkey and a one-time password
	"sepkrcft":         loginSuccess, // passkey and a recovery code
	"fepft":            loginFailure, // these likewise
	"feoobft":          loginFailure,
	"feotpft":          loginFailure,
	"fercft":           loginFailure,
	"fepotpft":         loginFailure, // a passwordless one-time password for a token
	"f":                loginFailure,
	"fp":               loginFailure, // wrong password
	"fu":               loginFailure, // unknown user name or mail
	"fc":               loginFailure, // by the AD/LDAP connector
	"fco":              loginFailure, // by CORS
	"fcoa":             loginFailure,
	"fens":             loginFailure, // native social login
	"limit_wc":         loginFailure, // blocked: too many failed logins to one account
	"limit_mu":         loginFailure, // blocked address: too many failed logins
	"limit_sul":        loginFailure, // blocked: too many logins of one user from one address
	"sdel":             loginSuccess, // delegated
	"pwd_leak":         loginFailure, // blocked: the password is known to be leaked
	"slo":              logoutSuccess,
	"flo":              logoutFailure,
	"ssa":              updateSuccess, // silent authentication: the session goes on
	"fsa":              updateFailure,
	"gd_auth_succeed":  updateSuccess, // second factor
	"gd_auth_failed":   updateFailure,
	"gd_auth_rejected": updateFailure,

	"gd_recovery_succeed":          updateSuccess,
	"gd_recovery_failed":           updateFailure,
	"gd_otp_rate_limit_exceed":     updateFailure,
	"gd_webauthn_challenge_failed": updateFailure,
	"passkey_challenge_failed":     updateFailure,
	"ciba_exchange_succeeded":      loginSuccess, // approved on another device
	"ciba_exchange_failed":         loginFailure,
	"universal_logout_succeeded":   logoutSuccess,
	"universal_logout_failed":      logoutFailure,
}

var auth0SecondFactors = map[string]bool{
	"seoobft": true, "seotpft": true, "sercft": true, "sepkoobft": true, "sepkotpft": true, "sepkrcft": true, "feoobft": true, "feotpft": true, "fercft": true,
	"gd_auth_succeed": true, "gd_auth_failed": true, "gd_auth_rejected": true, "gd_recovery_succeed": true, "gd_recovery_failed": true, "gd_otp_rate_limit_exceed": true,
	"gd_webauthn_challenge_failed": true,
}

// auth0Errors go by the code: descriptions are prose.
var auth0Errors = map[string]string{
	"fp":               session.ErrorInvalidCredentials,
	"fu":               session.ErrorUserUnknown,
	"fc":               session.ErrorProviderUnavailable,
	"fco":              session.ErrorNotPermitted,
	"limit_wc":         session.ErrorAccountLocked,
	"limit_mu":         session.ErrorAddressNotAllowed,
	"limit_sul":        session.ErrorAccountLocked,
	"pwd_leak":         session.ErrorAccountLocked,
	"gd_auth_failed":   session.ErrorInvalidCredentials,
	"gd_auth_rejected": session.ErrorNotPermitted,

	"gd_recovery_failed":           session.ErrorInvalidCredentials,
	"gd_otp_rate_limit_exceed":     session.ErrorAccountLocked,
	"gd_webauthn_challenge_failed": session.ErrorInvalidCredentials,
}

// auth0Methods are strategies: how the connection asks who somebody is.
var auth0Methods = map[string]string{
	"auth0":         session.AuthPassword,
	"ad":            session.AuthLDAP,
	"adfs":          session.AuthSAML,
	"samlp":         session.AuthSAML,
	"pingfederate":  session.AuthSAML,
	"waad":          session.AuthOIDC,
	"oidc":          session.AuthOIDC,
	"okta":          session.AuthOIDC,
	"google-apps":   session.AuthOIDC,
	"google-oauth2": session.AuthOIDC,
	"apple":         session.AuthOIDC,
	"windowslive":   session.AuthOIDC,
	"oauth2":        session.AuthOAuth2,
	"github":        session.AuthOAuth2,
	"facebook":      session.AuthOAuth2,
	"linkedin":      session.AuthOAuth2,
	"sms":           session.AuthOther, // a code sent to the user
	"email":         session.AuthOther,
}

func unwrapAuth0(item jsontree.Value) jsontree.Value {
	if data := item.Get("data"); data.Kind() == jsontree.Object {
		return data
	}
	return item
}

var errNotAuth0 = errors.New("no type: not an event of Auth0's tenant log; send a log stream (custom webhook, or what Amazon EventBridge makes of it)")

func readAuth0Event(item jsontree.Value, r *Record) error {
	word := item.Text("type")
	v, known := auth0Types[word]
	if err := v.setOn(r, known, word == "", errNotAuth0); err != nil {
		return err
	}
	r.SourceEvent = word
	r.ID = firstNonEmptyText(item.Get("log_id"), item.Get("_id"))
	item.Get("_id").MarkUsed() // the same again
	r.User, r.UserID = item.Text("user_name"), item.Text("user_id")
	r.SessionID = item.Text("details", "session_id")
	r.AuthType, r.ProviderName = item.Text("strategy"), item.Text("connection")
	r.AuthMethod = auth0Methods[r.AuthType]
	if auth0SecondFactors[word] {
		r.MFAUsed = wordYes
	}
	r.ClientAddress, r.UserAgent = item.Text("ip"), item.Text("user_agent")
	r.ApplicationName = item.Text("client_name")
	r.ServerAddress = item.Text("hostname")
	if r.Outcome == session.OutcomeFailure {
		r.FailureReason = firstNonEmptyText(item.Get("description"), item.Get("details", "error", "message"))
		setErrorType(r.Event, auth0Errors, word)
	}
	return setEventTime(r.Event, item.Get("date"))
}
