package sessionlogexplorer

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// jsonNames are the members of an event that are not called as their columns: texts, where the columns are numbers.
var jsonNames = map[string]string{"time": "event_time", "observed": "observed_time"}

func jsonNameOf(f *session.Field) string {
	if name, other := jsonNames[f.Column]; other {
		return name
	}
	return f.Column
}

// appendEvent appends an event as a JSON object: what the source does not say is left out.
func appendEvent(text []byte, event *session.Event) []byte {
	var e jx.Encoder
	e.SetBytes(text)
	e.ObjStart()
	for i := range session.Fields {
		f := &session.Fields[i]
		appendMember(&e, jsonNameOf(f), f, event)
	}
	e.ObjEnd()
	return e.Bytes()
}

func appendMember(e *jx.Encoder, name string, f *session.Field, event *session.Event) {
	switch v := f.In(event).(type) {
	case *string:
		if *v != "" || v == &event.User && event.UserEmpty {
			e.FieldStart(name)
			e.Str(visibleText(*v))
		}
	case *session.Kind:
		e.FieldStart(name)
		e.Str(v.String())
	case *session.Outcome:
		e.FieldStart(name)
		e.Str(v.String())
	case *int64:
		switch {
		case *v == 0 && v != &event.Time:
		case v == &event.Time || v == &event.Observed:
			e.FieldStart(name)
			e.Str(time.Unix(0, *v).UTC().Format(time.RFC3339Nano))
		default:
			e.FieldStart(name)
			e.Int64(*v)
		}
	case *int32:
		appendNumber(e, name, int64(*v))
	case *uint32:
		appendNumber(e, name, int64(*v))
	case *session.ID:
		appendIdentity(e, name, v[:])
	case *[16]byte:
		appendIdentity(e, name, v[:])
	case *[8]byte:
		appendIdentity(e, name, v[:])
	case *[]string:
		appendList(e, name, *v)
	case *[]session.Setting:
		appendSettings(e, name, *v)
	case *[]session.Attr:
		appendAttributes(e, name, *v)
	default:
		panic(fmt.Sprintf("field %s has a type that no member is made of", f.Name))
	}
}

func appendNumber(e *jx.Encoder, name string, n int64) {
	if n != 0 {
		e.FieldStart(name)
		e.Int64(n)
	}
}

func appendIdentity(e *jx.Encoder, name string, id []byte) {
	if strings.Trim(string(id), "\x00") != "" {
		e.FieldStart(name)
		e.Str(hex.EncodeToString(id))
	}
}

func appendList(e *jx.Encoder, name string, list []string) {
	if len(list) == 0 {
		return
	}
	e.FieldStart(name)
	e.ArrStart()
	for _, s := range list {
		e.Str(visibleText(s))
	}
	e.ArrEnd()
}

func appendSettings(e *jx.Encoder, name string, settings []session.Setting) {
	if len(settings) == 0 {
		return
	}
	e.FieldStart(name)
	e.ObjStart()
	for _, s := range settings {
		e.FieldStart(visibleText(s.Name))
		e.Str(visibleText(s.Value))
	}
	e.ObjEnd()
}

func appendAttributes(e *jx.Encoder, name string, attributes []session.Attr) {
	if len(attributes) == 0 {
		return
	}
	e.FieldStart(name)
	e.ObjStart()
	for i := range attributes {
		a := &attributes[i]
		e.FieldStart(visibleText(a.Key))
		switch {
		case a.Type == session.AttrEmpty:
			e.Null()
		case a.Type != session.AttrString && a.Type != session.AttrBytes && utf8.ValidString(a.Value) && json.Valid([]byte(a.Value)):
			e.RawStr(a.Value)
		default:
			e.Str(visibleText(a.Value))
		}
	}
	e.ObjEnd()
}

// visibleText writes bytes that are no UTF-8 as \xff, since JSON has no place for them.
func visibleText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[0])
		} else {
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

// cellText is a value of a column, nil where it is absent.
func cellText(c query.Cell) *string {
	if c.Absent {
		return nil
	}
	text := visibleText(c.Text)
	return &text
}
