package sessionlog

import (
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"

	"github.com/otel-sessionlog/sessionlog/session"
)

// carrier ties a field of the event to the attribute that carries it.
type carrier struct {
	key   string
	field []int
}

// carriers are the rows of session.Fields that are attributes of a record, the record's id first: what limits the attributes
// of a record keeps the first ones.
var carriers = func() (list []carrier) {
	t := reflect.TypeFor[session.Event]()
	for _, f := range session.Fields {
		field, _ := t.FieldByName(f.Name)
		switch {
		case f.Level != session.LevelAttribute || f.Name == "Extra":
		case f.Name == "RecordID":
			list = append([]carrier{{f.Attr, field.Index}}, list...)
		default:
			list = append(list, carrier{f.Attr, field.Index})
		}
	}
	return list
}()

// userKey is the attribute whose presence tells an empty name from none.
var userKey = func() string {
	for _, f := range session.Fields {
		if f.Name == "User" {
			return f.Attr
		}
	}
	return ""
}()

// usualAttributes is how many attributes a login has, with room for a few more.
const usualAttributes = 20

func record(c *call) (r log.Record) {
	e := &c.event
	r.SetEventName(e.Kind.EventName())
	r.SetTimestamp(time.Unix(0, e.Time))
	r.SetObservedTimestamp(time.Unix(0, e.Observed))
	severity := e.Severity
	if severity == 0 {
		severity = e.DefaultSeverity()
	}
	r.SetSeverity(log.Severity(severity))
	body := e.Message
	if body == "" {
		body = string(e.AppendLine(nil))
	}
	r.SetBody(textValue(body))
	r.AddAttributes(attributes(c)...)
	return r
}

func attributes(c *call) []attribute.KeyValue {
	list := make([]attribute.KeyValue, 0, usualAttributes)
	v := reflect.ValueOf(&c.event).Elem()
	for _, carried := range carriers {
		field := v.FieldByIndex(carried.field)
		_, always := field.Interface().(session.Outcome)
		empty := carried.key == userKey && c.event.UserEmpty
		if field.IsZero() && !always && !empty {
			continue
		}
		list = append(list, attribute.KeyValue{Key: attribute.Key(carried.key), Value: value(field)})
	}
	for _, a := range c.extra {
		if !reserved(string(a.Key)) {
			list = append(list, sendableAttribute(a))
		}
	}
	return list
}

func reserved(key string) bool {
	for _, carried := range carriers {
		if carried.key == key {
			return true
		}
	}
	return false
}

func value(field reflect.Value) attribute.Value {
	switch x := field.Interface().(type) {
	case string:
		return textValue(x)
	case []string:
		return textsValue(x)
	case []session.Setting:
		return settingsValue(x)
	case session.ID:
		return attribute.StringValue(x.String())
	case session.Outcome:
		return attribute.StringValue(x.String())
	}
	if field.CanUint() {
		return attribute.Int64Value(int64(field.Uint()))
	}
	return attribute.Int64Value(field.Int())
}

func sendableAttribute(a attribute.KeyValue) attribute.KeyValue {
	return attribute.KeyValue{Key: attribute.Key(strings.ToValidUTF8(string(a.Key), "\uFFFD")), Value: sendable(a.Value)}
}

// sendable is a value whose texts are all as textValue has them.
func sendable(v attribute.Value) attribute.Value {
	switch v.Type() {
	case attribute.STRING:
		return textValue(v.AsString())
	case attribute.STRINGSLICE:
		if list := v.AsStringSlice(); !utf8.ValidString(strings.Join(list, "\n")) {
			return textsValue(list)
		}
	case attribute.SLICE:
		list := v.AsSlice()
		for i := range list {
			list[i] = sendable(list[i])
		}
		return attribute.SliceValue(list...)
	case attribute.MAP:
		list := v.AsMap()
		for i := range list {
			list[i] = sendableAttribute(list[i])
		}
		return attribute.MapValue(list...)
	}
	return v
}

// textValue sends a text that is not UTF-8 as bytes: OTLP strings must be UTF-8, and one hostile name would otherwise have the
// whole request refused.
func textValue(s string) attribute.Value {
	if utf8.ValidString(s) {
		return attribute.StringValue(s)
	}
	return attribute.ByteSliceValue([]byte(s))
}

func textsValue(list []string) attribute.Value {
	values := make([]attribute.Value, len(list))
	for i, s := range list {
		values[i] = textValue(s)
	}
	return attribute.SliceValue(values...)
}

// settingsValue sends pairs in a list: names may come twice, which a map would not survive.
func settingsValue(settings []session.Setting) attribute.Value {
	pairs := make([]attribute.Value, len(settings))
	for i, s := range settings {
		pairs[i] = attribute.SliceValue(textValue(s.Name), textValue(s.Value))
	}
	return attribute.SliceValue(pairs...)
}
