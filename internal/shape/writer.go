package shape

import (
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/otel-sessionlog/sessionlog/internal/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

// documentWriter appends one document, member by member: JSON, or a line of CEF whose objects and lists are JSON. Elements of lists have no
// name. Names need no escapes, but those of attributes. It is no interface: that would cost an allocation for each text that is made.
type documentWriter struct {
	buf       []byte
	depth     int // of objects and lists that are open; 0 is the line of CEF
	headerEnd int // of CEF
	jsonStart int // of the extension of CEF that is being written
}

func (w *documentWriter) startMember(name string) {
	if w.depth == 0 {
		w.startExtension(name)
		return
	}
	b := w.separated()
	if name != "" {
		b = append(append(append(b, '"'), name...), `":`...)
	}
	w.buf = b
}

// separated is buf, ready for another member or element of JSON.
func (w *documentWriter) separated() []byte {
	if last := w.buf[len(w.buf)-1]; last != '{' && last != '[' {
		return append(w.buf, ',')
	}
	return w.buf
}

func (w *documentWriter) members(json string) {
	w.buf = append(w.separated(), json...)
}

func (w *documentWriter) openObject(name string) { w.open(name, '{') }
func (w *documentWriter) openList(name string)   { w.open(name, '[') }
func (w *documentWriter) closeObject()           { w.close('}') }
func (w *documentWriter) closeList()             { w.close(']') }

func (w *documentWriter) open(name string, bracket byte) {
	w.startMember(name)
	if w.depth == 0 {
		w.jsonStart = len(w.buf)
	}
	w.buf = append(w.buf, bracket)
	w.depth++
}

func (w *documentWriter) close(bracket byte) {
	w.buf = append(w.buf, bracket)
	if w.depth--; w.depth == 0 {
		w.escapeExtension(w.jsonStart)
	}
}

// text reports whether a reader gets the value back: bytes that are no UTF-8 are replaced, and CEF has no NUL and no space at the ends.
func (w *documentWriter) text(name, value string) (isExact bool) {
	w.startMember(name)
	if w.depth == 0 {
		return w.extensionValue(value)
	}
	return w.quoted(value)
}

// startPlain begins a text that is appended to buf, of characters that need no escape: those of times, numbers and ids.
func (w *documentWriter) startPlain(name string) {
	w.startMember(name)
	if w.depth > 0 {
		w.buf = append(w.buf, '"')
	}
}

func (w *documentWriter) endQuoted(start int) {
	if isPlain(w.buf[start:], '"') {
		w.endPlain()
		return
	}
	text := string(w.buf[start:])
	w.buf = w.buf[:start-1]
	w.quoted(text)
}

func (w *documentWriter) endPlain() {
	if w.depth > 0 {
		w.buf = append(w.buf, '"')
	}
}

// quoted copies first and looks afterwards, eight bytes at a time: nearly every text is plain.
func (w *documentWriter) quoted(value string) (isExact bool) {
	start := len(w.buf)
	b := append(append(w.buf, '"'), value...)
	if isPlain(b[start+1:], '"') {
		w.buf = append(b, '"')
		return true
	}
	json := jx.Writer{Buf: b[:start]}
	valid := validText(value)
	json.Str(valid)
	w.buf = json.Buf
	return valid == value
}

func (w *documentWriter) integer(name string, n int64) {
	w.startMember(name)
	w.buf = strconv.AppendInt(w.buf, n, 10)
}

func (w *documentWriter) boolean(name string, is bool) {
	w.startMember(name)
	w.buf = strconv.AppendBool(w.buf, is)
}

// attribute writes a value in its own type, never outside an object. Name and value are UTF-8.
func (w *documentWriter) attribute(name string, a *session.Attr) {
	w.startMember("")
	w.quoted(name)
	w.buf = append(w.buf, ':')
	switch {
	case a.Type == session.AttrString || !jsoncolumn.IsNative(a) || strings.ContainsAny(a.Value, "\n\r"): // a document is one line
		w.quoted(a.Value)
	case a.Type == session.AttrEmpty:
		w.buf = append(w.buf, "null"...)
	default:
		w.buf = append(w.buf, a.Value...)
	}
}

// isPlain reports whether the text is ASCII without control characters, backslashes and the special character: nothing needs an escape. Source of
// the arithmetic on eight bytes at once: Bit Twiddling Hacks, "Determine if a word has a byte less than n".
func isPlain(text []byte, special byte) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	hasZero := func(x uint64) uint64 { return (x - ones) &^ x }
	isSpecial := func(x uint64) bool {
		return (x|(x-ones*' ')|hasZero(x^ones*'\\')|hasZero(x^ones*uint64(special)))&tops != 0
	}
	if len(text) < 8 {
		if len(text) >= 4 {
			first, last := binary.LittleEndian.Uint32(text), binary.LittleEndian.Uint32(text[len(text)-4:])
			return !isSpecial(uint64(first) | uint64(last)<<32)
		}
		for _, c := range text {
			if c < ' ' || c >= utf8.RuneSelf || c == '\\' || c == special {
				return false
			}
		}
		return true
	}
	last := text[len(text)-8:]
	for ; len(text) > 8; text = text[8:] {
		if isSpecial(binary.LittleEndian.Uint64(text)) {
			return false
		}
	}
	return !isSpecial(binary.LittleEndian.Uint64(last)) // some of these for the second time
}
