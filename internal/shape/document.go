package shape

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/otel-sessionlog/sessionlog/session"
)

// document is one event on its way into a sink. It knows which fields have a place already; the rest is written last.
type document struct {
	sink    sink
	event   *session.Event
	options *Options
	placed  []bool   // by fieldIndex
	pending []string // objects that are opened with their first member, so that none is empty
	names   []string // of the attributes without a field, as they are written
}

func (d *document) begin(to sink, e *session.Event, options *Options) {
	d.sink, d.event, d.options = to, e, options
	if d.placed == nil {
		d.placed = make([]bool, len(session.Fields))
	}
	clear(d.placed)
	d.pending = d.pending[:0]
	d.markPlaced(fieldKind, fieldOutcome, fieldTime) // all shapes have these, each in a form of its own
}

// markPlaced says that the document has these values, in whatever form.
func (d *document) markPlaced(fields ...fieldIndex) {
	for _, f := range fields {
		d.placed[f] = true
	}
}

// object opens an object for write, unless write writes nothing.
func (d *document) object(name string, write func()) {
	d.pending = append(d.pending, name)
	write()
	if n := len(d.pending); n > 0 {
		d.pending = d.pending[:n-1]
		return
	}
	d.sink.closeObject()
}

func (d *document) openPending() {
	for _, name := range d.pending {
		d.sink.openObject(name)
	}
	d.pending = d.pending[:0]
}

func (d *document) text(name, value string) {
	d.openPending()
	d.sink.text(name, validText(value))
}

// textIfAny leaves an empty text out.
func (d *document) textIfAny(name, value string) {
	if value != "" {
		d.text(name, value)
	}
}

func (d *document) integer(name string, n int64) {
	d.openPending()
	d.sink.integer(name, n)
}

func (d *document) boolean(name string, is bool) {
	d.openPending()
	d.sink.boolean(name, is)
}

// textList leaves empty texts out, and an empty list.
func (d *document) textList(name string, texts ...string) {
	isOpen := false
	for _, s := range texts {
		if s == "" {
			continue
		}
		if !isOpen {
			d.openPending()
			d.sink.openList(name)
			isOpen = true
		}
		d.sink.text("", validText(s))
	}
	if isOpen {
		d.sink.closeList()
	}
}

// place writes a field that is not absent. A text that is no UTF-8 does not count as placed: what is left over has its bytes.
func (d *document) place(name string, f fieldIndex) {
	if !d.isAbsent(f) {
		d.openPending()
		d.placed[f] = d.writeField(name, f)
	}
}

// placeInteger writes a field in another unit; ok says that nothing was lost by that.
func (d *document) placeInteger(name string, f fieldIndex, n int64, ok bool) {
	d.integer(name, n)
	d.placed[f] = ok
}

// placePort writes 1 to 65535 only.
func (d *document) placePort(name string, f fieldIndex) {
	if port := *session.Fields[f].In(d.event).(*int32); port > 0 && port <= 65535 {
		d.place(name, f)
	}
}

// isAbsent: the source does not say.
func (d *document) isAbsent(f fieldIndex) bool {
	switch v := session.Fields[f].In(d.event).(type) {
	case *string:
		return *v == "" && (f != fieldUser || !d.event.UserEmpty)
	case *[]string:
		return len(*v) == 0
	case *int64:
		return *v == 0
	case *int32:
		return *v == 0
	case *uint32:
		return *v == 0
	case *session.ID:
		return v.IsZero()
	case *[16]byte:
		return *v == [16]byte{}
	case *[8]byte:
		return *v == [8]byte{}
	case *[]session.Setting:
		return len(*v) == 0
	case *[]session.Attr:
		return len(*v) == 0
	}
	return false
}

// writeField writes a value as it is; false for one whose bytes had to be replaced.
func (d *document) writeField(name string, f fieldIndex) bool {
	switch v := session.Fields[f].In(d.event).(type) {
	case *string:
		text := validText(*v)
		d.sink.text(name, text)
		return text == *v
	case *[]string:
		return d.writeTexts(name, *v)
	case *int64:
		d.sink.integer(name, *v)
	case *int32:
		d.sink.integer(name, int64(*v))
	case *uint32:
		d.sink.integer(name, int64(*v))
	case *session.Kind:
		d.sink.text(name, v.EventName())
	case *session.Outcome:
		d.sink.text(name, v.String())
	case *session.ID:
		d.sink.text(name, v.String())
	case *[16]byte:
		d.sink.text(name, hex.EncodeToString(v[:]))
	case *[8]byte:
		d.sink.text(name, hex.EncodeToString(v[:]))
	case *[]session.Setting:
		return d.writeSettings(name, *v)
	default:
		panic(fmt.Sprintf("shape: field %s has a type without a form", session.Fields[f].Name))
	}
	return true
}

func (d *document) writeTexts(name string, texts []string) (allValid bool) {
	allValid = true
	d.sink.openList(name)
	for _, s := range texts {
		allValid = allValid && utf8.ValidString(s)
		d.sink.text("", validText(s))
	}
	d.sink.closeList()
	return allValid
}

// writeSettings keeps order and doubles.
func (d *document) writeSettings(name string, settings []session.Setting) (allValid bool) {
	allValid = true
	d.sink.openList(name)
	for _, s := range settings {
		allValid = allValid && utf8.ValidString(s.Name) && utf8.ValidString(s.Value)
		d.sink.openObject("")
		d.sink.text("name", validText(s.Name))
		d.sink.text("value", validText(s.Value))
		d.sink.closeObject()
	}
	d.sink.closeList()
	return allValid
}

// validText replaces bytes that are no UTF-8.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// suffixBase64 marks a text that is no UTF-8, or that the shape cannot take as it is.
const suffixBase64 = "_base64"

// writeExact writes a field so that nothing of it is lost.
func (d *document) writeExact(name string, f fieldIndex) {
	switch v := session.Fields[f].In(d.event).(type) {
	case *string:
		d.writeExactText(name, *v)
	case *[]string:
		if allValid(*v) {
			d.writeTexts(name, *v)
			return
		}
		d.sink.openList(name + suffixBase64)
		for _, s := range *v {
			d.sink.text("", encodeBase64(s))
		}
		d.sink.closeList()
	case *[]session.Setting:
		d.writeExactSettings(name, *v)
	default:
		d.writeField(name, f)
	}
}

func (d *document) writeExactSettings(name string, settings []session.Setting) {
	d.sink.openList(name)
	for _, s := range settings {
		d.sink.openObject("")
		d.writeExactText("name", s.Name)
		d.writeExactText("value", s.Value)
		d.sink.closeObject()
	}
	d.sink.closeList()
}

func (d *document) writeExactText(name, s string) {
	if utf8.ValidString(s) {
		d.sink.text(name, s)
		return
	}
	d.sink.text(name+suffixBase64, encodeBase64(s))
}

func encodeBase64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func allValid(texts []string) bool {
	for _, s := range texts {
		if !utf8.ValidString(s) {
			return false
		}
	}
	return true
}
