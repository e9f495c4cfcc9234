package push

import (
	"errors"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"
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

// ocsfActivityNames are the activities of events that bring only the name.
var ocsfActivityNames = map[string]string{
	"logon": "1", "login": "1", "log on": "1", "logoff": "2", "logout": "2", "log off": "2", "authentication ticket": "3", "service ticket request": "4", "service ticket renew": "5",
	"preauth": "6", "account switch": "7",
}

var ocsfStatus = map[string]session.Outcome{"1": session.OutcomeSuccess, "2": session.OutcomeFailure}

func ocsfActivity(item jsontree.Value) (class, activity string) {
	if class = item.Text("class_uid"); class == "" && strings.EqualFold(item.Get("class_name").Peek(), "authentication") {
		class = ocsfAuthentication
	}
	activity = item.Text("activity_id")
	if kind := item.Get("type_uid").Peek(); len(kind) == len(ocsfAuthentication)+2 {
		if class == "" {
			class = kind[:len(ocsfAuthentication)]
		}
		if activity == "" {
			activity = strings.TrimPrefix(kind[len(ocsfAuthentication):], "0")
		}
	}
	if _, known := ocsfActivities[activity]; !known {
		if id := ocsfActivityNames[strings.ToLower(item.Get("activity_name").Peek())]; id != "" {
			activity = id
		}
	}
	return class, activity
}

const ocsfAuthentication = "3002"

func ocsfOutcome(item jsontree.Value, kind session.Kind) session.Outcome {
	if o := translateWord(ocsfStatus, item.Get("status_id")); o != session.OutcomeUnknown {
		return o
	}
	for _, key := range [...]string{"status", "disposition", "action"} {
		if o := session.OutcomeOf(item.Get(key).Peek()); o != session.OutcomeUnknown {
			return o
		}
	}
	if kind == session.KindLogout && item.Get("status_id").Peek() == "" && item.Get("status").Peek() == "" {
		return session.OutcomeSuccess
	}
	return session.OutcomeUnknown
}

var errNotOCSF = errors.New("no class_uid: not an event of OCSF; send events of class 3002, Authentication")

var errNoActivity = errors.New("no activity_id, activity_name or type_uid: it may be a logon or a logoff")

var ocsfErrors = map[string]string{
	"INVALID_CREDENTIALS":    session.ErrorInvalidCredentials,
	"USER_DOES_NOT_EXIST":    session.ErrorUserUnknown,
	"ACCOUNT_DISABLED":       session.ErrorAccountDisabled,
	"ACCOUNT_LOCKED_OUT":     session.ErrorAccountLocked,
	"PASSWORD_EXPIRED":       session.ErrorPasswordExpired,
	"ACCOUNT_EXPIRED":        session.ErrorAccountDisabled,
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

func readOCSFEvent(item jsontree.Value, r *Record) error {
	classID, id := ocsfActivity(item)
	activity, known := ocsfActivities[id]
	switch {
	case classID == "":
		return errNotOCSF
	case classID == ocsfAuthentication && id == "":
		return errNoActivity
	case classID != ocsfAuthentication:
		return ErrOther
	case !known: // Unknown, Other, or what a later version adds
		activity.kind, activity.name = session.KindSessionUpdate, "Other"
	}
	r.Kind, r.Outcome = activity.kind, ocsfOutcome(item, activity.kind)
	if r.SourceEvent = item.Text("activity_name"); r.SourceEvent == "" {
		r.SourceEvent = activity.name
	}
	r.ID = item.Text("metadata", "uid")
	r.System = firstNonEmptyText(item.Get("service", "name"), item.Get("metadata", "product", "name"))
	setOCSFUser(item.Get("user"), item.Get("actor", "user"), r.Event)
	setOCSFEndpoints(item.Get("src_endpoint"), item.Get("dst_endpoint"), r.Event)
	setOCSFMethod(item, r.Event)
	r.MFAUsed = yesOrNoWord(item.Get("is_mfa"))
	r.ProviderName = firstNonEmptyText(item.Get("actor", "idp", "name"), item.Get("session", "issuer"))
	r.SessionID = item.Text("session", "uid")
	r.UserAgent = item.Text("http_request", "user_agent")
	certificate := item.Get("certificate")
	r.CertificateSerial, r.CertificateIssuer = certificate.Text("serial_number"), certificate.Text("issuer")
	r.CertificateSubjects = appendTexts(r.CertificateSubjects, certificate.Get("subject"))
	if ms, ok := item.Get("duration").Int(); ok && ms >= 0 && ms <= latestSecond*1000 {
		r.Duration = ms * int64(time.Millisecond)
	}
	r.StatusCode, r.Original = item.Text("status_code"), item.Text("raw_data")
	if r.Outcome == session.OutcomeFailure {
		r.FailureReason = firstNonEmptyText(item.Get("status_detail"), item.Get("message"))
		setErrorType(r.Event, ocsfErrors, r.FailureReason, r.StatusCode)
	}
	for _, key := range [...]string{"time", "time_dt"} {
		if at := item.Get(key); at.Kind() > jsontree.Null && setEventTime(r.Event, at) == nil {
			return nil
		}
	}
	return setEventTime(r.Event, item.Get("time"))
}

// ocsfUserTypes are user.type_id: user, administrator, system, service.
var ocsfUserTypes = map[string]string{"1": session.UserPerson, "2": session.UserPerson, "3": session.UserSystem, "4": session.UserService}

// ocsfSystemUIDs are of Windows' own accounts: nobody, SYSTEM, LOCAL SERVICE, NETWORK SERVICE.
var ocsfSystemUIDs = map[string]bool{"S-1-0-0": true, "S-1-5-18": true, "S-1-5-19": true, "S-1-5-20": true}

func isOCSFActorForUser(user, actor jsontree.Value) bool {
	said := func(v jsontree.Value) string {
		if s := v.Peek(); !session.IsPlaceholder(s) {
			return s
		}
		return ""
	}
	uid, name := said(actor.Get("uid")), said(actor.Get("name"))
	// The system that the user logs in to is no actor.
	if ocsfSystemUIDs[uid] || strings.HasSuffix(name, "$") || ocsfUserTypes[actor.Get("type_id").Peek()] == session.UserSystem {
		return false
	}
	if whose := said(user.Get("name")); name != "" && whose != "" {
		return !strings.EqualFold(name, whose)
	}
	whose := said(user.Get("uid"))
	return uid != "" && whose != "" && uid != whose
}

func setOCSFUser(user, actor jsontree.Value, e *session.Event) {
	if name := user.Get("name"); !session.IsPlaceholder(name.Peek()) {
		setUserName(e, name)
	}
	acts := isOCSFActorForUser(user, actor)
	if acts {
		e.ActorName, e.ActorID = firstMeaningful(actor.Get("name"), actor.Get("email_addr")), firstMeaningful(actor.Get("uid"))
	}
	if uid := user.Get("uid").Peek(); acts || uid != "" && !session.IsPlaceholder(uid) && actor.Get("uid").Peek() != uid {
		actor = jsontree.Value{}
	}
	if e.User == "" {
		e.User = firstMeaningful(user.Get("email_addr"), user.Get("full_name"), user.Get("account", "name"), actor.Get("name"), actor.Get("email_addr"), actor.Get("full_name"),
			actor.Get("account", "name"))
	}
	e.UserType = ocsfUserTypes[user.Get("type_id").Str()]
	e.UserID = firstMeaningful(user.Get("uid"), actor.Get("uid"))
	for group := range user.Get("groups").Elements() {
		if name := group.Text("name"); name != "" {
			e.Roles = append(e.Roles, name)
		}
	}
}

func setOCSFEndpoints(src, dst jsontree.Value, e *session.Event) {
	e.ClientAddress = firstMeaningful(unwrapSingle(src.Get("ip")), src.Get("hostname"), src.Get("name"))
	e.ClientPort = portNumber(src.Get("port"))
	e.ClientHostname, e.OS = firstMeaningful(src.Get("hostname"), src.Get("name")), src.Text("os", "name")
	e.ServerAddress = firstMeaningful(dst.Get("hostname"), dst.Get("ip"))
	e.ServerPort = portNumber(dst.Get("port"))
}

func setOCSFMethod(item jsontree.Value, e *session.Event) {
	number := item.Get("auth_protocol_id")
	if e.AuthType = item.Text("auth_protocol"); e.AuthType != "" {
		number.MarkUsed() // the same in a number
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
