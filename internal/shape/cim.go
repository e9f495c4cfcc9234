package shape

import (
	"strconv"

	"github.com/otel-sessionlog/sessionlog/session"
)

func writeCIM(d *shapedDocument) {
	e := &d.event
	d.startPlain("time")
	d.buf = appendUnixSeconds(d.buf, e.Time)
	d.endPlain()
	d.text("event_name", e.Kind.EventName())
	if e.Kind == session.KindLogin {
		if e.Outcome != session.OutcomeUnknown {
			d.text("action", e.Outcome.String())
		}
	} else {
		d.left[fieldOutcome] = true // the model counts whatever has an action as a login
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

func writeCIMDestination(d *shapedDocument) {
	for _, f := range [...]fieldIndex{fieldHost, fieldServerAddress, fieldInstance} {
		if d.isPresent(f) {
			d.place("dest", f)
			return
		}
	}
}

// appendUnixSeconds has nine decimals, as %s.%9N reads them.
func appendUnixSeconds(b []byte, unixNano int64) []byte {
	seconds, nanos := unixNano/1e9, unixNano%1e9
	if unixNano < 0 {
		b, seconds, nanos = append(b, '-'), -seconds, -nanos
	}
	b = strconv.AppendInt(b, seconds, 10)
	point := len(b)
	b = strconv.AppendInt(b, nanos+1e9, 10) // ten digits, of which the first is the point's place
	b[point] = '.'
	return b
}
