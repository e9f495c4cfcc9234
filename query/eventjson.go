package query

import (
	"encoding/hex"
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/otel-sessionlog/sessionlog/session"
)

// AppendEvent appends an event to b as a JSON object: its columns in the order of [session.Fields], without those that are absent. Times are
// RFC 3339 with nanoseconds in UTC, ids hexadecimal digits, lists arrays, settings and attributes objects; texts are those of
// [VisibleText].
func AppendEvent(b []byte, e *session.Event) []byte {
	var w jx.Encoder
	w.ObjStart()
	for i := range session.Fields {
		writeField(&w, &session.Fields[i], e)
	}
	w.ObjEnd()
	return append(b, w.Bytes()...)
}

// EventText is what a field of an event says as one text, as [AppendEvent] has it; "" and false where it is absent.
func EventText(f *session.Field, e *session.Event) (text string, present bool) {
	var w jx.Encoder
	w.ObjStart()
	writeField(&w, f, e)
	w.ObjEnd()
	err := jx.DecodeBytes(w.Bytes()).Obj(func(d *jx.Decoder, _ string) (err error) {
		present = true
		if d.Next() == jx.String {
			text, err = d.Str()
			return err
		}
		raw, err := d.Raw()
		text = raw.String()
		return err
	})
	return text, present && err == nil
}

func writeField(w *jx.Encoder, f *session.Field, e *session.Event) {
	switch v := f.In(e).(type) {
	case *string:
		writeText(w, f.Column, *v, *v != "" || f.Name == "User" && e.UserEmpty)
	case *session.Kind:
		writeText(w, f.Column, v.String(), v.String() != "")
	case *session.Outcome:
		writeText(w, f.Column, v.String(), v.String() != "")
	case *int64:
		if f.Name == "Time" || f.Name == "Observed" {
			writeText(w, f.Column, time.Unix(0, *v).UTC().Format(time.RFC3339Nano), *v != 0)
			return
		}
		writeNumber(w, f.Column, *v)
	case *int32:
		writeNumber(w, f.Column, int64(*v))
	case *uint32:
		writeNumber(w, f.Column, int64(*v))
	case *session.ID:
		writeIdentity(w, f.Column, v[:])
	case *[16]byte:
		writeIdentity(w, f.Column, v[:])
	case *[8]byte:
		writeIdentity(w, f.Column, v[:])
	default:
		writeSeveral(w, f.Column, v)
	}
}

func writeText(w *jx.Encoder, column, text string, present bool) {
	if present {
		w.FieldStart(VisibleText(column))
		w.Str(VisibleText(text))
	}
}

func writeNumber(w *jx.Encoder, column string, n int64) {
	if n != 0 {
		w.FieldStart(column)
		w.Int64(n)
	}
}

func writeIdentity(w *jx.Encoder, column string, id []byte) {
	for _, b := range id {
		if b != 0 {
			writeText(w, column, hex.EncodeToString(id), true)
			return
		}
	}
}

func writeSeveral(w *jx.Encoder, column string, values any) {
	switch v := values.(type) {
	case *[]string:
		if len(*v) > 0 {
			w.FieldStart(column)
			w.ArrStart()
			for _, text := range *v {
				w.Str(VisibleText(text))
			}
			w.ArrEnd()
		}
	case *[]session.Setting:
		if len(*v) > 0 {
			w.FieldStart(column)
			w.ObjStart()
			for _, s := range *v {
				writeText(w, s.Name, s.Value, true)
			}
			w.ObjEnd()
		}
	case *[]session.Attr:
		if len(*v) > 0 {
			w.FieldStart(column)
			w.ObjStart()
			for i := range *v {
				writeAttribute(w, &(*v)[i])
			}
			w.ObjEnd()
		}
	}
}

func writeAttribute(w *jx.Encoder, a *session.Attr) {
	w.FieldStart(VisibleText(a.Key))
	switch a.Type {
	case session.AttrInt, session.AttrDouble, session.AttrBool, session.AttrJSON:
		if utf8.ValidString(a.Value) && json.Valid([]byte(a.Value)) {
			w.Raw([]byte(a.Value))
			return
		}
	case session.AttrEmpty:
		w.Null()
		return
	case session.AttrString, session.AttrBytes:
	}
	w.Str(VisibleText(a.Value))
}
