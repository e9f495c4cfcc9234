package plogs

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Encoder turns events into log records. It keeps scratch space between calls and is not safe for concurrent use.
type Encoder struct {
	version string
	text    []byte // ids and bodies of one call, made a string at once
	ends    []int  // where each of those texts ends
	groups  map[resourceGroup]plog.LogRecordSlice
	present []*attributeMapping // of one record
}

// resourceGroup is what the records of one resource share.
type resourceGroup struct{ system, instance, host string }

// maxKeptText is how much scratch is kept between calls.
const maxKeptText = 4 << 20

// NewEncoder makes an encoder that signs its records with this version of ours.
func NewEncoder(version string) *Encoder {
	return &Encoder{version: version, groups: map[resourceGroup]plog.LogRecordSlice{}}
}

// Encode makes one log record of each event, in their order within a resource. The records share the events' strings.
func (enc *Encoder) Encode(events []session.Event) plog.Logs {
	ld := plog.NewLogs()
	texts := enc.renderTexts(events)
	clear(enc.groups)
	var last resourceGroup
	var records plog.LogRecordSlice
	for i := range events {
		e := &events[i]
		if g := (resourceGroup{e.System, e.Instance, e.Host}); i == 0 || g != last {
			records, last = enc.groupRecords(ld, g, len(events)-i), g
		}
		enc.encodeRecord(e, records.AppendEmpty(), texts.nextText(), texts.nextText(), texts.nextText())
	}
	return ld
}

func (enc *Encoder) groupRecords(ld plog.Logs, g resourceGroup, room int) plog.LogRecordSlice {
	if r, ok := enc.groups[g]; ok {
		return r
	}
	rl := ld.ResourceLogs().AppendEmpty()
	rl.SetSchemaUrl(SchemaURL)
	attrs := rl.Resource().Attributes()
	putNonEmptyText(attrs, keyServiceName, g.system)
	putNonEmptyText(attrs, keyInstanceID, g.instance)
	putNonEmptyText(attrs, keyHostName, g.host)
	sl := rl.ScopeLogs().AppendEmpty()
	sl.SetSchemaUrl(SchemaURL)
	sl.Scope().SetName(ScopeName)
	sl.Scope().SetVersion(enc.version)
	r := sl.LogRecords()
	if len(enc.groups) == 0 { // most batches have no other
		r.EnsureCapacity(room)
	}
	enc.groups[g] = r
	return r
}

func (enc *Encoder) renderTexts(events []session.Event) renderedTexts {
	// One string for three texts an event: one allocation a call.
	if cap(enc.text) > maxKeptText {
		enc.text = nil
	}
	enc.text, enc.ends = enc.text[:0], enc.ends[:0]
	for i := range events {
		e := &events[i]
		enc.text = appendIDText(enc.text, e.RecordID)
		enc.ends = append(enc.ends, len(enc.text))
		enc.text = appendIDText(enc.text, e.SessionKey)
		enc.ends = append(enc.ends, len(enc.text))
		if e.Message == "" {
			enc.text = e.AppendLine(enc.text)
		}
		enc.ends = append(enc.ends, len(enc.text))
	}
	return renderedTexts{all: string(enc.text), ends: enc.ends}
}

func appendIDText(b []byte, id session.ID) []byte {
	if id.IsZero() {
		return b
	}
	return id.AppendText(b)
}

type renderedTexts struct {
	all  string
	ends []int
	from int
}

func (t *renderedTexts) nextText() string {
	end := t.ends[0]
	s := t.all[t.from:end]
	t.ends, t.from = t.ends[1:], end
	return s
}

func (enc *Encoder) encodeRecord(e *session.Event, lr plog.LogRecord, uid, key, body string) {
	lr.SetEventName(e.Kind.EventName())
	lr.SetTimestamp(pcommon.Timestamp(e.Time))
	lr.SetObservedTimestamp(pcommon.Timestamp(e.Observed))
	lr.SetTraceID(e.TraceID)
	lr.SetSpanID(e.SpanID)
	severity := e.Severity
	if severity == 0 {
		severity = e.DefaultSeverity()
	}
	lr.SetSeverityNumber(plog.SeverityNumber(severity))
	if e.Message != "" {
		body = e.Message
	}
	SetText(lr.Body(), body)
	m := lr.Attributes()
	few := e.Extra
	if len(few) > maxMapInserts && putManyAttributes(m, few) == nil {
		few = nil
	}
	enc.findPresent(e)
	m.EnsureCapacity(m.Len() + 2 + len(enc.present) + len(few))
	putNonEmptyText(m, keyRecordUID, uid)
	putNonEmptyText(m, session.AttrSessionKey, key)
	for _, a := range enc.present {
		a.putAttribute(e, m)
	}
	for i := range few {
		SetAttribute(&few[i], m.PutEmpty(few[i].Key))
	}
}

func (enc *Encoder) findPresent(e *session.Event) {
	enc.present = enc.present[:0]
	for i := range writtenMappings {
		if a := &writtenMappings[i]; a.mayWrite(e) {
			enc.present = append(enc.present, a)
		}
	}
}
