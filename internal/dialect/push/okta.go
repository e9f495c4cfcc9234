package push

import (
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/push/tree"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Okta's System Log: a LogEvent as the API gives it, or the envelope of an event hook, which has them in data.events. Only their
// outcome.result says how it went.
var oktaTypes = map[string]session.Kind{
	"user.session.start":                               session.KindLogin,
	"user.authentication.auth_via_AD_agent":            session.KindLogin,
	"user.authentication.auth_via_LDAP_agent":          session.KindLogin,
	"user.authentication.auth_via_IDP":                 session.KindLogin,
	"user.authentication.auth_via_inbound_SAML":        session.KindLogin,
	"user.authentication.auth_via_radius":              session.KindLogin,
	"user.authentication.auth_via_social":              session.KindLogin,
	"app.oauth2.signon":                                session.KindSessionStart, // likewise, over OIDC
	"user.session.end":                                 session.KindLogout,
	"user.authentication.slo":                          session.KindLogout,
	"user.authentication.sso":                          session.KindSessionStart, // a session of an application, after the login to Okta
	"user.authentication.auth_via_mfa":                 session.KindSessionUpdate,
	"user.session.access_admin_app":                    session.KindSessionUpdate,
	"user.authentication.verify":                       session.KindSessionUpdate,
	"user.authentication.universal_logout":             session.KindLogout,
	"user.session.clear":                               session.KindLogout,
	"user.authentication.auth_via_iwa":                 session.KindLogin,
	"user.authentication.auth_via_richclient":          session.KindLogin,
	"user.authentication.auth":                         session.KindLogin,
	"user.authentication.auth_via_inbound_delauth":     session.KindLogin,
	"user.authentication.auth_unconfigured_identifier": session.KindSessionUpdate, // a warning beside the login's own event
	"user.authentication.dsso_via_non_priority_source": session.KindSessionUpdate, // likewise
}

var oktaOutcomes = map[string]session.Outcome{
	"SUCCESS": session.OutcomeSuccess,
	"ALLOW":   session.OutcomeSuccess,
	"FAILURE": session.OutcomeFailure,
	"DENY":    session.OutcomeFailure,
}

var oktaErrors = map[string]string{
	"INVALID_CREDENTIALS": session.ErrorInvalidCredentials,
	"VERIFICATION_ERROR":  session.ErrorInvalidCredentials,
	"UNKNOWN_USER":        session.ErrorUserUnknown,
	"LOCKED_OUT":          session.ErrorAccountLocked,
	"USER_LOCKED":         session.ErrorAccountLocked,
	"USER_DISABLED":       session.ErrorAccountLocked,
	"PASSWORD_EXPIRED":    session.ErrorAccountLocked,
	"Sign-on policy evaluation resulted in DENY": session.ErrorNotPermitted,
	"NETWORK_ZONE_BLACKLIST":                     session.ErrorAddressNotAllowed,
	"INVALID_TOKEN":                              session.ErrorTokenInvalid,
	"GENERAL_NONSUCCESS":                         session.ErrorOther,
	"INVALID_LOGIN":                              session.ErrorInvalidCredentials,
	"AUTHENTICATION_FAILURE":                     session.ErrorInvalidCredentials,
	"RADIUS_TIMEOUT":                             session.ErrorTimeout,
	"DELEGATED_AUTH_TIMEOUT":                     session.ErrorTimeout,
	"AGENT_UNAVAILABLE":                          session.ErrorProviderUnavailable,
	"NO_AGENT_AVAILABLE":                         session.ErrorProviderUnavailable,
	"LDAP_AGENT_NOT_AVAILABLE":                   session.ErrorProviderUnavailable,
}

// oktaMethods are authenticationContext.credentialType, and for want of it the event's type.
var oktaMethods = map[string]string{
	"PASSWORD":    session.AuthPassword,
	"ASSERTION":   session.AuthSAML,
	"IWA":         session.AuthKerberos,
	"OAUTH2":      session.AuthOAuth2,
	"JWT":         session.AuthJWT,
	"CERTIFICATE": session.AuthCertificate,
	"OTP":         session.AuthOther,
	"SMS":         session.AuthOther,
	"EMAIL":       session.AuthOther,
	"user.authentication.auth_via_LDAP_agent":   session.AuthLDAP,
	"user.authentication.auth_via_AD_agent":     session.AuthLDAP,
	"user.authentication.auth_via_radius":       session.AuthRADIUS,
	"user.authentication.auth_via_inbound_SAML": session.AuthSAML,
	"app.oauth2.signon":                         session.AuthOIDC,
}

// oktaVictims are types whose actor ends the sessions of another, who is a target.
var oktaVictims = map[string]bool{"user.session.clear": true, "user.authentication.universal_logout": true}

// oktaWho is the one whose session it is.
func oktaWho(item tree.Value, word string) tree.Value {
	if oktaVictims[word] {
		for target := range item.Get("target").Elements() {
			if target.Get("type").Is("User") {
				return target
			}
		}
	}
	return item.Get("actor")
}

// oktaID leaves out the word that stands where Okta has no id.
func oktaID(v tree.Value) string {
	if id := v.Str(); id != "unknown" {
		return id
	}
	return ""
}

func listOkta(item tree.Value) tree.Value { return item.Get("data", "events") }

func readOkta(item tree.Value, r *Record) error {
	word := item.Text("eventType")
	kind, known := oktaTypes[word]
	if !known {
		return ErrOther
	}
	auth, client, outcome := item.Get("authenticationContext"), item.Get("client"), item.Get("outcome")
	r.Kind, r.Outcome, r.SourceEvent = kind, translated(oktaOutcomes, outcome.Get("result")), word
	r.ID = item.Text("uuid")
	who := oktaWho(item, word)
	r.User, r.UserID = who.Text("alternateId"), oktaID(who.Get("id"))
	if !oktaVictims[word] { // where it is the actor's, who stays
		r.SessionID = oktaID(auth.Get("externalSessionId"))
	}
	r.AuthType, r.Plugin = auth.Text("credentialType"), auth.Text("credentialProvider")
	if r.AuthMethod = oktaMethods[r.AuthType]; r.AuthMethod == "" {
		r.AuthMethod = oktaMethods[word]
	}
	r.Interface = auth.Text("interface")
	r.ClientAddress = address(client.Text("ipAddress"))
	r.UserAgent, r.OS = client.Text("userAgent", "rawUserAgent"), client.Text("userAgent", "os")
	for target := range item.Get("target").Elements() {
		if name := target.Get("displayName"); target.Get("type").Is("AppInstance") && r.ApplicationName == "" {
			r.ApplicationName = name.Str()
		}
	}
	if r.Outcome == session.OutcomeFailure {
		r.FailureReason = outcome.Text("reason")
		class(r.Event, oktaErrors, r.FailureReason)
	}
	return setTime(r.Event, item.Get("published"), time.Millisecond)
}
