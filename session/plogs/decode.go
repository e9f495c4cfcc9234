package plogs

import (
	"iter"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Decoder turns log records into events, one scratch event for all of them: a record costs no allocation. It is not safe
// for concurrent use.
type Decoder struct {
	event session.Event
	hash  session.Hasher
	uid   string // log.record.uid where it is no UUID
	said  bool   // the record says that its outcome is unknown
	wild  wild
	hide  func(e *session.Event, ourIDs bool)

	resource, scope []session.Attr // what has no field, for every record beneath
	where           group
	ours            bool // the scope is ours: the body is made of attributes, and a time of 0 is a time
	sdk             bool // the scope is that of our SDK
}

// NewDecoder makes a decoder.
func NewDecoder() *Decoder { return &Decoder{} }

// Hiding lets hide change every event before an id is made of what it says. ourIDs tells that the record's ids are of our making.
func (d *Decoder) Hiding(hide func(e *session.Event, ourIDs bool)) *Decoder {
	d.hide = hide
	return d
}

// IsEvent tells whether a log record is an authentication event: its event name says so, or the attribute otel.event.name
// where a sender or a hop cannot carry event names; or it is one in a dialect of others.
func IsEvent(lr plog.LogRecord) bool {
	kind, _ := kindOf(lr)
	return kind != session.KindUnknown
}

// kindOf also tells whether a record is in a dialect of others.
func kindOf(lr plog.LogRecord) (kind session.Kind, wild bool) {
	if name := eventNameOf(lr); name != "" {
		return parseOurName(name), false
	}
	return wildKind(lr), true
}

// eventNameOf is the record's name where it is one of ours: its event name, or the attribute in which senders put it that have no event
// names. Others' names are "".
func eventNameOf(lr plog.LogRecord) string {
	if name := lr.EventName(); ourName(name) {
		return name
	}
	for _, key := range [...]string{keyOTelEventName, keyEventName} {
		if v, ok := lr.Attributes().Get(key); ok && ourName(v.Str()) {
			return v.Str()
		}
	}
	return ""
}

// ourName tells whether a record is meant in our vocabulary, known to us or not.
func ourName(name string) bool {
	return len(name) >= len(session.EventPrefix) && strings.EqualFold(name[:len(session.EventPrefix)], session.EventPrefix)
}

// parseOurName reads our names in any case: some SDKs make Pascal case of them.
func parseOurName(name string) session.Kind {
	if kind := session.ParseKind(name); kind != session.KindUnknown || len(name) > longestName {
		return kind
	}
	return session.ParseKind(strings.ToLower(name))
}

// All walks the events of ld. The number is the record's place among all records of ld, events or not. The event is valid
// until the next one.
func (d *Decoder) All(ld plog.Logs) iter.Seq2[int, *session.Event] { return d.walk(ld, false) }

func (d *Decoder) walk(ld plog.Logs, otherRecords bool) iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		n := 0
		for i := range ld.ResourceLogs().Len() {
			rl := ld.ResourceLogs().At(i)
			d.enterResource(rl.Resource())
			for j := range rl.ScopeLogs().Len() {
				sl := rl.ScopeLogs().At(j)
				d.enterScope(sl.Scope())
				records := sl.LogRecords()
				for k := range records.Len() {
					lr := records.At(k)
					kind, wild := kindOf(lr)
					if (kind != session.KindUnknown || otherRecords) && !yield(n, d.record(lr, kind, wild)) {
						return
					}
					n++
				}
			}
		}
	}
}

func (d *Decoder) enterResource(r pcommon.Resource) {
	d.where, d.resource = group{}, d.resource[:0]
	for key, v := range r.Attributes().All() {
		switch key {
		case keyServiceName:
			d.where.system = text(v)
		case keyInstanceID:
			d.where.instance = text(v)
		case keyHostName:
			d.where.host = text(v)
		default:
			d.resource = append(d.resource, extra(resourcePrefix+key, v))
		}
	}
}

func (d *Decoder) enterScope(s pcommon.InstrumentationScope) {
	d.scope = d.scope[:0]
	d.sdk = s.Name() == sdkScope
	if d.ours = s.Name() == ScopeName; d.ours {
		return
	}
	if s.Name() != "" {
		d.scope = append(d.scope, session.Attr{Key: keyScopeName, Value: s.Name()})
	}
	if s.Version() != "" {
		d.scope = append(d.scope, session.Attr{Key: keyScopeVersion, Value: s.Version()})
	}
}

func (d *Decoder) record(lr plog.LogRecord, kind session.Kind, wild bool) *session.Event {
	e := &d.event
	e.Reset()
	d.uid, d.said = "", false
	e.Kind = kind
	e.Time, e.Observed = int64(lr.Timestamp()), int64(lr.ObservedTimestamp())
	e.TraceID, e.SpanID = lr.TraceID(), lr.SpanID()
	e.System, e.Instance, e.Host = d.where.system, d.where.instance, d.where.host
	if wild {
		d.wildAttributes(lr)
	} else {
		d.attributes(lr)
	}
	if e.Outcome == session.OutcomeUnknown && !d.said && !d.ours {
		d.imply()
	}
	e.Extra = append(append(e.Extra, d.resource...), d.scope...)
	if s := lr.SeverityText(); s != "" {
		e.Extra = append(e.Extra, session.Attr{Key: keySeverityText, Value: s})
	}
	if n := int32(lr.SeverityNumber()); n != e.DefaultSeverity() {
		e.Severity = n
	}
	if !d.ours || e.RecordID.IsZero() { // we give every record an id: this sender only calls its scope like ours
		d.foreign(lr)
	} else {
		if body := text(lr.Body()); !e.IsLine(body) {
			e.Message = body
		}
		if d.hide != nil {
			d.hide(e, true)
		}
	}
	return e
}

// imply finds the outcome of a record that says none, or one in a word of no meaning. That word makes room for the outcome found.
func (d *Decoder) imply() {
	e := &d.event
	if e.Outcome = e.ImpliedOutcome(); e.Outcome == session.OutcomeUnknown {
		return
	}
	for i := range e.Extra {
		if e.Extra[i].Key == session.AttrOutcome {
			e.Extra[i].Key = session.SourceField + session.AttrOutcome
		}
	}
}

func (d *Decoder) attributes(lr plog.LogRecord) {
	for key, v := range lr.Attributes().All() {
		if r := readers[key]; r != nil {
			r.read(d, v)
		} else {
			d.keep(key, v)
		}
	}
}

// foreign completes a record that somebody else made: it may lack a time (the data model then takes the observed one),
// ids, and may say something in its body.
func (d *Decoder) foreign(lr plog.LogRecord) {
	e := &d.event
	d.setTimes(lr)
	if lr.Body().Type() != pcommon.ValueTypeEmpty {
		e.Message = text(lr.Body())
	}
	if d.hide != nil {
		d.hideForeign()
	}
	if e.SessionKey.IsZero() && e.SessionID != "" {
		e.SessionKey = d.hash.Start("session", e.System, e.Instance).Str(e.SessionID).Key()
	}
	switch {
	case !e.RecordID.IsZero():
	case d.uid != "" && d.sdk: // it gives UUIDs: a limit on attributes has cut this one, and its beginning is that of many
		e.RecordID = e.ContentID(&d.hash)
		e.Extra = append(e.Extra, session.Attr{Key: keyForeignUID, Value: d.uid})
	case d.uid != "":
		e.RecordID = d.hash.Start("uid", e.System, e.Instance).Str(d.uid).RecordID(e.Time)
		e.Extra = append(e.Extra, session.Attr{Key: keyForeignUID, Value: d.uid})
	default:
		e.RecordID = e.ContentID(&d.hash)
	}
}

// setTimes reads times by their magnitude, since some senders write seconds or milliseconds where nanoseconds are meant. What is a time
// of our days in no unit is kept aside, and the observed time counts, as where there is no time.
func (d *Decoder) setTimes(lr plog.LogRecord) {
	e := &d.event
	if nanos, ok := session.Nanoseconds(e.Observed); ok {
		e.Observed = nanos
	}
	nanos, ok := session.Nanoseconds(e.Time)
	if !ok && e.Time != 0 {
		e.Extra = append(e.Extra, session.Attr{
			Key: session.SourceField + "timestamp", Value: strconv.FormatUint(uint64(lr.Timestamp()), 10), Type: session.AttrString,
		})
	}
	if e.Time = nanos; !ok {
		e.Time = e.Observed
	}
}

// hideForeign also looks at the sender's own id, which is kept and hashed: one that changes is none any more.
func (d *Decoder) hideForeign() {
	e := &d.event
	if d.uid == "" {
		d.hide(e, false)
		return
	}
	e.Extra = append(e.Extra, session.Attr{Key: keyForeignUID, Value: d.uid})
	d.hide(e, false)
	if last := len(e.Extra) - 1; last >= 0 && e.Extra[last] == (session.Attr{Key: keyForeignUID, Value: d.uid}) {
		e.Extra = e.Extra[:last] // it comes back below the id
	} else {
		d.uid = ""
	}
}
