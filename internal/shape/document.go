package shape

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/otel-sessionlog/sessionlog/session"
)

// shapedDocument is one event on its way into a sink. It knows which fields have a place already; the rest is written last.
type shapedDocument struct {
	documentWriter

	event   session.Event // a copy, so that its fields are looked up once for all events
	fields  []any         // by fieldIndex: pointers into event
	texts   []textField   // those that are texts, which most are
	others  []fieldIndex  // all but texts
	options *Options
	present []bool   // by fieldIndex: the source says it
	left    []bool   // by fieldIndex: and it has no place yet
	names   []string // of the attributes without a field, as they are written
	seconds secondTexts
}

type textField struct {
	text  *string
	field fieldIndex
}

func newDocument(options *Options) *shapedDocument {
	d := &shapedDocument{options: options, left: make([]bool, len(session.Fields)), present: make([]bool, len(session.Fields))}
	for i := range session.Fields {
		field := session.Fields[i].In(&d.event)
		d.fields = append(d.fields, field)
		if text, isText := field.(*string); isText {
			d.texts = append(d.texts, textField{text, fieldIndex(i)})
		} else {
			d.others = append(d.others, fieldIndex(i))
		}
	}
	return d
}

func (d *shapedDocument) begin(e *session.Event) {
	d.event = *e
	d.findPresent()
	copy(d.left, d.present)
	d.markPlaced(fieldKind, fieldOutcome, fieldTime) // all shapes have these, each in a form of its own
	d.markPlaced(fieldExtra)                         // attributes have names of their own
}

// markPlaced says that the document has these values, in whatever form.
func (d *shapedDocument) markPlaced(fields ...fieldIndex) {
	for _, f := range fields {
		d.left[f] = false
	}
}

// object writes an object, unless write writes nothing.
func (d *shapedDocument) object(name string, write func()) {
	start := len(d.buf)
	d.openObject(name)
	open := len(d.buf)
	write()
	d.closeObject()
	if len(d.buf) == open+1 {
		d.buf = d.buf[:start]
	}
}

// placeWithin writes an object of one field, unless that is absent.
func (d *shapedDocument) placeWithin(object, name string, f fieldIndex) {
	if d.isPresent(f) {
		d.openObject(object)
		d.place(name, f)
		d.closeObject()
	}
}

// time has nanoseconds where there are any.
func (d *shapedDocument) time(name string, unixNano int64) {
	d.startPlain(name)
	d.buf = d.seconds.appendTime(d.buf, unixNano)
	d.endPlain()
}

// textIfAny leaves an empty text out.
func (d *shapedDocument) textIfAny(name, value string) {
	if value != "" {
		d.text(name, value)
	}
}

// textList leaves empty texts out, and an empty list.
func (d *shapedDocument) textList(name string, texts ...string) {
	isOpen := false
	for _, s := range texts {
		if s == "" {
			continue
		}
		if !isOpen {
			d.openList(name)
			isOpen = true
		}
		d.text("", s)
	}
	if isOpen {
		d.closeList()
	}
}

// place writes a field that is not absent. A text that is no UTF-8 does not count as placed: what is left over has its bytes.
func (d *shapedDocument) place(name string, f fieldIndex) {
	if d.isPresent(f) {
		d.left[f] = !d.writeField(name, f)
	}
}

// placeInteger writes a field in another unit; ok says that nothing was lost by that.
func (d *shapedDocument) placeInteger(name string, f fieldIndex, n int64, ok bool) {
	d.integer(name, n)
	d.left[f] = !ok
}

// placePort writes 1 to 65535 only.
func (d *shapedDocument) placePort(name string, f fieldIndex) {
	if port := *d.fields[f].(*int32); port > 0 && port <= 65535 {
		d.place(name, f)
	}
}

// isPresent: the source says it.
func (d *shapedDocument) isPresent(f fieldIndex) bool { return d.present[f] }

func (d *shapedDocument) findPresent() {
	for _, t := range d.texts {
		d.present[t.field] = *t.text != ""
	}
	for _, f := range d.others {
		d.present[f] = isNotZero(d.fields[f])
	}
	d.present[fieldUser] = d.event.User != "" || d.event.UserEmpty
}

func isNotZero(field any) bool {
	switch v := field.(type) {
	case *[]string:
		return len(*v) > 0
	case *int64:
		return *v != 0
	case *int32:
		return *v != 0
	case *uint32:
		return *v != 0
	case *session.ID:
		return !v.IsZero()
	case *[16]byte:
		return *v != [16]byte{}
	case *[8]byte:
		return *v != [8]byte{}
	case *[]session.Setting:
		return len(*v) > 0
	case *[]session.Attr:
		return len(*v) > 0
	}
	return true
}

// writeField writes a value as it is; false for one whose bytes had to be replaced.
func (d *shapedDocument) writeField(name string, f fieldIndex) (allValid bool) {
	switch v := d.fields[f].(type) {
	case *string:
		return d.text(name, *v)
	case *[]string:
		return d.writeTexts(name, *v)
	case *int64:
		d.integer(name, *v)
	case *int32:
		d.integer(name, int64(*v))
	case *uint32:
		d.integer(name, int64(*v))
	case *session.Kind:
		d.text(name, v.EventName())
	case *session.Outcome:
		d.text(name, v.String())
	case *session.ID:
		d.startPlain(name)
		d.buf = v.AppendText(d.buf)
		d.endPlain()
	case *[16]byte:
		d.writeHex(name, v[:])
	case *[8]byte:
		d.writeHex(name, v[:])
	case *[]session.Setting:
		return d.writeSettings(name, *v)
	default:
		panic(fmt.Sprintf("shape: field %s has a type without a form", session.Fields[f].Name))
	}
	return true
}

func (d *shapedDocument) writeHex(name string, bytes []byte) {
	d.startPlain(name)
	d.buf = hex.AppendEncode(d.buf, bytes)
	d.endPlain()
}

func (d *shapedDocument) writeTexts(name string, texts []string) (allValid bool) {
	allValid = true
	d.openList(name)
	for _, s := range texts {
		allValid = d.text("", s) && allValid
	}
	d.closeList()
	return allValid
}

func (d *shapedDocument) writeSettings(name string, settings []session.Setting) (allValid bool) {
	allValid = true
	d.openList(name)
	for _, s := range settings {
		d.openObject("")
		allValid = d.text("name", s.Name) && allValid
		allValid = d.text("value", s.Value) && allValid
		d.closeObject()
	}
	d.closeList()
	return allValid
}

func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// suffixBase64 marks a text that is no UTF-8, or that the shape cannot take as it is.
const suffixBase64 = "_base64"

// exactName is a name, and that for base64.
type exactName struct{ plain, base64 string }

func nameExactly(name string) exactName { return exactName{name, name + suffixBase64} }

// writeExact writes a field so that nothing of it is lost.
func (d *shapedDocument) writeExact(name *exactName, f fieldIndex) {
	switch v := d.fields[f].(type) {
	case *string:
		d.writeExactText(name, *v)
	case *[]string:
		if allValid(*v) {
			d.writeTexts(name.plain, *v)
			return
		}
		d.openList(name.base64)
		for _, s := range *v {
			d.text("", encodeBase64(s))
		}
		d.closeList()
	case *[]session.Setting:
		d.openList(name.plain)
		for i := range *v {
			d.writeExactPair((*v)[i].Name, (*v)[i].Value)
		}
		d.closeList()
	default:
		d.writeField(name.plain, f)
	}
}

var pairName, pairValue = nameExactly("name"), nameExactly("value")

func (d *shapedDocument) writeExactPair(name, value string) {
	d.openObject("")
	d.writeExactText(&pairName, name)
	d.writeExactText(&pairValue, value)
	d.closeObject()
}

func (d *shapedDocument) writeExactText(name *exactName, s string) {
	start := len(d.buf)
	if d.text(name.plain, s) {
		return
	}
	d.buf = d.buf[:start]
	d.text(name.base64, encodeBase64(s))
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
