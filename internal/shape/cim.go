package shape

import (
	"strconv"
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

// writeCIM writes the fields of the model Authentication, and below sessionlog what it has none for. Of anything but a login it writes no
// action: the add-on tags only events of event_name sessionlog.login, because the model counts whatever is tagged as a login. The model's
// `duration` is that of the authentication, so a session's length is not called that.
func writeCIM(d *document) {
	e := d.event
	d.text("time", unixSeconds(e.Time))
	d.text("event_name", e.Kind.EventName())
	if e.Kind == session.KindLogin {
		if e.Outcome != session.OutcomeUnknown {
			d.text("action", e.Outcome.String())
		}
	} else {
		d.placed[fieldOutcome] = false
	}
	d.place("app", fieldSystem)
	d.place("user", fieldUser)
	d.place("user_id", fieldUserID)
	d.place("user_role", fieldRoles)
	d.place("user_type", fieldUserType)
	d.place("src_user", fieldActorName)
	d.place("src_user_id", fieldActorID)
	if e.ClientAddress != "" {
		d.place("src", fieldClientAddress)
	} else {
		d.place("src", fieldClientHostname)
	}
	writeCIMDestination(d)
	d.place("authentication_method", fieldAuthMethod)
	d.place("authentication_service", fieldProviderName)
	d.place("signature", fieldSourceEvent)
	if e.FailureReason != "" {
		d.place("reason", fieldFailureReason)
	} else {
		d.textIfAny("reason", e.ErrorType)
	}
	d.place("reason_id", fieldStatusCode)
	d.place("user_agent", fieldUserAgent)
	if e.SessionID != "" {
		d.place("session_id", fieldSessionID)
	} else {
		d.place("session_id", fieldSessionKey)
	}
	if inClear, known := isClearText(e); known {
		d.boolean("is_cleartext", inClear)
	}
	d.writeNestedRest()
}

// writeCIMDestination: what was logged into, by the best name that there is.
func writeCIMDestination(d *document) {
	for _, f := range [...]fieldIndex{fieldHost, fieldServerAddress, fieldInstance} {
		if !d.isAbsent(f) {
			d.place("dest", f)
			return
		}
	}
}

// unixSeconds has nine decimals, as %s.%9N reads them.
func unixSeconds(unixNano int64) string {
	sign := ""
	if unixNano < 0 {
		sign = "-"
	}
	digits := strings.TrimPrefix(strconv.FormatInt(unixNano, 10), "-")
	if missing := 10 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - 9
	return sign + digits[:point] + "." + digits[point:]
}
