package shape

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/otel-sessionlog/sessionlog/session"
)

// writeCEF writes the extensions of a CEF:0 event: predefined ones where the value fits their type and length, and custom ones,
// OtelSessionlog<Name>, for all else. Source: ArcSight Common Event Format, Implementation Standard, extension dictionary.
func writeCEF(d *document) {
	e := d.event
	d.sink.(*cefSink).header(d)
	d.integer("rt", floorMillis(e.Time))
	d.placed[fieldTime] = e.Time%millisecond == 0
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
	for i, custom := range [...]struct {
		field fieldIndex
		label string
	}{
		{fieldAuthMethod, "authenticationMethod"},
		{fieldSessionKey, "sessionKey"},
		{fieldDatabase, "database"},
		{fieldErrorType, "errorType"},
		{fieldStatusCode, "statusCode"},
	} {
		name := "cs" + strconv.Itoa(i+1)
		if d.placeShort(name, custom.field, 4000) {
			d.text(name+"Label", custom.label)
		}
	}
	if e.Duration > 0 {
		d.place("cn1", fieldDuration)
		d.text("cn1Label", "sessionDurationNanoseconds")
	}
	d.sink.(*cefSink).isCustom = true
	d.writeLeftOver()
	d.object("attributes", func() { d.writeAttributes(memberName, d.sink.attribute) })
}

// placeShort places a text that fits a predefined extension: one that is longer would be cut, which makes another name of it.
func (d *document) placeShort(name string, f fieldIndex, maxLength int) bool {
	if s, isText := session.Fields[f].In(d.event).(*string); isText && (len(*s) > maxLength || !isPlainText(*s)) {
		return false
	}
	d.place(name, f)
	return d.placed[f]
}

// writeCEFAddress: src and dst of CEF:0 are IPv4 only.
func writeCEFAddress(d *document, f fieldIndex, ipv4, ipv6, label string) {
	address := *session.Fields[f].In(d.event).(*string)
	switch {
	case !isIP(address):
	case strings.Contains(address, ":"):
		d.place(ipv6, f)
		d.text(ipv6+"Label", label)
	default:
		d.place(ipv4, f)
	}
}

// isPlainText tells whether a reader of CEF gets the text back: NUL ends it for some, and spaces at its ends are cut off.
func isPlainText(s string) bool {
	return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 && strings.TrimSpace(s) == s
}

// cefSink writes one line. Lists and objects are JSON in one extension.
type cefSink struct {
	line      []byte
	headerEnd int
	isCustom  bool // what comes now has no predefined extension
	json      jsonSink
	depth     int // of the JSON that is open
}

func (s *cefSink) start(b []byte) { s.line, s.isCustom = b, false }

func (s *cefSink) finish() []byte {
	line := s.line
	s.line = nil
	return line
}

// header writes what stands before the extensions.
func (s *cefSink) header(d *document) {
	e := d.event
	product := d.options.Product
	if product == "" {
		if product = e.System; product == "" {
			product = "unknown"
		}
		if e.System == product {
			d.placed[fieldSystem] = isPlainText(product) && !strings.ContainsAny(product, "\r\n")
		}
	}
	s.line = append(s.line, "CEF:0"...)
	for _, part := range [...]string{d.options.Vendor, product, d.options.Version, e.Kind.EventName(), e.Kind.String() + " " + e.Outcome.String()} {
		s.line = appendCEFHeader(append(s.line, '|'), part)
	}
	s.line = append(strconv.AppendInt(append(s.line, '|'), cefSeverity(severityNumber(e)), 10), '|')
	s.headerEnd = len(s.line)
}

// cefSeverity is 0 to 10: low, medium, high, very high.
func cefSeverity(number int32) int64 {
	switch {
	case number < session.SeverityWarn:
		return 3
	case number < session.SeverityError:
		return 6
	case number < 21:
		return 8
	}
	return 10
}

func appendCEFHeader(b []byte, s string) []byte {
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

// customExtensions are those of the fields.
var customExtensions = func() map[string]string {
	names := map[string]string{}
	for _, key := range fieldKeys {
		names[key] = customExtension(key)
	}
	return names
}()

// customExtension is the name of an extension that is not predefined.
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

func (s *cefSink) startExtension(name string) {
	if len(s.line) > s.headerEnd {
		s.line = append(s.line, ' ')
	}
	if s.isCustom {
		if known := customExtensions[name]; known != "" {
			name = known
		} else {
			name = customExtension(name)
		}
	}
	s.line = append(append(s.line, name...), '=')
}

func (s *cefSink) openObject(name string) {
	if s.depth == 0 {
		s.startJSON(name)
		name = ""
	}
	s.depth++
	s.json.openObject(name)
}

func (s *cefSink) openList(name string) {
	if s.depth == 0 {
		s.startJSON(name)
		name = ""
	}
	s.depth++
	s.json.openList(name)
}

func (s *cefSink) startJSON(name string) {
	s.startExtension(name)
	s.json.out.Buf = s.json.out.Buf[:0]
}

func (s *cefSink) closeObject() {
	s.json.closeObject()
	s.endJSON()
}

func (s *cefSink) closeList() {
	s.json.closeList()
	s.endJSON()
}

func (s *cefSink) endJSON() {
	if s.depth--; s.depth == 0 {
		s.line = appendCEFValue(s.line, string(s.json.out.Buf))
	}
}

func (s *cefSink) text(name, value string) {
	switch {
	case s.depth > 0:
		s.json.text(name, value)
	case s.isCustom && !isPlainText(value):
		s.startExtension(name + suffixBase64)
		s.line = appendCEFValue(s.line, encodeBase64(value))
	default:
		s.startExtension(name)
		s.line = appendCEFValue(s.line, value)
	}
}

func (s *cefSink) integer(name string, n int64) {
	if s.depth > 0 {
		s.json.integer(name, n)
		return
	}
	s.startExtension(name)
	s.line = strconv.AppendInt(s.line, n, 10)
}

func (s *cefSink) boolean(name string, is bool) {
	if s.depth > 0 {
		s.json.boolean(name, is)
		return
	}
	s.startExtension(name)
	s.line = strconv.AppendBool(s.line, is)
}

// attribute is only ever within the object of attributes.
func (s *cefSink) attribute(name string, a *session.Attr) { s.json.attribute(name, a) }
