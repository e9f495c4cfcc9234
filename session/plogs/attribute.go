package plogs

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otel-sessionlog/sessionlog/session"
)

// attribute carries a field, or a part of one, in a log record.
type attribute struct {
	key  string
	put  func(e *session.Event, m pcommon.Map) // nil where the attribute is written elsewhere
	read func(d *Decoder, v pcommon.Value)     // what does not fit goes into Extra
}

// attributes are all of them, in the order of session.Fields, in which they are written.
var attributes = func() (all []attribute) {
	for i := range session.Fields {
		all = append(all, attributesOf(&session.Fields[i])...)
	}
	for _, key := range [...]string{keyOTelEventName, keyEventName} {
		all = append(all, attribute{key: key, read: func(d *Decoder, v pcommon.Value) { d.eventName(key, v) }})
	}
	return all
}()

// readers are the attributes by their keys.
var readers = func() map[string]*attribute {
	byKey := map[string]*attribute{}
	for i := range attributes {
		byKey[attributes[i].key] = &attributes[i]
	}
	return byKey
}()

// attributesOf makes the attributes of a field by its Go type; a few fields have more to tell than their type says.
func attributesOf(f *session.Field) []attribute {
	switch f.Name {
	case "RecordID":
		return []attribute{{key: f.Attr, read: func(d *Decoder, v pcommon.Value) { d.recordUID(text(v)) }}}
	case "SessionKey":
		return []attribute{{key: f.Attr, read: func(d *Decoder, v pcommon.Value) { d.id(&d.event.SessionKey, f.Attr, v) }}}
	case "Outcome":
		return []attribute{{
			f.Attr, func(e *session.Event, m pcommon.Map) { m.PutStr(f.Attr, e.Outcome.String()) },
			func(d *Decoder, v pcommon.Value) { d.outcome(v) },
		}}
	case "System":
		return []attribute{
			{key: f.Attr, read: func(d *Decoder, v pcommon.Value) { d.system(f.Attr, v) }},
			{keyDBSystem, putDatabaseSystem, func(d *Decoder, v pcommon.Value) { d.system(keyDBSystem, v) }},
		}
	case "StatusCode":
		read := func(d *Decoder, v pcommon.Value) { d.event.StatusCode = text(v) }
		return []attribute{{f.Attr, putStatusCode, read}, {key: keyDBStatusCode, read: read}}
	case "User":
		return []attribute{{f.Attr, putUser, readUser}}
	case "Extra":
		return nil
	}
	switch f.Level {
	case session.LevelRecord:
		return nil
	case session.LevelResource:
		a := attributeOf(f)
		a.put = nil
		return []attribute{a}
	}
	return []attribute{attributeOf(f)}
}

func attributeOf(f *session.Field) attribute {
	key := f.Attr
	switch f.In(&session.Event{}).(type) {
	case *string:
		return attribute{
			key, func(e *session.Event, m pcommon.Map) { putText(m, key, *f.In(e).(*string)) },
			func(d *Decoder, v pcommon.Value) { *f.In(&d.event).(*string) = text(v) },
		}
	case *int32:
		return numberAttribute[int32](f, math.MinInt32, math.MaxInt32)
	case *uint32:
		return numberAttribute[uint32](f, 0, math.MaxUint32)
	case *int64:
		return numberAttribute[int64](f, math.MinInt64, math.MaxInt64)
	case *[]string:
		return attribute{
			key, func(e *session.Event, m pcommon.Map) { putTexts(m, key, *f.In(e).(*[]string)) },
			func(d *Decoder, v pcommon.Value) {
				to := f.In(&d.event).(*[]string)
				*to = appendTexts(*to, v)
			},
		}
	case *[]session.Setting:
		return attribute{
			key, func(e *session.Event, m pcommon.Map) { putSettings(m, key, *f.In(e).(*[]session.Setting)) },
			func(d *Decoder, v pcommon.Value) { d.settings(key, v) },
		}
	}
	panic("plogs: field " + f.Name + " has a type without an attribute")
}

// numberAttribute reads what lies between least and most.
func numberAttribute[T int32 | uint32 | int64](f *session.Field, least, most int64) attribute {
	return attribute{
		f.Attr, func(e *session.Event, m pcommon.Map) { putInt(m, f.Attr, int64(*f.In(e).(*T))) },
		func(d *Decoder, v pcommon.Value) {
			if n, ok := number(v); ok && n >= least && n <= most {
				*f.In(&d.event).(*T) = T(n)
			} else {
				d.keep(f.Attr, v)
			}
		},
	}
}

func putDatabaseSystem(e *session.Event, m pcommon.Map) {
	if session.IsDatabase(e.System) {
		m.PutStr(keyDBSystem, e.System)
	}
}

// putStatusCode uses the official name where it is defined: of databases.
func putStatusCode(e *session.Event, m pcommon.Map) {
	key := session.AttrStatusCode
	if session.IsDatabase(e.System) {
		key = keyDBStatusCode
	}
	putText(m, key, e.StatusCode)
}

// putUser tells an empty name from none.
func putUser(e *session.Event, m pcommon.Map) {
	if e.User == "" && e.UserEmpty {
		m.PutStr(keyUserName, "")
		return
	}
	putText(m, keyUserName, e.User)
}

func readUser(d *Decoder, v pcommon.Value) {
	d.event.User = text(v)
	d.event.UserEmpty = d.event.User == ""
}

func (d *Decoder) keep(key string, v pcommon.Value) {
	d.event.Extra = append(d.event.Extra, extra(key, v))
}

// outcome keeps a word that is none of ours.
func (d *Decoder) outcome(v pcommon.Value) {
	word := text(only(v))
	d.event.Outcome = session.OutcomeOf(word)
	d.said = word == session.OutcomeUnknown.String()
	switch {
	case d.event.Outcome.String() == word:
	case d.event.Outcome == session.OutcomeUnknown:
		d.keep(session.AttrOutcome, v)
	default:
		d.keep(session.SourceField+session.AttrOutcome, v)
	}
}

// eventName is said already by Kind, where it is ours.
func (d *Decoder) eventName(key string, v pcommon.Value) {
	if !ourName(text(v)) {
		d.keep(key, v)
	}
}

func (d *Decoder) recordUID(s string) {
	var ok bool
	if d.event.RecordID, ok = session.ParseID(s); !ok {
		d.uid = s
	}
}

func (d *Decoder) id(to *session.ID, key string, v pcommon.Value) {
	var ok bool
	if *to, ok = session.ParseID(text(v)); !ok {
		d.keep(key, v)
	}
}

// system prefers db.system.name to service.name, in whichever order they come.
func (d *Decoder) system(key string, v pcommon.Value) {
	if key == keyDBSystem || !session.IsDatabase(d.event.System) {
		d.event.System = text(v)
	}
}

// settings reads a map, or a list of pairs.
func (d *Decoder) settings(key string, v pcommon.Value) {
	e := &d.event
	switch v.Type() {
	case pcommon.ValueTypeMap:
		for name, value := range v.Map().All() {
			e.Settings = append(e.Settings, session.Setting{Name: name, Value: text(value)})
		}
	case pcommon.ValueTypeSlice:
		if !pairs(v.Slice()) {
			d.keep(key, v)
			return
		}
		for i := range v.Slice().Len() {
			pair := v.Slice().At(i).Slice()
			e.Settings = append(e.Settings, session.Setting{Name: text(pair.At(0)), Value: text(pair.At(1))})
		}
	default:
		d.keep(key, v)
	}
}

func pairs(s pcommon.Slice) bool {
	for i := range s.Len() {
		if v := s.At(i); v.Type() != pcommon.ValueTypeSlice || v.Slice().Len() != 2 {
			return false
		}
	}
	return true
}
