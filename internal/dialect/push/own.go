package push

import (
	"strings"

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

// ownState is what the reading of one object of ours goes by.
type ownState struct {
	place   int                   // of the next member
	guesses [usualMembers]*member // what stood at each place of the object before
	named   bool                  // there is an event_name
	said    bool                  // the outcome is said to be unknown
	flaw    error                 // the object is refused
}

// members are the keys that have a field: the attribute names of docs/event.md, and snake_case names for the parts of a log record that
// are no attributes.
var members = func() map[string]*member {
	m := map[string]*member{}
	add := func(key string, read func(*Record, tree.Value) bool) { m[key] = &member{key, read} }
	for i := range session.Fields {
		if f := &session.Fields[i]; f.Level != session.LevelRecord && f.Name != "Extra" {
			add(f.Attr, fieldReader(f))
		}
	}
	for _, key := range [...]string{"event_name", "event.name", "otel.event.name"} {
		add(key, func(r *Record, v tree.Value) bool { return r.name(v) })
	}
	add("timestamp", func(r *Record, v tree.Value) bool { r.own.flaw = setTime(r.Event, v); return true })
	add("trace_id", func(r *Record, v tree.Value) bool { return session.Unhex(r.TraceID[:], v.Str()) })
	add("span_id", func(r *Record, v tree.Value) bool { return session.Unhex(r.SpanID[:], v.Str()) })
	add("traceparent", readTraceparent)
	add(session.AttrOutcome, readOutcome)
	add("severity_number", readSeverity)
	add("body", func(r *Record, v tree.Value) bool { r.Message = v.Str(); return v.Kind() <= tree.String })
	add("log.record.uid", func(r *Record, v tree.Value) bool { r.ID = v.Str(); return r.ID != "" })
	add("user.name", func(r *Record, v tree.Value) bool { setUser(r.Event, v); return v.Kind() <= tree.String })
	add("db.response.status_code", func(r *Record, v tree.Value) bool { return putText(&r.StatusCode, v) })
	add("db.system.name", func(r *Record, v tree.Value) bool { r.System = v.Str(); return v.Kind() <= tree.String })
	add("service.name", func(r *Record, v tree.Value) bool {
		if name := v.Str(); !session.IsDatabase(r.System) { // db.system.name counts more
			r.System = name
		}
		return v.Kind() <= tree.String
	})
	return m
}()

func (o *ownState) start() { o.place, o.named, o.said, o.flaw = 0, false, false, nil }

// name is the event's name under one of its keys. A second one that is none of ours is kept.
func (r *Record) name(v tree.Value) bool {
	kind := kindOf(v.Peek())
	r.own.named = true
	if r.Kind != session.KindUnknown && kind == session.KindUnknown {
		return false
	}
	v.Str()
	if kind != session.KindUnknown {
		r.Kind = kind
	}
	return true
}

// member finds a key. A sender writes its events alike, so what stood at this place of the last one is looked at first.
func (o *ownState) member(key string) *member {
	place := o.place
	if o.place++; place >= usualMembers {
		return members[key]
	}
	if m := o.guesses[place]; m != nil && m.key == key {
		return m
	}
	m := members[key]
	o.guesses[place] = m
	return m
}

// kindOf takes our event names only, in any case: semconv's session.start is something else.
func kindOf(name string) session.Kind {
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

// fieldReader puts a value into a field of the event, by the field's type. A value that does not fit stays an attribute.
func fieldReader(f *session.Field) func(*Record, tree.Value) bool {
	switch f.In(&session.Event{}).(type) {
	case *string:
		return func(r *Record, v tree.Value) bool { return putText(f.In(r.Event).(*string), v) }
	case *int64:
		return func(r *Record, v tree.Value) bool { return putInt(f.In(r.Event).(*int64), v) }
	case *int32:
		return func(r *Record, v tree.Value) bool { return putInt(f.In(r.Event).(*int32), v) }
	case *uint32:
		return func(r *Record, v tree.Value) bool { return putInt(f.In(r.Event).(*uint32), v) }
	case *[]string:
		return func(r *Record, v tree.Value) bool { return putTexts(f.In(r.Event).(*[]string), v) }
	case *[]session.Setting:
		return func(r *Record, v tree.Value) bool { return putSettings(f.In(r.Event).(*[]session.Setting), v) }
	case *session.ID:
		return func(r *Record, v tree.Value) bool { return putID(f.In(r.Event).(*session.ID), v) }
	}
	return func(*Record, tree.Value) bool { return false }
}

// readOwn reads one event in the vocabulary of docs/event.md: flat keys, each once. timestamp is RFC 3339, or a whole number of
// nanoseconds since 1970.
func readOwn(item tree.Value, r *Record) error {
	r.own.start()
	for key, v := range item.Members() {
		if m := r.own.member(key); v.Kind() != tree.Null && (m == nil || !m.read(r, v)) {
			r.Extra = append(r.Extra, attr(key, v))
		}
	}
	if r.own.flaw == nil && r.own.named && r.Kind == session.KindUnknown {
		return errNoKind
	}
	if r.Outcome == session.OutcomeUnknown && !r.own.said {
		r.Outcome = r.ImpliedOutcome()
	}
	return r.own.flaw
}

func readTraceparent(r *Record, v tree.Value) bool {
	t, ok := ParseTraceparent(v.Str())
	if ok {
		r.TraceID, r.SpanID, r.Correlation = t.TraceID, t.SpanID, Correlated
	}
	return ok
}

// readOutcome keeps a word that is none of ours where the record's own attribute does not hide it.
func readOutcome(r *Record, v tree.Value) bool {
	word := only(v).Peek()
	r.own.said = word == session.OutcomeUnknown.String()
	if r.Outcome = session.OutcomeOf(word); r.Outcome.String() != word {
		r.Extra = append(r.Extra, attr(session.SourceField+session.AttrOutcome, v))
	}
	return true
}

// readSeverity keeps only what differs from the usual, which the reader of the record finds out again.
func readSeverity(r *Record, v tree.Value) bool {
	n, ok := v.Int()
	if ok = ok && n >= 0 && n <= 24; ok {
		r.Severity = int32(n)
	}
	return ok
}
