package push

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"
	"github.com/otel-sessionlog/sessionlog/session"
)

// fieldMember is a key that has a field. read returns false for a value that is to be kept as an attribute.
type fieldMember struct {
	key  string
	read func(r *Record, v jsontree.Value) bool
}

// maxGuessedMembers is more than most events have.
const maxGuessedMembers = 32

type nativeState struct {
	nextPlace       int                             // of the next member
	previousMembers [maxGuessedMembers]*fieldMember // by place in the object before
	hasEventName    bool                            // there is an event_name
	saysUnknown     bool                            // the outcome is given as unknown
	refusal         error                           // the object is refused
}

// knownMembers are the keys that have a field: the attribute names of docs/event.md, and snake_case names for the parts of a log record that
// are no attributes.
var knownMembers = func() map[string]*fieldMember {
	m := map[string]*fieldMember{}
	add := func(key string, read func(*Record, jsontree.Value) bool) { m[key] = &fieldMember{key, read} }
	for i := range session.Fields {
		if f := &session.Fields[i]; f.Level != session.LevelRecord && f.Name != "Extra" {
			add(f.Attr, fieldReader(f))
		}
	}
	for _, key := range [...]string{"event_name", "event.name", "otel.event.name"} {
		add(key, func(r *Record, v jsontree.Value) bool { return r.readEventName(v) })
	}
	add("timestamp", func(r *Record, v jsontree.Value) bool { r.native.refusal = setEventTime(r.Event, v); return true })
	add("trace_id", func(r *Record, v jsontree.Value) bool { return session.DecodeHex(r.TraceID[:], v.Str()) })
	add("span_id", func(r *Record, v jsontree.Value) bool { return session.DecodeHex(r.SpanID[:], v.Str()) })
	add("traceparent", readTraceparent)
	add(session.AttrOutcome, readOutcome)
	add(session.AttrECSOutcome, func(*Record, jsontree.Value) bool { return false }) // an attribute, which ImpliedOutcome looks at
	add("severity_number", readSeverity)
	add("body", func(r *Record, v jsontree.Value) bool { r.Message = v.Str(); return v.Kind() <= jsontree.String })
	add("log.record.uid", func(r *Record, v jsontree.Value) bool { r.ID = v.Str(); return r.ID != "" })
	add("user.name", func(r *Record, v jsontree.Value) bool { setUserName(r.Event, v); return v.Kind() <= jsontree.String })
	add("db.response.status_code", func(r *Record, v jsontree.Value) bool { return readTextField(&r.StatusCode, v) })
	add("db.system.name", func(r *Record, v jsontree.Value) bool { r.System = v.Str(); return v.Kind() <= jsontree.String })
	add("service.name", func(r *Record, v jsontree.Value) bool {
		if name := v.Str(); !session.IsDatabase(r.System) { // db.system.name counts more
			r.System = name
		}
		return v.Kind() <= jsontree.String
	})
	return m
}()

// nestedPaths are the beginnings of known keys, where an object may take the place of the dot.
var nestedPaths = func() map[string]bool {
	paths := map[string]bool{}
	for key := range knownMembers {
		for at := strings.LastIndexByte(key, '.'); at >= 0; at = strings.LastIndexByte(key, '.') {
			key = key[:at]
			paths[key] = true
		}
	}
	return paths
}()

func (o *nativeState) resetItem() {
	o.nextPlace, o.hasEventName, o.saysUnknown, o.refusal = 0, false, false, nil
}

func (r *Record) readEventName(v jsontree.Value) bool {
	kind := parseEventName(v.Peek())
	r.native.hasEventName = true
	if r.Kind != session.KindUnknown && kind == session.KindUnknown {
		return false
	}
	v.Str()
	if kind != session.KindUnknown {
		r.Kind = kind
	}
	return true
}

func (o *nativeState) findMember(key string) *fieldMember {
	place := o.nextPlace
	if o.nextPlace++; place >= maxGuessedMembers {
		return knownMembers[key]
	}
	// A sender's events are alike.
	if m := o.previousMembers[place]; m != nil && m.key == key {
		return m
	}
	m := knownMembers[key]
	o.previousMembers[place] = m
	return m
}

// parseEventName accepts our event names only, in any case: semconv's session.start is something else.
func parseEventName(name string) session.Kind {
	if kind := session.ParseKind(name); kind != session.KindUnknown && strings.HasPrefix(name, session.EventPrefix) {
		return kind
	}
	if len(name) > 2*len("sessionlog.session.update") {
		return session.KindUnknown
	}
	if name = strings.ToLower(name); !strings.HasPrefix(name, session.EventPrefix) {
		return session.KindUnknown
	}
	return session.ParseKind(name)
}

func fieldReader(f *session.Field) func(*Record, jsontree.Value) bool {
	switch f.In(&session.Event{}).(type) {
	case *string:
		return func(r *Record, v jsontree.Value) bool { return readTextField(f.In(r.Event).(*string), v) }
	case *int64:
		return func(r *Record, v jsontree.Value) bool { return readIntField(f.In(r.Event).(*int64), v) }
	case *int32:
		return func(r *Record, v jsontree.Value) bool { return readIntField(f.In(r.Event).(*int32), v) }
	case *uint32:
		return func(r *Record, v jsontree.Value) bool { return readIntField(f.In(r.Event).(*uint32), v) }
	case *[]string:
		return func(r *Record, v jsontree.Value) bool { return readTextListField(f.In(r.Event).(*[]string), v) }
	case *[]session.Setting:
		return func(r *Record, v jsontree.Value) bool {
			return readSettingsField(f.In(r.Event).(*[]session.Setting), v)
		}
	case *session.ID:
		return func(r *Record, v jsontree.Value) bool { return readIDField(f.In(r.Event).(*session.ID), v) }
	}
	return func(*Record, jsontree.Value) bool { return false }
}

func readNativeEvent(item jsontree.Value, r *Record) error {
	r.native.resetItem()
	// The vocabulary of docs/event.md: each key once.
	for key, v := range item.Members() {
		if v.Kind() == jsontree.Object && r.readNestedMembers(key, v) {
			v.Rest(key+".", func(path string, rest jsontree.Value) { r.Extra = append(r.Extra, newAttribute(path, rest)) })
			continue
		}
		if m := r.native.findMember(key); v.Kind() != jsontree.Null && (m == nil || !m.read(r, v)) {
			r.Extra = append(r.Extra, newAttribute(key, v))
		}
	}
	if r.native.refusal == nil && r.native.hasEventName && r.Kind == session.KindUnknown {
		return errNoKind
	}
	if r.Outcome == session.OutcomeUnknown && !r.native.saysUnknown {
		r.Outcome = r.ImpliedOutcome()
	}
	return r.native.refusal
}

// readNestedMembers reads {"user":{"name":…}} as user.name. An object without a known key is an attribute as it is.
func (r *Record) readNestedMembers(path string, v jsontree.Value) (found bool) {
	if !nestedPaths[path] || knownMembers[path] != nil {
		return false
	}
	for key, child := range v.Members() {
		inner := path + "." + key
		m := knownMembers[inner]
		switch {
		case m != nil && child.Kind() != jsontree.Null:
			if !m.read(r, child) {
				r.Extra = append(r.Extra, newAttribute(inner, child))
			}
			child.MarkUsed()
			found = true
		case child.Kind() == jsontree.Object:
			found = r.readNestedMembers(inner, child) || found
		}
	}
	return found
}

func readTraceparent(r *Record, v jsontree.Value) bool {
	t, ok := ParseTraceparent(v.Str())
	if ok {
		r.TraceID, r.SpanID, r.Correlation = t.TraceID, t.SpanID, CorrelationTraceparent
	}
	return ok
}

func readOutcome(r *Record, v jsontree.Value) bool {
	word := unwrapSingle(v).Peek()
	r.native.saysUnknown = word == session.OutcomeUnknown.String()
	if r.Outcome = session.OutcomeOf(word); r.Outcome.String() != word {
		r.Extra = append(r.Extra, newAttribute(session.SourceField+session.AttrOutcome, v))
	}
	return true
}

func readSeverity(r *Record, v jsontree.Value) bool {
	n, ok := v.Int()
	if ok = ok && n >= 0 && n <= 24; ok {
		r.Severity = int32(n)
	}
	return ok
}
