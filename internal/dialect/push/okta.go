package push

import (
	"errors"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"
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
	"system.ldapi.bind":                                session.KindLogin, // to Okta's LDAP interface, which logs those that fail
	"system.iwa_agentless.auth":                        session.KindLogin,
	"user.authentication.auth_unconfigured_identifier": session.KindSessionUpdate, // a warning beside the login's own event
	"user.authentication.dsso_via_non_priority_source": session.KindSessionUpdate, // likewise
}

var oktaOutcomes = map[string]session.Outcome{
	"SUCCESS": session.OutcomeSuccess,
	"ALLOW":   session.OutcomeSuccess,
	"FAILURE": session.OutcomeFailure,
	"DENY":    session.OutcomeFailure,
}

func oktaOutcome(v jsontree.Value) session.Outcome {
	if o := translateWord(oktaOutcomes, v); o != session.OutcomeUnknown {
		return o
	}
	return session.OutcomeOf(v.Peek())
}

func oktaEventKind(word string) (kind session.Kind, known bool) {
	if kind, known = oktaTypes[word]; known {
		return kind, true
	}
	// Okta adds types.
	switch {
	case strings.HasPrefix(word, "user.authentication.auth_via_"):
		return session.KindLogin, true
	case strings.HasPrefix(word, "user.authentication."), strings.HasPrefix(word, "user.session."), strings.HasPrefix(word, "user.device_session."):
		return session.KindSessionUpdate, true
	}
	return session.KindUnknown, false
}

var oktaErrors = map[string]string{
	"INVALID_CREDENTIALS": session.ErrorInvalidCredentials,
	"VERIFICATION_ERROR":  session.ErrorInvalidCredentials,
	"UNKNOWN_USER":        session.ErrorUserUnknown,
	"LOCKED_OUT":          session.ErrorAccountLocked,
	"USER_LOCKED":         session.ErrorAccountLocked,
	"USER_DISABLED":       session.ErrorAccountDisabled,
	"PASSWORD_EXPIRED":    session.ErrorPasswordExpired,
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
	"system.ldapi.bind":                         session.AuthLDAP,
	"system.iwa_agentless.auth":                 session.AuthKerberos,
	"user.authentication.auth_via_inbound_SAML": session.AuthSAML,
	"app.oauth2.signon":                         session.AuthOIDC,
}

var oktaUserTypes = map[string]string{
	"User": session.UserPerson, "AppUser": session.UserPerson, "PublicClientApp": session.UserService, "SystemPrincipal": session.UserSystem,
}

// oktaEndedByOther are types whose actor ends the sessions of another, who is a target.
var oktaEndedByOther = map[string]bool{"user.session.clear": true, "user.authentication.universal_logout": true}

func oktaSessionUser(item jsontree.Value, word string) jsontree.Value {
	actor := item.Get("actor")
	if !oktaEndedByOther[word] && (actor.Get("type").Is("User") || actor.Get("type").Peek() == "" && !actor.Get("alternateId").Is("system@okta.com")) {
		return actor
	}
	for _, kind := range [...]string{"User", "AppUser"} { // who acts is Okta itself, an application, or somebody else
		for target := range item.Get("target").Elements() {
			if strings.EqualFold(target.Get("type").Peek(), kind) {
				return target
			}
		}
	}
	if actor.Get("type").Is("SystemPrincipal") {
		return jsontree.Value{} // Okta itself is nobody who logs in
	}
	return actor
}

func oktaAddress(item jsontree.Value) string {
	if a := item.Text("client", "ipAddress"); a != "" {
		return a
	}
	for hop := range item.Get("request", "ipChain").Elements() {
		return hop.Text("ip")
	}
	return ""
}

// oktaIDUnlessUnknown is "" for Okta's placeholder.
func oktaIDUnlessUnknown(v jsontree.Value) string {
	if id := v.Str(); id != "unknown" {
		return id
	}
	return ""
}

var errNotOkta = errors.New("no eventType: not an event of Okta's System Log; send LogEvents, an event hook, or what Amazon EventBridge makes of them")

func listOktaEvents(item jsontree.Value) jsontree.Value { return item.Get("data", "events") }

func readOktaEvent(item jsontree.Value, r *Record) error {
	word := item.Text("eventType")
	kind, known := oktaEventKind(word)
	switch {
	case word == "":
		return errNotOkta
	case !known:
		return ErrOther
	}
	auth, client, result := item.Get("authenticationContext"), item.Get("client"), item.Get("outcome")
	r.Kind, r.Outcome, r.SourceEvent = kind, oktaOutcome(result.Get("result")), word
	r.ID = item.Text("uuid")
	who := oktaSessionUser(item, word)
	r.UserType = oktaUserTypes[who.Get("type").Peek()]
	r.User, r.UserID = oktaIDUnlessUnknown(who.Get("alternateId")), oktaIDUnlessUnknown(who.Get("id"))
	if actor := item.Get("actor"); oktaEndedByOther[word] && !actor.Get("type").Is("SystemPrincipal") && actor.Get("id").Peek() != who.Get("id").Peek() && actor.Get("alternateId").Peek() != who.Get("alternateId").Peek() {
		r.ActorName, r.ActorID = oktaIDUnlessUnknown(actor.Get("alternateId")), oktaIDUnlessUnknown(actor.Get("id"))
	}
	if word == "user.authentication.auth_via_mfa" {
		r.MFAUsed = wordYes
	}
	if !oktaEndedByOther[word] { // where it is the actor's, who stays
		r.SessionID = oktaIDUnlessUnknown(auth.Get("externalSessionId"))
	}
	r.AuthType, r.Plugin = auth.Text("credentialType"), auth.Text("credentialProvider")
	if r.AuthMethod = oktaMethods[r.AuthType]; r.AuthMethod == "" {
		r.AuthMethod = oktaMethods[word]
	}
	r.Interface = auth.Text("interface")
	r.ClientAddress = oktaAddress(item)
	r.UserAgent, r.OS = client.Text("userAgent", "rawUserAgent"), client.Text("userAgent", "os")
	for target := range item.Get("target").Elements() {
		if name := target.Get("displayName"); target.Get("type").Is("AppInstance") && r.ApplicationName == "" {
			r.ApplicationName = name.Str()
		}
	}
	if r.Outcome == session.OutcomeFailure {
		r.FailureReason = result.Text("reason")
		setErrorType(r.Event, oktaErrors, r.FailureReason)
	}
	return setEventTime(r.Event, item.Get("published"))
}
