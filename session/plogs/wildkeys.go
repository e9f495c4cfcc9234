package plogs

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otel-sessionlog/sessionlog/session"
)

// wildReaders take the attributes of foreign dialects; those that mean the same in ours (user.name, client.address, error.type, session.id)
// are read as ours. What neither knows is kept under its own name.
var wildReaders = map[string]func(*Decoder, pcommon.Value){
	keyEventName:   func(d *Decoder, v pcommon.Value) { d.wildName(text(v)) },
	"enduser.id":   func(d *Decoder, v pcommon.Value) { d.wild.user[wildEnduser] = text(v); d.wildUserID(text(v)) },
	"user.email":   func(d *Decoder, v pcommon.Value) { d.wild.user[wildEmail] = text(v) },
	"enduser.role": func(d *Decoder, v pcommon.Value) { d.event.Roles = appendTexts(d.event.Roles, v) },

	"client.ip":            func(d *Decoder, v pcommon.Value) { d.wild.address[wildClientIP] = text(v) },
	"source.ip":            func(d *Decoder, v pcommon.Value) { d.wild.address[wildSourceIP] = text(v) },
	"source.address":       func(d *Decoder, v pcommon.Value) { d.wild.address[wildSource] = text(v) },
	"source.port":          func(d *Decoder, v pcommon.Value) { d.wildPort("source.port", v) },
	"network.peer.address": func(d *Decoder, v pcommon.Value) { d.wild.address[wildPeer] = text(v) },
	"network.peer.port":    func(d *Decoder, v pcommon.Value) { d.wildPort("network.peer.port", v) },

	keyEventAction:   func(d *Decoder, v pcommon.Value) { d.wildAction(keyEventAction, text(v)) },
	keyEventOutcome:  func(d *Decoder, v pcommon.Value) { d.wildOutcome(keyEventOutcome, v) },
	"event.reason":   func(d *Decoder, v pcommon.Value) { d.wildReason("event.reason", v) },
	"event.code":     func(d *Decoder, v pcommon.Value) { d.wildStatus("event.code", v) },
	"error.code":     func(d *Decoder, v pcommon.Value) { d.wildStatus("error.code", v) },
	"error.message":  func(d *Decoder, v pcommon.Value) { d.wildReason("error.message", v) },
	"event.id":       func(d *Decoder, v pcommon.Value) { d.recordUID(text(v)) },
	"event.duration": func(d *Decoder, v pcommon.Value) { d.int64(&d.event.Duration, "event.duration", v) }, // nanoseconds
	"event.original": func(d *Decoder, v pcommon.Value) { d.event.Original = text(v) },
	"process.pid":    func(d *Decoder, v pcommon.Value) { d.int64(&d.event.PID, "process.pid", v) },

	"audit.record.id": func(d *Decoder, v pcommon.Value) { d.recordUID(text(v)) },
	"audit.actor.id":  func(d *Decoder, v pcommon.Value) { d.wild.user[wildActor] = text(v); d.wildUserID(text(v)) },
	keyAuditAction:    func(d *Decoder, v pcommon.Value) { d.wildAction(keyAuditAction, text(v)) },
	"audit.outcome":   func(d *Decoder, v pcommon.Value) { d.wildOutcome("audit.outcome", v) },
	"audit.source.id": func(d *Decoder, v pcommon.Value) { d.wild.address[wildAudit] = text(v) },

	keySignInResult:                             func(d *Decoder, v pcommon.Value) { d.signInResult(v) },
	"aspnetcore.identity.sign_in.type":          func(d *Decoder, v pcommon.Value) { d.wildMethod(v) },
	"aspnetcore.identity.error_code":            func(d *Decoder, v pcommon.Value) { d.wildStatus("aspnetcore.identity.error_code", v) },
	"aspnetcore.identity.password_check_result": func(d *Decoder, v pcommon.Value) { d.passwordCheck(v) },
	"authentication.type":                       func(d *Decoder, v pcommon.Value) { d.wildMethod(v) },
	"authentication.method":                     func(d *Decoder, v pcommon.Value) { d.wildMethod(v) },
	"auth.method":                               func(d *Decoder, v pcommon.Value) { d.wildMethod(v) },
	"aspnetcore.authentication.scheme":          func(d *Decoder, v pcommon.Value) { d.event.Plugin = text(v) },
}

// wildName is the event name of a sender that puts it into an attribute.
func (d *Decoder) wildName(name string) {
	if d.wild.name == "" {
		d.wild.name = name
	}
	if _, outcome := parseName(name); outcome != session.OutcomeUnknown {
		d.wild.nameOutcome = outcome
	}
}

func (d *Decoder) wildUserID(id string) {
	if d.wild.userID == "" {
		d.wild.userID = id
	}
}

func (d *Decoder) wildPort(key string, v pcommon.Value) {
	if n, ok := number(v); ok && d.wild.port == 0 && n > 0 && n <= math.MaxInt32 {
		d.wild.port, d.wild.portKey = int32(n), key
		return
	}
	d.keep(key, v)
}

func (d *Decoder) wildAction(key, action string) {
	d.wild.action, d.wild.actionKey = action, key
	if _, outcome := parseAction(action); outcome != session.OutcomeUnknown {
		d.wild.nameOutcome = outcome
	}
}

func (d *Decoder) wildOutcome(key string, v pcommon.Value) {
	if d.wild.outcome = session.ParseOutcome(text(v)); d.wild.outcome == session.OutcomeUnknown {
		d.keep(key, v)
	}
}

func (d *Decoder) wildStatus(key string, v pcommon.Value) {
	if d.event.StatusCode == "" {
		d.event.StatusCode = text(v)
		return
	}
	d.keep(key, v)
}

func (d *Decoder) wildReason(key string, v pcommon.Value) {
	if d.wild.reason == "" {
		d.wild.reason, d.wild.reasonKey = text(v), key
		return
	}
	d.keep(key, v)
}

// wildMethods are words for methods as others write them.
var wildMethods = map[string]string{
	"password": session.AuthPassword, "pwd": session.AuthPassword, "realm": session.AuthPassword, "basic": session.AuthHTTP, "http": session.AuthHTTP,
	"certificate": session.AuthCertificate, "x509": session.AuthCertificate, "mtls": session.AuthCertificate, "ssh_key": session.AuthSSHKey,
	"publickey": session.AuthSSHKey, "ldap": session.AuthLDAP, "kerberos": session.AuthKerberos, "jwt": session.AuthJWT, "bearer": session.AuthJWT,
	"oauth": session.AuthOAuth2, "oauth2": session.AuthOAuth2, "oidc": session.AuthOIDC, "openid": session.AuthOIDC, "openid-connect": session.AuthOIDC,
	"saml": session.AuthSAML, "radius": session.AuthRADIUS, "iam": session.AuthIAM, "peer": session.AuthPeer, "pam": session.AuthPAM, "none": session.AuthNone,
	// of aspnetcore.identity.sign_in.type
	"external": session.AuthOther, "passkey": session.AuthOther, "two_factor": session.AuthOther, "two_factor_authenticator": session.AuthOther,
	"two_factor_recovery_code": session.AuthOther,
}

func (d *Decoder) wildMethod(v pcommon.Value) {
	word := text(v)
	if d.event.AuthType == "" {
		d.event.AuthType = word
	}
	if d.event.AuthMethod == "" {
		d.event.AuthMethod = wildMethods[word]
	}
}

// signInResults are those of ASP.NET Core Identity (semantic conventions 1.43.0). What still asks for a second factor is no verdict yet.
var signInResults = map[string]struct {
	outcome session.Outcome
	class   string
}{
	"success":             {session.OutcomeSuccess, ""},
	"failure":             {session.OutcomeFailure, session.ErrorInvalidCredentials},
	"locked_out":          {session.OutcomeFailure, session.ErrorAccountLocked},
	"not_allowed":         {session.OutcomeFailure, session.ErrorNotPermitted},
	"requires_two_factor": {session.OutcomeUnknown, ""},
}

func (d *Decoder) signInResult(v pcommon.Value) {
	word := text(v)
	r, known := signInResults[word]
	d.wild.outcome = r.outcome
	d.wildClass(r.class)
	switch {
	case r.outcome == session.OutcomeFailure:
		d.wild.result = word
	case !known || r.outcome == session.OutcomeUnknown:
		d.keep(keySignInResult, v)
	}
}

// passwordCheck tells more of a failure than the sign-in's result.
func (d *Decoder) passwordCheck(v pcommon.Value) {
	if text(v) == "user_missing" {
		d.event.ErrorType = session.ErrorUserUnknown
	}
	d.keep("aspnetcore.identity.password_check_result", v)
}

func (d *Decoder) wildClass(class string) {
	if d.event.ErrorType == "" {
		d.event.ErrorType = class
	}
}
