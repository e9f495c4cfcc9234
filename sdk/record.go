package sessionlog

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"

	"github.com/otel-sessionlog/sessionlog/session"
)

// attributeFields are the fields that are attributes of a record. The id is first: a limit on attributes keeps the first ones.
var attributeFields = func() (list []*session.Field) {
	for i := range session.Fields {
		switch f := &session.Fields[i]; {
		case f.Level != session.LevelAttribute || f.Name == "Extra":
		case f.Name == "RecordID":
			list = slices.Insert(list, 0, f)
		default:
			list = append(list, f)
		}
	}
	return list
}()

// attributeCapacity is a little more than the attributes of a login.
const attributeCapacity = 20

func newLogRecord(c *eventCall) (r log.Record) {
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
	r.AddAttributes(recordAttributes(c)...)
	return r
}

func recordAttributes(c *eventCall) []attribute.KeyValue {
	list := make([]attribute.KeyValue, 0, attributeCapacity)
	for _, f := range attributeFields {
		if v, there := fieldValue(f.In(&c.event)); there || f.Name == "User" && c.event.UserEmpty {
			list = append(list, attribute.KeyValue{Key: attribute.Key(f.Attr), Value: v})
		}
	}
	for _, a := range c.extra {
		if !isFieldKey(string(a.Key)) {
			list = append(list, sendableAttribute(a))
		}
	}
	return list
}

func isFieldKey(key string) bool {
	return slices.ContainsFunc(attributeFields, func(f *session.Field) bool { return f.Attr == key })
}

func fieldValue(field any) (v attribute.Value, there bool) {
	switch x := field.(type) {
	case *string:
		return textValue(*x), *x != ""
	case *[]string:
		return textsValue(*x), len(*x) > 0
	case *[]session.Setting:
		return settingsValue(*x), len(*x) > 0
	case *session.ID:
		return attribute.StringValue(x.String()), !x.IsZero()
	case *session.Outcome:
		return attribute.StringValue(x.String()), true
	case *int32:
		return attribute.Int64Value(int64(*x)), *x != 0
	case *uint32:
		return attribute.Int64Value(int64(*x)), *x != 0
	case *int64:
		return attribute.Int64Value(*x), *x != 0
	}
	panic(fmt.Sprintf("sdk: a field of type %T has no value", field))
}

func sendableAttribute(a attribute.KeyValue) attribute.KeyValue {
	return attribute.KeyValue{Key: attribute.Key(strings.ToValidUTF8(string(a.Key), "\uFFFD")), Value: sendableValue(a.Value)}
}

// sendableValue applies textValue to all texts within a value.
func sendableValue(v attribute.Value) attribute.Value {
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
			list[i] = sendableValue(list[i])
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

func settingsValue(settings []session.Setting) attribute.Value {
	pairs := make([]attribute.Value, len(settings))
	for i, s := range settings {
		pairs[i] = attribute.SliceValue(textValue(s.Name), textValue(s.Value))
	}
	// A list: names may come twice, which a map would not survive.
	return attribute.SliceValue(pairs...)
}
