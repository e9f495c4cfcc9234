package plogs

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otel-sessionlog/sessionlog/session"
)

func putNonEmptyText(m pcommon.Map, key, s string) {
	if s != "" {
		putText(m, key, s)
	}
}

func putText(m pcommon.Map, key, s string) {
	if utf8.ValidString(s) {
		m.PutStr(key, s)
		return
	}
	m.PutEmptyBytes(key).FromRaw([]byte(s))
}

// SetText sets a string, or bytes where the text is not UTF-8: OTLP strings must be, and nothing of a hostile name may
// be lost or stop its neighbours.
func SetText(v pcommon.Value, s string) {
	if utf8.ValidString(s) {
		v.SetStr(s)
		return
	}
	v.SetEmptyBytes().FromRaw([]byte(s))
}

func putTextList(m pcommon.Map, key string, list []string) {
	s := m.PutEmptySlice(key)
	s.EnsureCapacity(len(list))
	for _, x := range list {
		SetText(s.AppendEmpty(), x)
	}
}

// maxMapInserts: an insert into a pdata map is linear in its size, and a hundred thousand attributes would take minutes.
const maxMapInserts = 128

func putSettings(m pcommon.Map, key string, settings []session.Setting) {
	if len(settings) <= maxMapInserts && uniqueNames(settings) { // as in every session_log seen
		kv := m.PutEmptyMap(key)
		kv.EnsureCapacity(len(settings))
		for _, s := range settings {
			SetText(kv.PutEmpty(s.Name), s.Value)
		}
		return
	}
	// A list of pairs loses nothing.
	list := m.PutEmptySlice(key)
	list.EnsureCapacity(len(settings))
	for _, s := range settings {
		pair := list.AppendEmpty().SetEmptySlice()
		SetText(pair.AppendEmpty(), s.Name)
		SetText(pair.AppendEmpty(), s.Value)
	}
}

func uniqueNames(settings []session.Setting) bool {
	for i, s := range settings {
		if !utf8.ValidString(s.Name) {
			return false
		}
		for _, before := range settings[:i] {
			if before.Name == s.Name {
				return false
			}
		}
	}
	return true
}

func putManyAttributes(m pcommon.Map, attrs []session.Attr) error {
	raw := make(map[string]any, len(attrs)) // in linear time, unlike putting one by one
	for i := range attrs {
		v := pcommon.NewValueEmpty()
		SetAttribute(&attrs[i], v)
		raw[attrs[i].Key] = v.AsRaw()
	}
	return m.FromRaw(raw)
}

// SetAttribute restores the attribute's type. A value that is not of its type after all stays text.
func SetAttribute(a *session.Attr, v pcommon.Value) {
	switch a.Type {
	case session.AttrInt:
		if n, err := strconv.ParseInt(a.Value, 10, 64); err == nil {
			v.SetInt(n)
			return
		}
	case session.AttrDouble:
		if f, err := strconv.ParseFloat(a.Value, 64); err == nil {
			v.SetDouble(f)
			return
		}
	case session.AttrBool:
		if a.Value == "true" || a.Value == "false" {
			v.SetBool(a.Value == "true")
			return
		}
	case session.AttrBytes:
		if b, err := base64.StdEncoding.DecodeString(a.Value); err == nil {
			v.SetEmptyBytes().FromRaw(b)
			return
		}
	case session.AttrJSON:
		if setJSONValue(v, a.Value) {
			return
		}
	case session.AttrEmpty:
		return
	}
	SetText(v, a.Value)
}

func extraAttribute(key string, v pcommon.Value) session.Attr {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return session.Attr{Key: key, Value: v.Str()}
	case pcommon.ValueTypeInt:
		return session.Attr{Key: key, Value: strconv.FormatInt(v.Int(), 10), Type: session.AttrInt}
	case pcommon.ValueTypeDouble:
		return session.Attr{Key: key, Value: strconv.FormatFloat(v.Double(), 'g', -1, 64), Type: session.AttrDouble}
	case pcommon.ValueTypeBool:
		return session.Attr{Key: key, Value: strconv.FormatBool(v.Bool()), Type: session.AttrBool}
	case pcommon.ValueTypeBytes:
		if strings.HasPrefix(key, session.SourceField) { // our sources give texts only
			return session.Attr{Key: key, Value: string(v.Bytes().AsRaw())}
		}
		return session.Attr{Key: key, Value: base64.StdEncoding.EncodeToString(v.Bytes().AsRaw()), Type: session.AttrBytes}
	case pcommon.ValueTypeMap, pcommon.ValueTypeSlice:
		return session.Attr{Key: key, Value: nonStringText(v), Type: session.AttrJSON}
	}
	return session.Attr{Key: key, Type: session.AttrEmpty}
}

func textValue(v pcommon.Value) string {
	if s := v.Str(); s != "" { // empty for any other type; faster than Type
		return s
	}
	return nonStringText(v)
}

func nonStringText(v pcommon.Value) string {
	switch v.Type() {
	case pcommon.ValueTypeBytes:
		return string(v.Bytes().AsRaw())
	case pcommon.ValueTypeMap, pcommon.ValueTypeSlice:
		return textOfJSON(v)
	}
	return v.AsString()
}

// integerValue also reads a text of digits.
func integerValue(v pcommon.Value) (int64, bool) {
	switch v.Type() {
	case pcommon.ValueTypeInt:
		return v.Int(), true
	case pcommon.ValueTypeStr:
		n, err := strconv.ParseInt(v.Str(), 10, 64)
		return n, err == nil
	}
	return 0, false
}

// appendTexts reads a list, or a single value as a list of one.
func appendTexts(list []string, v pcommon.Value) []string {
	if v.Type() != pcommon.ValueTypeSlice {
		return append(list, textValue(v))
	}
	s := v.Slice()
	for i := range s.Len() {
		list = append(list, textValue(s.At(i)))
	}
	return list
}
