package shape

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

func writeCEF(d *shapedDocument) {
	// Source: ArcSight Common Event Format, Implementation Standard, extension dictionary. What fits no predefined extension becomes a custom one,
	// OtelSessionlog<Name>.
	e := &d.event
	writeCEFHeader(d)
	d.integer("rt", floorMillis(e.Time))
	d.left[fieldTime] = e.Time%nanosPerMillisecond != 0
	d.text("cat", "authentication")
	d.placeShort("externalId", fieldRecordID, 40)
	d.placeShort("act", fieldSourceEvent, 63)
	d.text("outcome", e.Outcome.String())
	d.placeShort("duser", fieldUser, 1023)
	d.placeShort("duid", fieldUserID, 1023)
	d.placeShort("suser", fieldActorName, 1023)
	d.placeShort("suid", fieldActorID, 1023)
	writeCEFAddress(d, fieldClientAddress, "src", "c6a2", "Source IPv6 Address")
	d.placeShort("shost", fieldClientHostname, 1023)
	d.placePort("spt", fieldClientPort)
	writeCEFAddress(d, fieldServerAddress, "dst", "c6a3", "Destination IPv6 Address")
	d.placePort("dpt", fieldServerPort)
	d.placeShort("dvchost", fieldHost, 100)
	d.placeShort("deviceExternalId", fieldInstance, 255)
	d.placeShort("app", fieldInterface, 31)
	d.placeShort("requestClientApplication", fieldUserAgent, 1023)
	d.placeShort("reason", fieldFailureReason, 1023)
	d.placeShort("msg", fieldMessage, 1023)
	if e.PID > 0 && e.PID < 1<<31 {
		d.place("dpid", fieldPID)
	}
	for _, custom := range cefCustomTexts {
		if d.placeShort(custom.name, custom.field, 4000) {
			d.text(custom.labelName, custom.label)
		}
	}
	if e.Duration > 0 {
		d.place("cn1", fieldDuration)
		d.text("cn1Label", "sessionDurationNanoseconds")
	}
	d.writeLeftOver(customExtensions)
	d.object(attributesExtension, func() { d.writeAttributes(memberName, d.attribute) })
}

// cefCustomTexts are the extensions whose meaning is beside them.
var cefCustomTexts = [...]struct {
	name      string
	field     fieldIndex
	labelName string
	label     string
}{
	{"cs1", fieldAuthMethod, "cs1Label", "authenticationMethod"},
	{"cs2", fieldSessionKey, "cs2Label", "sessionKey"},
	{"cs3", fieldDatabase, "cs3Label", "database"},
	{"cs4", fieldErrorType, "cs4Label", "errorType"},
	{"cs5", fieldStatusCode, "cs5Label", "statusCode"},
}

// placeShort places a text that fits a predefined extension: one that is longer would be cut, which makes another name of it.
func (d *shapedDocument) placeShort(name string, f fieldIndex, maxLength int) bool {
	if s, isText := d.fields[f].(*string); isText && len(*s) > maxLength {
		return false
	}
	start := len(d.buf)
	if d.place(name, f); d.left[f] {
		d.buf = d.buf[:start]
	}
	return d.isPresent(f) && !d.left[f]
}

// writeCEFAddress: src and dst of CEF:0 are IPv4 only.
func writeCEFAddress(d *shapedDocument, f fieldIndex, ipv4, ipv6, label string) {
	address := *d.fields[f].(*string)
	switch {
	case !isIP(address):
	case strings.Contains(address, ":"):
		d.place(ipv6, f)
		d.text(ipv6+"Label", label)
	default:
		d.place(ipv4, f)
	}
}

// isPlainText reports whether a reader of CEF gets the text back: NUL ends it for some, and spaces at its ends are cut off.
func isPlainText(s string) bool {
	return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 && strings.TrimSpace(s) == s
}

func writeCEFHeader(d *shapedDocument) {
	e := &d.event
	product := d.options.Product
	if product == "" {
		if product = e.System; product == "" {
			product = "unknown"
		}
		if e.System == product {
			d.left[fieldSystem] = !isPlainText(product) || strings.ContainsAny(product, "\r\n")
		}
	}
	b := append(d.buf, "CEF:0"...)
	for _, part := range [...]string{d.options.Vendor, product, d.options.Version, e.Kind.EventName(), e.Kind.String()} {
		b = appendCEFHeader(append(b, '|'), part)
	}
	b = append(append(append(b, ' '), e.Outcome.String()...), '|')
	d.buf = append(strconv.AppendInt(b, severityOnScale[int64](e, 3, 6, 8, 10), 10), '|')
	d.headerEnd = len(d.buf)
}

func appendCEFHeader(b []byte, s string) []byte {
	start := len(b)
	if b = append(b, s...); isPlain(b[start:], '|') {
		return b
	}
	b = b[:start]
	for _, r := range validText(s) {
		switch r {
		case '\n', '\r', 0:
			b = append(b, ' ') // a header has no way to write them
		case '|', '\\':
			b = append(b, '\\', byte(r))
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

func appendCEFValue(b []byte, s string) []byte {
	for i := range len(s) {
		switch s[i] {
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '=', '\\':
			b = append(b, '\\', s[i])
		default:
			b = append(b, s[i])
		}
	}
	return b
}

// customExtensions are those of the fields, by place.
var customExtensions = func() (names []exactName) {
	for _, key := range fieldKeys {
		names = append(names, exactName{customExtension(key), customExtension(key + suffixBase64)})
	}
	return names
}()

var attributesExtension = customExtension("attributes")

func customExtension(name string) string {
	b := []byte("OtelSessionlog")
	upper := true
	for _, c := range []byte(trimOwnPrefix(name)) {
		switch {
		case c >= 'a' && c <= 'z' && upper:
			b, upper = append(b, c-'a'+'A'), false
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
			b, upper = append(b, c), false
		default:
			upper = true
		}
	}
	return string(b)
}

func (w *documentWriter) startExtension(name string) {
	if len(w.buf) > w.headerEnd {
		w.buf = append(w.buf, ' ')
	}
	w.buf = append(append(w.buf, name...), '=')
}

func (w *documentWriter) extensionValue(value string) (isExact bool) {
	start := len(w.buf)
	if w.buf = append(w.buf, value...); isPlain(w.buf[start:], '=') {
		return value == "" || value[0] != ' ' && value[len(value)-1] != ' '
	}
	w.buf = appendCEFValue(w.buf[:start], validText(value))
	return isPlainText(value)
}

func (w *documentWriter) escapeExtension(start int) {
	if !isPlain(w.buf[start:], '=') {
		w.buf = appendCEFValue(w.buf[:start], string(w.buf[start:]))
	}
}
