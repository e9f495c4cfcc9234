package sqlite

import (
	"github.com/otel-sessionlog/sessionlog/exporter/backend/jsontext"
	"github.com/otel-sessionlog/sessionlog/session"
)

// The JSON of the columns roles, profiles, settings and attributes, written and read without allocation but for the
// texts. Bytes that are not UTF-8 pass through as they are, so that nothing is lost; the column is then a BLOB.

// appendList is ["a","b"], nothing when empty.
func appendList(b []byte, list []string) []byte {
	for i, s := range list {
		b = append(b, jsontext.Opening('[', i))
		b = jsontext.AppendString(b, s)
	}
	if len(list) > 0 {
		b = append(b, ']')
	}
	return b
}

// appendSettings is [["name","value"],…], nothing when empty: what ClickHouse makes of its Array(Tuple(String, String)).
func appendSettings(b []byte, settings []session.Setting) []byte {
	for i, s := range settings {
		b = append(b, jsontext.Opening('[', i), '[')
		b = jsontext.AppendString(b, s.Name)
		b = append(b, ',')
		b = jsontext.AppendString(b, s.Value)
		b = append(b, ']')
	}
	if len(settings) > 0 {
		b = append(b, ']')
	}
	return b
}

func parseList(s string, to []string) ([]string, bool) {
	if s == "" {
		return to, true
	}
	p := jsontext.NewParser(s)
	ok := p.Take('[') && p.Each(']', func() bool {
		v, ok := p.Text()
		to = append(to, v)
		return ok
	})
	return to, ok && p.End()
}

func parseSettings(s string, to []session.Setting) ([]session.Setting, bool) {
	if s == "" {
		return to, true
	}
	p := jsontext.NewParser(s)
	ok := p.Take('[') && p.Each(']', func() bool {
		if !p.Take('[') {
			return false
		}
		name, ok := p.Text()
		if !ok || !p.Take(',') {
			return false
		}
		value, ok := p.Text()
		to = append(to, session.Setting{Name: name, Value: value})
		return ok && p.Take(']')
	})
	return to, ok && p.End()
}
