package plogs

import (
	"iter"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Decoder turns log records into events. It reuses one event, so that a record costs no allocation. It is not safe
// for concurrent use.
type Decoder struct {
	event       session.Event
	hash        session.Hasher
	senderUID   string // log.record.uid where it is no UUID
	saysUnknown bool   // the record says that its outcome is unknown
	foreign     foreignRecord
	hide        func(e *session.Event, ourIDs bool)

	resourceAttributes, scopeAttributes []session.Attr // what has no field, for every record beneath
	currentGroup                        resourceGroup
	isOurScope                          bool // the scope is ours: the body is made of attributes, and a time of 0 is a time
	isSDKScope                          bool // the scope is that of our SDK
}

// NewDecoder makes a decoder.
func NewDecoder() *Decoder { return &Decoder{} }

// Hiding calls hide for every event before its id is computed. ourIDs: the record's ids were computed by us.
func (d *Decoder) Hiding(hide func(e *session.Event, ourIDs bool)) *Decoder {
	d.hide = hide
	return d
}

// IsEvent is true for authentication events: by event name, by the attribute otel.event.name where a sender or a hop cannot carry event
// names, or by a foreign dialect's attributes.
func IsEvent(lr plog.LogRecord) bool {
	kind, _ := recordKind(lr)
	return kind != session.KindUnknown
}

func recordKind(lr plog.LogRecord) (kind session.Kind, foreign bool) {
	if name := ourEventName(lr); name != "" {
		return parseOurName(name), false
	}
	return foreignKind(lr), true
}

func ourEventName(lr plog.LogRecord) string {
	if name := lr.EventName(); isOurName(name) {
		return name
	}
	// Senders without event names put it into an attribute.
	for _, key := range [...]string{keyOTelEventName, keyEventName} {
		if v, ok := lr.Attributes().Get(key); ok && isOurName(v.Str()) {
			return v.Str()
		}
	}
	return ""
}

// isOurName is also true for names with our prefix that this version does not know.
func isOurName(name string) bool {
	return len(name) >= len(session.EventPrefix) && strings.EqualFold(name[:len(session.EventPrefix)], session.EventPrefix)
}

func parseOurName(name string) session.Kind {
	if kind := session.ParseKind(name); kind != session.KindUnknown || len(name) > maxEventName {
		return kind
	}
	return session.ParseKind(strings.ToLower(name)) // some SDKs make Pascal case of our names
}

// All iterates over the events of ld. The number is the record's place among all records of ld, events or not. The event is valid
// until the next one.
func (d *Decoder) All(ld plog.Logs) iter.Seq2[int, *session.Event] { return d.allRecords(ld, false) }

func (d *Decoder) allRecords(ld plog.Logs, otherRecords bool) iter.Seq2[int, *session.Event] {
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
					kind, foreign := recordKind(lr)
					if (kind != session.KindUnknown || otherRecords) && !yield(n, d.decodeRecord(lr, kind, foreign)) {
						return
					}
					n++
				}
			}
		}
	}
}

func (d *Decoder) enterResource(r pcommon.Resource) {
	d.currentGroup, d.resourceAttributes = resourceGroup{}, d.resourceAttributes[:0]
	for key, v := range r.Attributes().All() {
		switch key {
		case keyServiceName:
			d.currentGroup.system = textValue(v)
		case keyInstanceID:
			d.currentGroup.instance = textValue(v)
		case keyHostName:
			d.currentGroup.host = textValue(v)
		default:
			d.resourceAttributes = append(d.resourceAttributes, extraAttribute(resourcePrefix+key, v))
		}
	}
}

func (d *Decoder) enterScope(s pcommon.InstrumentationScope) {
	d.scopeAttributes = d.scopeAttributes[:0]
	d.isSDKScope = s.Name() == sdkScope
	if d.isOurScope = s.Name() == ScopeName; d.isOurScope {
		return
	}
	if s.Name() != "" {
		d.scopeAttributes = append(d.scopeAttributes, session.Attr{Key: keyScopeName, Value: s.Name()})
	}
	if s.Version() != "" {
		d.scopeAttributes = append(d.scopeAttributes, session.Attr{Key: keyScopeVersion, Value: s.Version()})
	}
}

func (d *Decoder) decodeRecord(lr plog.LogRecord, kind session.Kind, foreign bool) *session.Event {
	e := &d.event
	e.Reset()
	d.senderUID, d.saysUnknown = "", false
	e.Kind = kind
	e.Time, e.Observed = int64(lr.Timestamp()), int64(lr.ObservedTimestamp())
	e.TraceID, e.SpanID = lr.TraceID(), lr.SpanID()
	e.System, e.Instance, e.Host = d.currentGroup.system, d.currentGroup.instance, d.currentGroup.host
	if foreign {
		d.readForeignAttributes(lr)
	} else {
		d.readAttributes(lr)
	}
	if e.Outcome == session.OutcomeUnknown && !d.saysUnknown && !d.isOurScope {
		d.setImpliedOutcome()
	}
	e.Extra = append(append(e.Extra, d.resourceAttributes...), d.scopeAttributes...)
	if s := lr.SeverityText(); s != "" {
		e.Extra = append(e.Extra, session.Attr{Key: keySeverityText, Value: s})
	}
	if n := int32(lr.SeverityNumber()); n != e.DefaultSeverity() {
		e.Severity = n
	}
	if !d.isOurScope || e.RecordID.IsZero() { // our records always have an id: this sender only uses our scope's name
		d.completeRecord(lr)
	} else {
		if body := textValue(lr.Body()); !e.IsLine(body) {
			e.Message = body
		}
		if d.hide != nil {
			d.hide(e, true)
		}
	}
	return e
}

// setImpliedOutcome is for a record without an outcome, or with an unknown word for it, which is moved to an attribute of the source.
func (d *Decoder) setImpliedOutcome() {
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

func (d *Decoder) readAttributes(lr plog.LogRecord) {
	for key, v := range lr.Attributes().All() {
		if r := mappingsByKey[key]; r != nil {
			r.read(d, v)
		} else {
			d.keepAttribute(key, v)
		}
	}
}

// completeRecord is for records of foreign senders: they may lack a time (the data model then takes the observed one),
// ids, and may say something in its body.
func (d *Decoder) completeRecord(lr plog.LogRecord) {
	e := &d.event
	d.setRecordTimes(lr)
	d.event.NormalizeClient()
	if lr.Body().Type() != pcommon.ValueTypeEmpty {
		e.Message = textValue(lr.Body())
	}
	if d.hide != nil {
		d.hideForeign()
	}
	if e.SessionKey.IsZero() && e.SessionID != "" {
		e.SessionKey = d.hash.Start("session", e.System, e.Instance).Str(e.SessionID).Key()
	}
	switch {
	case !e.RecordID.IsZero():
	case d.senderUID != "" && d.isSDKScope: // our SDK sends UUIDs: a limit on attributes has truncated this one, and many share its beginning
		e.RecordID = e.ContentID(&d.hash)
		e.Extra = append(e.Extra, session.Attr{Key: keyForeignUID, Value: d.senderUID})
	case d.senderUID != "":
		e.RecordID = d.hash.Start("uid", e.System, e.Instance).Str(d.senderUID).RecordID(e.Time)
		e.Extra = append(e.Extra, session.Attr{Key: keyForeignUID, Value: d.senderUID})
	default:
		e.RecordID = e.ContentID(&d.hash)
	}
}

func (d *Decoder) setRecordTimes(lr plog.LogRecord) {
	e := &d.event
	// By magnitude: some senders write seconds or milliseconds where nanoseconds are meant.
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

func (d *Decoder) hideForeign() {
	e := &d.event
	if d.senderUID == "" {
		d.hide(e, false)
		return
	}
	e.Extra = append(e.Extra, session.Attr{Key: keyForeignUID, Value: d.senderUID})
	d.hide(e, false)
	// The record id is computed from it: one that was changed is not used.
	if last := len(e.Extra) - 1; last >= 0 && e.Extra[last] == (session.Attr{Key: keyForeignUID, Value: d.senderUID}) {
		e.Extra = e.Extra[:last] // it comes back below the id
	} else {
		d.senderUID = ""
	}
}
