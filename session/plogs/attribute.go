package plogs

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otel-sessionlog/sessionlog/session"
)

// attributeMapping ties a field, or a part of one, to an attribute. It has field or write, or neither where the attribute is written elsewhere.
type attributeMapping struct {
	key   string
	field func(e *session.Event) any            // pointer to it: what its type alone says how to write
	write func(e *session.Event, m pcommon.Map) // of any other, nothing where it is absent
	read  func(d *Decoder, v pcommon.Value)     // what does not fit goes into Extra
}

// attributeMappings are in the order of session.Fields, in which they are written.
var attributeMappings = func() (all []attributeMapping) {
	for i := range session.Fields {
		all = append(all, mappingsOf(&session.Fields[i])...)
	}
	for _, key := range [...]string{keyOTelEventName, keyEventName} {
		all = append(all, attributeMapping{key: key, read: func(d *Decoder, v pcommon.Value) { d.readEventName(key, v) }})
	}
	return all
}()

// writtenMappings are those that [Encoder] goes through.
var writtenMappings = func() (written []attributeMapping) {
	for _, a := range attributeMappings {
		if a.field != nil || a.write != nil {
			written = append(written, a)
		}
	}
	return written
}()

var mappingsByKey = func() map[string]*attributeMapping {
	byKey := map[string]*attributeMapping{}
	for i := range attributeMappings {
		byKey[attributeMappings[i].key] = &attributeMappings[i]
	}
	return byKey
}()

func mappingsOf(f *session.Field) []attributeMapping {
	switch f.Name {
	case "RecordID":
		return []attributeMapping{{key: f.Attr, read: func(d *Decoder, v pcommon.Value) { d.readRecordUID(textValue(v)) }}}
	case "SessionKey":
		return []attributeMapping{{key: f.Attr, read: func(d *Decoder, v pcommon.Value) { d.readIDAttribute(&d.event.SessionKey, f.Attr, v) }}}
	case "Outcome":
		return []attributeMapping{{
			key: f.Attr, write: func(e *session.Event, m pcommon.Map) { m.PutStr(f.Attr, e.Outcome.String()) },
			read: func(d *Decoder, v pcommon.Value) { d.readOutcome(v) },
		}}
	case "System":
		return []attributeMapping{
			{key: f.Attr, read: func(d *Decoder, v pcommon.Value) { d.readSystem(f.Attr, v) }},
			{key: keyDBSystem, write: putDatabaseSystem, read: func(d *Decoder, v pcommon.Value) { d.readSystem(keyDBSystem, v) }},
		}
	case "StatusCode":
		read := func(d *Decoder, v pcommon.Value) { d.event.StatusCode = textValue(v) }
		return []attributeMapping{{key: f.Attr, write: putStatusCode, read: read}, {key: keyDBStatusCode, read: read}}
	case "User":
		return []attributeMapping{{key: f.Attr, write: putUserName, read: readUserName}}
	case "Extra":
		return nil
	}
	switch f.Level {
	case session.LevelRecord:
		return nil
	case session.LevelResource:
		a := mappingOf(f)
		a.field = nil
		return []attributeMapping{a}
	}
	return []attributeMapping{mappingOf(f)}
}

func mappingOf(f *session.Field) attributeMapping {
	return attributeMapping{key: f.Attr, field: f.In, read: readerOf(f)}
}

func readerOf(f *session.Field) func(d *Decoder, v pcommon.Value) {
	switch f.In(&session.Event{}).(type) {
	case *string:
		return func(d *Decoder, v pcommon.Value) { *f.In(&d.event).(*string) = textValue(v) }
	case *int32:
		return numberReader[int32](f, math.MinInt32, math.MaxInt32)
	case *uint32:
		return numberReader[uint32](f, 0, math.MaxUint32)
	case *int64:
		return numberReader[int64](f, math.MinInt64, math.MaxInt64)
	case *[]string:
		return func(d *Decoder, v pcommon.Value) {
			to := f.In(&d.event).(*[]string)
			*to = appendTexts(*to, v)
		}
	case *[]session.Setting:
		return func(d *Decoder, v pcommon.Value) { d.readSettings(f.Attr, v) }
	}
	panic("plogs: field " + f.Name + " has a type without an attribute")
}

// numberReader reads what lies between least and most.
func numberReader[T int32 | uint32 | int64](f *session.Field, least, most int64) func(d *Decoder, v pcommon.Value) {
	return func(d *Decoder, v pcommon.Value) {
		if n, ok := integerValue(v); ok && n >= least && n <= most {
			*f.In(&d.event).(*T) = T(n)
		} else {
			d.keepAttribute(f.Attr, v)
		}
	}
}

func (a *attributeMapping) mayWrite(e *session.Event) bool {
	if a.field == nil {
		return true
	}
	switch v := a.field(e).(type) {
	case *string:
		return *v != ""
	case *int32:
		return *v != 0
	case *uint32:
		return *v != 0
	case *int64:
		return *v != 0
	case *[]string:
		return len(*v) > 0
	case *[]session.Setting:
		return len(*v) > 0
	}
	return false
}

func (a *attributeMapping) putAttribute(e *session.Event, m pcommon.Map) {
	if a.field == nil {
		a.write(e, m)
		return
	}
	switch v := a.field(e).(type) {
	case *string:
		putText(m, a.key, *v)
	case *int32:
		m.PutInt(a.key, int64(*v))
	case *uint32:
		m.PutInt(a.key, int64(*v))
	case *int64:
		m.PutInt(a.key, *v)
	case *[]string:
		putTextList(m, a.key, *v)
	case *[]session.Setting:
		putSettings(m, a.key, *v)
	}
}

func putDatabaseSystem(e *session.Event, m pcommon.Map) {
	if session.IsDatabase(e.System) {
		m.PutStr(keyDBSystem, e.System)
	}
}

func putStatusCode(e *session.Event, m pcommon.Map) {
	key := session.AttrStatusCode
	if session.IsDatabase(e.System) {
		key = keyDBStatusCode
	}
	putNonEmptyText(m, key, e.StatusCode)
}

func putUserName(e *session.Event, m pcommon.Map) {
	if e.User == "" && e.UserEmpty {
		m.PutStr(keyUserName, "")
		return
	}
	putNonEmptyText(m, keyUserName, e.User)
}

func readUserName(d *Decoder, v pcommon.Value) {
	d.event.User = textValue(v)
	d.event.UserEmpty = d.event.User == ""
}

func (d *Decoder) keepAttribute(key string, v pcommon.Value) {
	d.event.Extra = append(d.event.Extra, extraAttribute(key, v))
}

func (d *Decoder) readOutcome(v pcommon.Value) {
	word := textValue(unwrapSingle(v))
	d.event.Outcome = session.OutcomeOf(word)
	d.saysUnknown = word == session.OutcomeUnknown.String()
	switch {
	case d.event.Outcome.String() == word:
	case d.event.Outcome == session.OutcomeUnknown:
		d.keepAttribute(session.AttrOutcome, v)
	default:
		d.keepAttribute(session.SourceField+session.AttrOutcome, v)
	}
}

func (d *Decoder) readEventName(key string, v pcommon.Value) {
	if !isOurName(textValue(v)) { // Kind has ours
		d.keepAttribute(key, v)
	}
}

func (d *Decoder) readRecordUID(s string) {
	var ok bool
	if d.event.RecordID, ok = session.ParseID(s); !ok {
		d.senderUID = s
	}
}

func (d *Decoder) readIDAttribute(to *session.ID, key string, v pcommon.Value) {
	var ok bool
	if *to, ok = session.ParseID(textValue(v)); !ok {
		d.keepAttribute(key, v)
	}
}

// readSystem prefers db.system.name to service.name, in whichever order they come.
func (d *Decoder) readSystem(key string, v pcommon.Value) {
	if key == keyDBSystem || !session.IsDatabase(d.event.System) {
		d.event.System = textValue(v)
	}
}

func (d *Decoder) readSettings(key string, v pcommon.Value) {
	e := &d.event
	switch v.Type() {
	case pcommon.ValueTypeMap:
		for name, value := range v.Map().All() {
			e.Settings = append(e.Settings, session.Setting{Name: name, Value: textValue(value)})
		}
	case pcommon.ValueTypeSlice:
		if !areNameValuePairs(v.Slice()) {
			d.keepAttribute(key, v)
			return
		}
		for i := range v.Slice().Len() {
			pair := v.Slice().At(i).Slice()
			e.Settings = append(e.Settings, session.Setting{Name: textValue(pair.At(0)), Value: textValue(pair.At(1))})
		}
	default:
		d.keepAttribute(key, v)
	}
}

func areNameValuePairs(s pcommon.Slice) bool {
	for i := range s.Len() {
		if v := s.At(i); v.Type() != pcommon.ValueTypeSlice || v.Slice().Len() != 2 {
			return false
		}
	}
	return true
}
