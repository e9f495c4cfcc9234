package push

import (
	"reflect"
	"strings"
	"time"
	"unsafe"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/push/tree"
	"github.com/otel-sessionlog/sessionlog/session"
)

// member is a key that has a field. read says false to leave the value to be kept as an attribute.
type member struct {
	key  string
	read func(r *Record, v tree.Value) bool
}

// usualMembers is more than an event has, as a rule.
const usualMembers = 32

// members are the keys that have a field: the attribute names of docs/event.md, and snake_case names for the parts of a log record that
// are no attributes.
var members = func() map[string]*member {
	m := map[string]*member{}
	add := func(key string, read func(*Record, tree.Value) bool) { m[key] = &member{key, read} }
	t := reflect.TypeFor[session.Event]()
	for _, f := range session.Fields {
		if field, ok := t.FieldByName(f.Name); ok && f.Level != session.LevelRecord && f.Name != "Extra" {
			add(f.Attr, fieldReader(field))
		}
	}
	add("event_name", func(r *Record, v tree.Value) bool { r.Kind = kindOf(v.Str()); return true })
	add("timestamp", func(*Record, tree.Value) bool { return true }) // read apart: it may refuse the event
	add("trace_id", func(r *Record, v tree.Value) bool { return session.Unhex(r.TraceID[:], v.Str()) })
	add("span_id", func(r *Record, v tree.Value) bool { return session.Unhex(r.SpanID[:], v.Str()) })
	add("traceparent", readTraceparent)
	add("severity_number", readSeverity)
	add("body", func(r *Record, v tree.Value) bool { r.Message = v.Str(); return v.Kind() <= tree.String })
	add("log.record.uid", func(r *Record, v tree.Value) bool { r.ID = v.Str(); return r.ID != "" })
	add("user.name", func(r *Record, v tree.Value) bool { setUser(r.Event, v); return v.Kind() <= tree.String })
	add("db.system.name", func(r *Record, v tree.Value) bool { r.System = v.Str(); return true })
	add("service.name", func(r *Record, v tree.Value) bool {
		if name := v.Str(); !session.IsDatabase(r.System) { // db.system.name counts more
			r.System = name
		}
		return true
	})
	return m
}()

// member finds a key. A sender writes its events alike, so what stood at this place of the last one is looked at first.
func (r *Record) member(place int, key string) *member {
	if place >= usualMembers {
		return members[key]
	}
	if m := r.guesses[place]; m != nil && m.key == key {
		return m
	}
	m := members[key]
	r.guesses[place] = m
	return m
}

// kindOf takes our event names only: semconv's session.start is something else.
func kindOf(name string) session.Kind {
	if !strings.HasPrefix(name, session.EventPrefix) {
		return session.KindUnknown
	}
	return session.ParseKind(name)
}

func fieldReader(f reflect.StructField) func(*Record, tree.Value) bool {
	if f.Type.Kind() == reflect.String { // most fields are: without reflection
		return func(r *Record, v tree.Value) bool {
			*(*string)(unsafe.Add(unsafe.Pointer(r.Event), f.Offset)) = v.Str()
			return v.Kind() <= tree.String
		}
	}
	index := f.Index[0]
	return func(r *Record, v tree.Value) bool {
		return setField(reflect.ValueOf(r.Event).Elem().Field(index), v)
	}
}

// setField puts a value into a field of the event, by the field's type. A value that does not fit stays an attribute.
func setField(f reflect.Value, v tree.Value) bool {
	switch to := f.Addr().Interface().(type) {
	case *int64, *int32:
		n, ok := v.Int()
		if ok = ok && !f.OverflowInt(n); ok {
			f.SetInt(n)
		}
		return ok
	case *uint32:
		n, ok := v.Int()
		if ok = ok && n >= 0 && !f.OverflowUint(uint64(n)); ok {
			f.SetUint(uint64(n))
		}
		return ok
	case *[]string:
		*to = texts(*to, v)
		return true
	case *[]session.Setting:
		for name, value := range v.Members() {
			*to = append(*to, session.Setting{Name: name, Value: value.Str()})
		}
		return v.Kind() == tree.Object
	case *session.Outcome:
		*to = session.ParseOutcome(v.Str())
		return true
	case *session.ID:
		id, ok := session.ParseID(v.Str())
		*to = id
		return ok
	}
	return false
}

// readOwn reads one event in the vocabulary of docs/event.md: flat keys, each once. timestamp is RFC 3339, or a whole number of
// nanoseconds since 1970.
func readOwn(item tree.Value, r *Record) error {
	place := 0
	for key, v := range item.Members() {
		if m := r.member(place, key); v.Kind() != tree.Null && (m == nil || !m.read(r, v)) {
			r.Extra = append(r.Extra, attr(key, v))
		}
		place++
	}
	if err := setTime(r.Event, item.Get("timestamp"), time.Nanosecond); err != nil {
		return err
	}
	if r.Kind == session.KindUnknown && item.Get("event_name").Kind() != tree.Missing {
		return errNoKind
	}
	return nil
}

func readTraceparent(r *Record, v tree.Value) bool {
	t, ok := ParseTraceparent(v.Str())
	if ok {
		r.TraceID, r.SpanID, r.Correlation = t.TraceID, t.SpanID, Correlated
	}
	return ok
}

// readSeverity keeps only what differs from the usual, which the reader of the record finds out again.
func readSeverity(r *Record, v tree.Value) bool {
	n, ok := v.Int()
	if ok = ok && n >= 0 && n <= 24; ok {
		r.Severity = int32(n)
	}
	return ok
}
