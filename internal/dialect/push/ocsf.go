package push

import (
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/push/tree"
	"github.com/otel-sessionlog/sessionlog/session"
)

// OCSF class 3002, Authentication (schema 1.0 to 1.9). activity_id says what was done, status_id how it went.
var ocsfActivities = map[string]struct {
	kind session.Kind
	name string // where the event does not bring it
}{
	"1": {session.KindLogin, "Logon"},
	"2": {session.KindLogout, "Logoff"},
	"3": {session.KindLogin, "Authentication Ticket"}, // a Kerberos login
	"6": {session.KindLogin, "Preauth"},               // which is logged when it fails
	"4": {session.KindSessionUpdate, "Service Ticket Request"},
	"5": {session.KindSessionUpdate, "Service Ticket Renew"},
	"7": {session.KindSessionUpdate, "Account Switch"},
}

var ocsfStatus = map[string]session.Outcome{"1": session.OutcomeSuccess, "2": session.OutcomeFailure}

var ocsfErrors = map[string]string{
	"INVALID_CREDENTIALS":    session.ErrorInvalidCredentials,
	"USER_DOES_NOT_EXIST":    session.ErrorUserUnknown,
	"ACCOUNT_DISABLED":       session.ErrorAccountLocked,
	"ACCOUNT_LOCKED_OUT":     session.ErrorAccountLocked,
	"PASSWORD_EXPIRED":       session.ErrorAccountLocked,
	"ACCOUNT_EXPIRED":        session.ErrorAccountLocked,
	"LOGON_TYPE_NOT_GRANTED": session.ErrorMethodNotAllowed,
	"TIME_RESTRICTION":       session.ErrorNotPermitted,
}

// ocsfMethods are auth_protocol_id, and auth_protocol in lower case for those that have no number.
var ocsfMethods = map[string]string{
	"2": session.AuthKerberos, "4": session.AuthOIDC, "5": session.AuthSAML, "6": session.AuthOAuth2, "10": session.AuthRADIUS,
	"11": session.AuthHTTP, "12": session.AuthLDAP, "1": session.AuthOther, "3": session.AuthHTTP,
	"password": session.AuthPassword, "ssh key": session.AuthSSHKey, "publickey": session.AuthSSHKey, "certificate": session.AuthCertificate,
	"iam": session.AuthIAM, "jwt": session.AuthJWT, "pam": session.AuthPAM,
}

// ocsfPassword is auth_factors[].factor_type_id of a password.
const ocsfPassword = "11"

func readOCSF(item tree.Value, r *Record) error {
	activity, known := ocsfActivities[item.Get("activity_id").Str()]
	if item.Get("class_uid").Str() != "3002" || !known {
		return ErrOther
	}
	r.Kind, r.Outcome = activity.kind, translated(ocsfStatus, item.Get("status_id"))
	if r.SourceEvent = item.Text("activity_name"); r.SourceEvent == "" {
		r.SourceEvent = activity.name
	}
	r.ID = item.Text("metadata", "uid")
	r.System = first(item.Get("service", "name"), item.Get("metadata", "product", "name"))
	ocsfUser(item.Get("user"), r.Event)
	ocsfEndpoints(item.Get("src_endpoint"), item.Get("dst_endpoint"), r.Event)
	ocsfMethod(item, r.Event)
	r.SessionID = item.Text("session", "uid")
	r.UserAgent = item.Text("http_request", "user_agent")
	certificate := item.Get("certificate")
	r.CertificateSerial, r.CertificateIssuer = certificate.Text("serial_number"), certificate.Text("issuer")
	r.CertificateSubjects = texts(r.CertificateSubjects, certificate.Get("subject"))
	if ms, ok := item.Get("duration").Int(); ok && ms >= 0 && ms <= latest*1000 {
		r.Duration = ms * int64(time.Millisecond)
	}
	r.StatusCode, r.Original = item.Text("status_code"), item.Text("raw_data")
	if r.Outcome == session.OutcomeFailure {
		r.FailureReason = item.Text("status_detail")
		class(r.Event, ocsfErrors, r.FailureReason, r.StatusCode)
	}
	if at := item.Get("time"); at.Kind() > tree.Null {
		return setTime(r.Event, at, time.Millisecond)
	}
	return setTime(r.Event, item.Get("time_dt"), time.Millisecond)
}

func ocsfUser(user tree.Value, e *session.Event) {
	setUser(e, user.Get("name"))
	if e.User == "" {
		e.User = user.Text("email_addr")
	}
	e.UserID = user.Text("uid")
	for group := range user.Get("groups").Elements() {
		if name := group.Text("name"); name != "" {
			e.Roles = append(e.Roles, name)
		}
	}
}

func ocsfEndpoints(src, dst tree.Value, e *session.Event) {
	e.ClientAddress = address(first(src.Get("ip"), src.Get("hostname")))
	e.ClientPort = port(src.Get("port"))
	e.ClientHostname, e.OS = src.Text("hostname"), src.Text("os", "name")
	e.ServerAddress = first(dst.Get("hostname"), dst.Get("ip"))
	e.ServerPort = port(dst.Get("port"))
}

func ocsfMethod(item tree.Value, e *session.Event) {
	number := item.Get("auth_protocol_id")
	if e.AuthType = item.Text("auth_protocol"); e.AuthType != "" {
		number.Take() // the same in a number
	}
	if e.AuthMethod = ocsfMethods[number.Peek()]; e.AuthMethod == "" {
		e.AuthMethod = ocsfMethods[strings.ToLower(e.AuthType)]
	}
	if e.AuthMethod != "" {
		return
	}
	for factor := range item.Get("auth_factors").Elements() {
		if factor.Get("factor_type_id").Is(ocsfPassword) {
			e.AuthMethod = session.AuthPassword
		}
	}
}
