package jsoncolumn

import (
	"unsafe"

	"github.com/go-faster/jx"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Writer writes one column after the other in the same memory: what a method gives is good until the next call. Of nothing it makes
// nothing, which is NULL in a table.
type Writer struct {
	// AppendText appends a text in the form in which the store takes it; nil for as it is.
	AppendText func([]byte, string) []byte

	json jx.Encoder
	text []byte
}

// maxIdleBuffer is what a writer keeps for the next column: one record of many megabytes must not hold memory for ever.
const maxIdleBuffer = 1 << 20

func (w *Writer) beginColumn() {
	column := w.json.Bytes()
	if cap(column) > maxIdleBuffer {
		column = nil
	}
	if cap(w.text) > maxIdleBuffer {
		w.text = nil
	}
	w.json.SetBytes(column[:0])
}

// Strings is ["a","b"].
func (w *Writer) Strings(list []string) []byte {
	w.beginColumn()
	if len(list) > 0 {
		w.writeTexts(list...)
	}
	return w.json.Bytes()
}

// Settings is [["name","value"],…]: what ClickHouse makes of its Array(Tuple(String, String)).
func (w *Writer) Settings(settings []session.Setting) []byte {
	w.beginColumn()
	if len(settings) > 0 {
		w.json.ArrStart()
		for i := range settings {
			w.writeTexts(settings[i].Name, settings[i].Value)
		}
		w.json.ArrEnd()
	}
	return w.json.Bytes()
}

// Attributes is {"key":value,…}, each value in JSON's own type where isNative says so, and else its text.
func (w *Writer) Attributes(attrs []session.Attr, isNative func(*session.Attr) bool) []byte {
	w.beginColumn()
	if len(attrs) == 0 {
		return nil
	}
	w.json.ObjStart()
	for i := range attrs {
		a := &attrs[i]
		w.json.FieldStart(w.storedText(a.Key))
		switch {
		case a.Type == session.AttrString || !isNative(a):
			w.json.Str(w.storedText(a.Value))
		case a.Type == session.AttrEmpty:
			w.json.Null()
		default:
			w.json.RawStr(a.Value)
		}
	}
	w.json.ObjEnd()
	return w.json.Bytes()
}

// TypedAttributes is [["key","type letter","text"],…].
func (w *Writer) TypedAttributes(attrs []session.Attr) []byte {
	w.beginColumn()
	if len(attrs) == 0 {
		return nil
	}
	w.json.ArrStart()
	for i := range attrs {
		letter := min(int(attrs[i].Type), len(typeLetters)-1)
		w.writeTexts(attrs[i].Key, typeLetters[letter:letter+1], attrs[i].Value)
	}
	w.json.ArrEnd()
	return w.json.Bytes()
}

func (w *Writer) writeTexts(texts ...string) {
	w.json.ArrStart()
	for _, s := range texts {
		w.json.Str(w.storedText(s))
	}
	w.json.ArrEnd()
}

// storedText shares memory with the next call.
func (w *Writer) storedText(s string) string {
	if w.AppendText == nil {
		return s
	}
	w.text = w.AppendText(w.text[:0], s)
	return unsafe.String(unsafe.SliceData(w.text), len(w.text))
}
