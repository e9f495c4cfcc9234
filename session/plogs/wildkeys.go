package plogs

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otel-sessionlog/sessionlog/session"
)

// wildReaders take the attributes of foreign dialects; those that mean the same in ours (user.name, client.address, error.type, session.id)
// are read as ours. What neither knows is kept under its own name.
var wildReaders = map[string]func(d *Decoder, key string, v pcommon.Value){
	keyEventName:          (*Decoder).wildName,
	keyOTelEventName:      (*Decoder).wildName,
	"enduser.id":          func(d *Decoder, _ string, v pcommon.Value) { d.wild.user[wildEnduser] = text(v); d.wildUserID(text(v)) },
	"user.email":          func(d *Decoder, key string, v pcommon.Value) { d.wild.user[wildEmail] = d.firstText(key, v) },
	"user.full_name":      func(d *Decoder, key string, v pcommon.Value) { d.wild.user[wildFullName] = d.firstText(key, v) },
	"source.user.name":    func(d *Decoder, key string, v pcommon.Value) { d.wild.user[wildSourceUser] = d.firstText(key, v) },
	"client.user.name":    func(d *Decoder, key string, v pcommon.Value) { d.wild.user[wildClientUser] = d.firstText(key, v) },
	"user.target.name":    func(d *Decoder, key string, v pcommon.Value) { d.wild.user[wildTargetUser] = d.firstText(key, v) },
	"user.effective.name": func(d *Decoder, key string, v pcommon.Value) { d.wild.user[wildEffectiveUser] = d.firstText(key, v) },
	"enduser.role":        func(d *Decoder, _ string, v pcommon.Value) { d.event.Roles = appendTexts(d.event.Roles, v) },

	"client.ip": func(d *Decoder, _ string, v pcommon.Value) {
		d.wild.address[wildClientIP] = d.firstText("client.ip", v)
	},
	"source.ip": func(d *Decoder, _ string, v pcommon.Value) {
		d.wild.address[wildSourceIP] = d.firstText("source.ip", v)
	},
	"source.address": func(d *Decoder, _ string, v pcommon.Value) {
		d.wild.address[wildSource] = d.firstText("source.address", v)
	},
	"source.port": (*Decoder).wildPort,
	"network.peer.address": func(d *Decoder, _ string, v pcommon.Value) {
		d.wild.address[wildPeer] = d.firstText("network.peer.address", v)
	},
	"network.peer.port": (*Decoder).wildPort,

	keyEventAction:   (*Decoder).wildAction,
	keyEventOutcome:  (*Decoder).wildOutcome,
	"event.reason":   (*Decoder).wildReason,
	"event.code":     func(d *Decoder, key string, v pcommon.Value) { d.wildText(&d.event.StatusCode, key, v) },
	"error.code":     func(d *Decoder, key string, v pcommon.Value) { d.wildText(&d.event.StatusCode, key, v) },
	"error.message":  (*Decoder).wildReason,
	"event.id":       (*Decoder).wildUID,
	"event.duration": func(d *Decoder, key string, v pcommon.Value) { d.wildInt(&d.event.Duration, key, v) }, // nanoseconds
	"event.original": func(d *Decoder, key string, v pcommon.Value) { d.wildText(&d.event.Original, key, v) },
	"process.pid":    func(d *Decoder, key string, v pcommon.Value) { d.wildInt(&d.event.PID, key, v) },

	"audit.record.id": (*Decoder).wildUID,
	"audit.actor.id":  func(d *Decoder, _ string, v pcommon.Value) { d.wild.user[wildActor] = text(v); d.wildUserID(text(v)) },
	keyAuditAction:    (*Decoder).wildAction,
	"audit.outcome":   (*Decoder).wildOutcome,
	"audit.source.id": func(d *Decoder, _ string, v pcommon.Value) {
		d.wild.address[wildAudit] = d.firstText("audit.source.id", v)
	},

	keySignInResult:                             (*Decoder).signInResult,
	"aspnetcore.identity.sign_in.type":          (*Decoder).wildMethod,
	"aspnetcore.identity.error_code":            func(d *Decoder, key string, v pcommon.Value) { d.wildText(&d.event.StatusCode, key, v) },
	"aspnetcore.identity.password_check_result": (*Decoder).passwordCheck,
	"authentication.type":                       (*Decoder).wildMethod,
	"authentication.method":                     (*Decoder).wildMethod,
	"auth.method":                               (*Decoder).wildMethod,
	"aspnetcore.authentication.scheme":          func(d *Decoder, key string, v pcommon.Value) { d.wildText(&d.event.Plugin, key, v) },
}

// wildText is for a field that others have under another name. What the field holds already counts more; anything else is
// kept beside it.
func (d *Decoder) wildText(to *string, key string, v pcommon.Value) {
	if s := text(v); *to == "" {
		*to = s
	} else if *to != s {
		d.keep(key, v)
	}
}

func (d *Decoder) wildInt(to *int64, key string, v pcommon.Value) {
	n, ok := number(v)
	if ok && *to == 0 {
		*to = n
	}
	if !ok || n != *to {
		d.keep(key, v)
	}
}

// wildUID is another's id of the record, for want of log.record.uid.
func (d *Decoder) wildUID(key string, v pcommon.Value) {
	if d.event.RecordID.IsZero() && d.uid == "" {
		d.recordUID(text(v))
	} else {
		d.keep(key, v)
	}
}

// wildName is the event name of a sender that puts it into an attribute.
func (d *Decoder) wildName(key string, v pcommon.Value) {
	name := text(v)
	if d.wild.name == "" {
		d.wild.name = name
	} else if d.wild.name != name {
		d.keep(key, v)
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

func (d *Decoder) wildAction(key string, v pcommon.Value) {
	action := text(v)
	if d.wild.action == "" {
		d.wild.action, d.wild.actionKey = action, key
	} else {
		d.keep(key, v)
	}
	if _, outcome := parseAction(action); outcome != session.OutcomeUnknown {
		d.wild.nameOutcome = outcome
	}
}

func (d *Decoder) wildOutcome(key string, v pcommon.Value) {
	word := text(v)
	outcome := session.OutcomeOf(word)
	if d.said = d.said || word == session.OutcomeUnknown.String(); outcome != session.OutcomeUnknown {
		d.wild.outcome = outcome
	}
	if outcome == session.OutcomeUnknown || outcome.String() != word {
		d.keep(key, v)
	}
}

// firstText is the first of a list, which is then kept whole, or the one text in its place.
func (d *Decoder) firstText(key string, v pcommon.Value) string {
	if v.Type() != pcommon.ValueTypeSlice {
		return text(v)
	}
	d.keep(key, v)
	for _, item := range v.Slice().All() {
		if s := text(item); s != "" {
			return s
		}
	}
	return ""
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

func (d *Decoder) wildMethod(key string, v pcommon.Value) {
	d.wildText(&d.event.AuthType, key, v)
	if d.event.AuthMethod == "" {
		d.event.AuthMethod = wildMethods[text(v)]
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

func (d *Decoder) signInResult(key string, v pcommon.Value) {
	word := text(v)
	r := signInResults[word]
	if r.outcome == session.OutcomeUnknown {
		d.keep(key, v)
		return
	}
	d.wild.outcome = r.outcome
	if d.wild.class == "" {
		d.wild.class = r.class
	}
	if r.outcome == session.OutcomeFailure {
		d.wild.result = word
	}
}

// passwordCheck tells more of a failure than the sign-in's result.
func (d *Decoder) passwordCheck(key string, v pcommon.Value) {
	if text(v) == "user_missing" {
		d.wild.class = session.ErrorUserUnknown
	}
	d.keep(key, v)
}
