package plogs

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otel-sessionlog/sessionlog/session"
)

type foreignReader func(d *Decoder, key string, v pcommon.Value)

// foreignReaders read the attributes of foreign dialects that [mappingsByKey] does not. Unknown ones are kept under their own name.
var foreignReaders = func() map[string]foreignReader {
	readers := map[string]foreignReader{
		keyEventName:     (*Decoder).readForeignName,
		keyOTelEventName: (*Decoder).readForeignName,
		"enduser.role":   func(d *Decoder, _ string, v pcommon.Value) { d.event.Roles = appendTexts(d.event.Roles, v) },

		"source.port":       (*Decoder).readForeignPort,
		"network.peer.port": (*Decoder).readForeignPort,

		keyEventAction:   (*Decoder).readForeignAction,
		keyEventOutcome:  (*Decoder).readForeignOutcome,
		"event.reason":   (*Decoder).readForeignReason,
		"event.code":     readTextInto(func(e *session.Event) *string { return &e.StatusCode }),
		"error.code":     readTextInto(func(e *session.Event) *string { return &e.StatusCode }),
		"error.message":  (*Decoder).readForeignReason,
		"event.id":       (*Decoder).readForeignUID,
		"event.duration": func(d *Decoder, key string, v pcommon.Value) { d.readForeignInt(&d.event.Duration, key, v) }, // nanoseconds
		"event.original": readTextInto(func(e *session.Event) *string { return &e.Original }),
		"process.pid":    func(d *Decoder, key string, v pcommon.Value) { d.readForeignInt(&d.event.PID, key, v) },

		"audit.record.id": (*Decoder).readForeignUID,
		keyAuditAction:    (*Decoder).readForeignAction,
		"audit.outcome":   (*Decoder).readForeignOutcome,

		keySignInResult:                             (*Decoder).readSignInResult,
		"aspnetcore.identity.sign_in.type":          (*Decoder).readForeignMethod,
		"aspnetcore.identity.error_code":            readTextInto(func(e *session.Event) *string { return &e.StatusCode }),
		"aspnetcore.identity.password_check_result": (*Decoder).readPasswordCheck,
		"authentication.type":                       (*Decoder).readForeignMethod,
		"authentication.method":                     (*Decoder).readForeignMethod,
		"auth.method":                               (*Decoder).readForeignMethod,
		"aspnetcore.authentication.scheme":          readTextInto(func(e *session.Event) *string { return &e.Plugin }),
	}
	for i, key := range foreignUserKeys {
		readers[key] = func(d *Decoder, key string, v pcommon.Value) { d.foreign.userNames[i] = d.firstText(key, v) }
	}
	for _, i := range []int{foreignEnduser, foreignActor} { // these are ids as well
		readers[foreignUserKeys[i]] = func(d *Decoder, _ string, v pcommon.Value) {
			d.foreign.userNames[i] = textValue(v)
			d.readForeignUserID(textValue(v))
		}
	}
	for i, key := range foreignAddressKeys {
		readers[key] = func(d *Decoder, key string, v pcommon.Value) { d.foreign.addresses[i] = d.firstText(key, v) }
	}
	return readers
}()

func readTextInto(field func(*session.Event) *string) foreignReader {
	return func(d *Decoder, key string, v pcommon.Value) { d.readForeignText(field(&d.event), key, v) }
}

// readForeignText does not replace a value; one that differs is kept as an attribute.
func (d *Decoder) readForeignText(to *string, key string, v pcommon.Value) {
	if s := textValue(v); *to == "" {
		*to = s
	} else if *to != s {
		d.keepAttribute(key, v)
	}
}

func (d *Decoder) readForeignInt(to *int64, key string, v pcommon.Value) {
	n, ok := integerValue(v)
	if ok && *to == 0 {
		*to = n
	}
	if !ok || n != *to {
		d.keepAttribute(key, v)
	}
}

// readForeignUID is for records without log.record.uid.
func (d *Decoder) readForeignUID(key string, v pcommon.Value) {
	if d.event.RecordID.IsZero() && d.senderUID == "" {
		d.readRecordUID(textValue(v))
	} else {
		d.keepAttribute(key, v)
	}
}

func (d *Decoder) readForeignName(key string, v pcommon.Value) {
	name := textValue(v)
	if d.foreign.eventName == "" {
		d.foreign.eventName = name
	} else if d.foreign.eventName != name {
		d.keepAttribute(key, v)
	}
	if _, outcome := parseForeignName(name); outcome != session.OutcomeUnknown {
		d.foreign.nameOutcome = outcome
	}
}

func (d *Decoder) readForeignUserID(id string) {
	if d.foreign.userID == "" {
		d.foreign.userID = id
	}
}

func (d *Decoder) readForeignPort(key string, v pcommon.Value) {
	if n, ok := integerValue(v); ok && d.foreign.port == 0 && n > 0 && n <= math.MaxInt32 {
		d.foreign.port, d.foreign.portKey = int32(n), key
		return
	}
	d.keepAttribute(key, v)
}

func (d *Decoder) readForeignAction(key string, v pcommon.Value) {
	action := textValue(v)
	if d.foreign.action == "" {
		d.foreign.action, d.foreign.actionKey = action, key
	} else {
		d.keepAttribute(key, v)
	}
	if _, outcome := parseForeignAction(action); outcome != session.OutcomeUnknown {
		d.foreign.nameOutcome = outcome
	}
}

func (d *Decoder) readForeignOutcome(key string, v pcommon.Value) {
	word := textValue(v)
	outcome := session.OutcomeOf(word)
	if d.saysUnknown = d.saysUnknown || word == session.OutcomeUnknown.String(); outcome != session.OutcomeUnknown {
		d.foreign.outcome = outcome
	}
	if outcome == session.OutcomeUnknown || outcome.String() != word {
		d.keepAttribute(key, v)
	}
}

// firstText is the first of a list, which is then kept whole, or the one text in its place.
func (d *Decoder) firstText(key string, v pcommon.Value) string {
	if v.Type() != pcommon.ValueTypeSlice {
		return textValue(v)
	}
	d.keepAttribute(key, v)
	for _, item := range v.Slice().All() {
		if s := textValue(item); s != "" {
			return s
		}
	}
	return ""
}

func (d *Decoder) readForeignReason(key string, v pcommon.Value) {
	if d.foreign.failureReason == "" {
		d.foreign.failureReason, d.foreign.reasonKey = textValue(v), key
		return
	}
	d.keepAttribute(key, v)
}

var foreignMethods = map[string]string{
	"password": session.AuthPassword, "pwd": session.AuthPassword, "realm": session.AuthPassword, "basic": session.AuthHTTP, "http": session.AuthHTTP,
	"certificate": session.AuthCertificate, "x509": session.AuthCertificate, "mtls": session.AuthCertificate, "ssh_key": session.AuthSSHKey,
	"publickey": session.AuthSSHKey, "ldap": session.AuthLDAP, "kerberos": session.AuthKerberos, "jwt": session.AuthJWT, "bearer": session.AuthJWT,
	"oauth": session.AuthOAuth2, "oauth2": session.AuthOAuth2, "oidc": session.AuthOIDC, "openid": session.AuthOIDC, "openid-connect": session.AuthOIDC,
	"saml": session.AuthSAML, "radius": session.AuthRADIUS, "iam": session.AuthIAM, "peer": session.AuthPeer, "pam": session.AuthPAM, "none": session.AuthNone,
	// of aspnetcore.identity.sign_in.type
	"external": session.AuthOther, "passkey": session.AuthOther, "two_factor": session.AuthOther, "two_factor_authenticator": session.AuthOther,
	"two_factor_recovery_code": session.AuthOther,
}

func (d *Decoder) readForeignMethod(key string, v pcommon.Value) {
	d.readForeignText(&d.event.AuthType, key, v)
	if d.event.AuthMethod == "" {
		d.event.AuthMethod = foreignMethods[textValue(v)]
	}
}

// signInResults are those of ASP.NET Core Identity (semantic conventions 1.43.0). requires_two_factor is not a result yet.
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

func (d *Decoder) readSignInResult(key string, v pcommon.Value) {
	word := textValue(v)
	r := signInResults[word]
	if r.outcome == session.OutcomeUnknown {
		d.keepAttribute(key, v)
		return
	}
	d.foreign.outcome = r.outcome
	if d.foreign.errorType == "" {
		d.foreign.errorType = r.class
	}
	if r.outcome == session.OutcomeFailure {
		d.foreign.signInResult = word
	}
}

func (d *Decoder) readPasswordCheck(key string, v pcommon.Value) {
	if textValue(v) == "user_missing" {
		d.foreign.errorType = session.ErrorUserUnknown
	}
	d.keepAttribute(key, v)
}
