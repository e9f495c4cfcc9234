package export

import (
	"errors"
	"net/netip"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/session"
)

// column is what a column of session_log fills. Its bit is set in parser.seen when a row has it.
type column uint8

const (
	other column = iota // has no field
	hostname
	eventType
	authID
	sessionID
	eventDate
	eventTime
	eventMicros
	user
	authType
	profiles
	roles
	settings
	clientAddress
	clientPort
	iface
	clientHostname
	clientName
	clientRevision
	versionMajor
	versionMinor
	versionPatch
	failureReason
	certSubjects
	certSerial
	certIssuer
	certNotBefore
	certNotAfter
	userAgent
	quotas
)

// columns are those of ClickHouse 26.7, and http_user_agent and quotas, which later servers have.
var columns = map[string]column{
	"hostname": hostname, "type": eventType, "auth_id": authID, "session_id": sessionID, "event_date": eventDate,
	"event_time": eventTime, "event_time_microseconds": eventMicros, "user": user, "auth_type": authType, "profiles": profiles,
	"roles": roles, "settings": settings, "client_address": clientAddress, "client_port": clientPort, "interface": iface,
	"client_hostname": clientHostname, "client_name": clientName, "client_revision": clientRevision,
	"client_version_major": versionMajor, "client_version_minor": versionMinor, "client_version_patch": versionPatch,
	"failure_reason": failureReason, "certificate_subjects": certSubjects, "certificate_serial": certSerial,
	"certificate_issuer": certIssuer, "certificate_not_before": certNotBefore, "certificate_not_after": certNotAfter,
	"http_user_agent": userAgent, "quotas": quotas,
}

// field is a column as an export names it.
type field struct {
	column column
	name   string
	key    string // of the attribute, for columns that have no field
}

func newField(name string) *field {
	return &field{column: columns[name], name: name, key: session.SourceField + name}
}

var (
	errType    = errors.New("neither LoginFailure, LoginSuccess nor Logout")
	errUUID    = errors.New("not a UUID")
	errAddress = errors.New("not an IP address")
	errNumber  = errors.New("not a number of this column's size")
)

// set puts a cell into the row.
func (p *parser) set(f *field, c cell) error {
	r := &p.row
	var err error
	switch f.column {
	case hostname:
		r.Hostname, err = p.str(c)
	case eventType:
		r.Type, err = parseType(c)
	case authID:
		r.AuthID, r.AuthIDText, err = parseUUID(c.text)
	case sessionID:
		r.SessionID, err = p.str(c)
	case eventDate: // a part of the time
	case eventTime:
		p.second = c.text
	case eventMicros:
		p.micros = c.text
	case user:
		r.User, err = p.str(c)
		r.UserNull = c.kind == kindNull
	case authType:
		r.AuthType = enumName(c, clickhouselog.AuthTypes)
	case profiles:
		r.Profiles, err = p.list(c, r.Profiles)
	case roles:
		r.Roles, err = p.list(c, r.Roles)
	case settings:
		r.Settings, err = p.pairs(c, r.Settings)
	case clientAddress:
		r.ClientAddress, err = parseAddress(c)
	case clientPort:
		var n uint64
		n, err = parseUint(c, 16)
		r.ClientPort = uint16(n)
	case iface:
		r.Interface = enumName(c, clickhouselog.Interfaces)
	default:
		err = p.setMore(f, c)
	}
	p.seen |= 1 << f.column
	return err
}

func (p *parser) setMore(f *field, c cell) error {
	r := &p.row
	var n uint64
	var err error
	switch f.column {
	case clientHostname:
		r.Hostnames.Hostname, err = p.str(c)
	case clientName:
		r.Hostnames.Name, err = p.str(c)
	case clientRevision:
		n, err = parseUint(c, 32)
		r.Revision = uint32(n)
	case versionMajor, versionMinor, versionPatch:
		n, err = parseUint(c, 32)
		r.Version[f.column-versionMajor] = uint32(n)
	case failureReason:
		r.FailureReason, err = p.str(c)
	case certSubjects:
		r.Certificate.Subjects, err = p.list(c, r.Certificate.Subjects)
	case certSerial:
		r.Certificate.Serial, err = p.str(c)
	case certIssuer:
		r.Certificate.Issuer, err = p.str(c)
	case certNotBefore:
		r.Certificate.NotBefore, err = p.certTime(c)
	case certNotAfter:
		r.Certificate.NotAfter, err = p.certTime(c)
	case userAgent:
		r.UserAgent, err = p.str(c)
	default:
		err = p.setOther(f, c)
	}
	return err
}

func (p *parser) setOther(f *field, c cell) error {
	if c.kind == kindNull {
		return nil
	}
	var s string
	var err error
	switch {
	case c.kind == kindJSON:
		s, err = p.asLiteral(c.text, f.column == quotas)
	case c.kind == kindTSV && bracketed(c.text):
		s = c.text // an array: its escapes are those that toString() writes, too
	default:
		s, err = p.str(c)
	}
	p.row.Extra = append(p.row.Extra, session.Attr{Key: f.key, Value: s})
	return err
}

func bracketed(s string) bool {
	last := s[len(s)-1]
	return s[0] == '[' && last == ']' || s[0] == '{' && last == '}' || s[0] == '(' && last == ')'
}

func parseType(c cell) (clickhouselog.Type, error) {
	if t, ok := clickhouselog.ParseType(c.text); ok {
		return t, nil
	}
	n, err := parseUint(c, 8)
	if t := clickhouselog.Type(n); err == nil && n < 128 && t.Valid() {
		return t, nil
	}
	return 0, errType
}

// enumName reads an enum's cell: its name, or its number as CAST(… AS Int8) gives it. A number that nobody knows stays one.
func enumName(c cell, names []string) string {
	if c.text == "" || c.text[0]-'0' > 9 {
		return nullable(c)
	}
	if n, err := parseUint(c, 8); err == nil && n < uint64(len(names)) && names[n] != "" {
		return names[n]
	}
	return c.text
}

// nullable gives the text of a cell whose column has a few known words, none of which is a spelling of NULL.
func nullable(c cell) string {
	if c.kind == kindNull || c.text == "NULL" || c.text == nullSign {
		return ""
	}
	return c.text
}

func parseUUID(s string) (session.ID, string, error) {
	id, ok := session.ParseID(s)
	if !ok {
		return id, "", errUUID
	}
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'F' {
			return id, id.String(), nil
		}
	}
	return id, s, nil
}

func parseAddress(c cell) (netip.Addr, error) {
	if nullable(c) == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(c.text)
	if err != nil { // its text would hold the value
		return a, errAddress
	}
	return a, nil
}

func parseUint(c cell, bits int) (uint64, error) {
	if c.kind == kindNull {
		return 0, nil
	}
	n, ok := localtime.ParseDigits(c.text)
	if !ok || c.text == "" || len(c.text) > 10 || n >= 1<<bits {
		return 0, errNumber
	}
	return uint64(n), nil
}

// certTime turns the validity of a certificate into RFC 3339. These columns have their zone, UTC, in their type.
func (p *parser) certTime(c cell) (string, error) {
	if nullable(c) == "" {
		return "", nil
	}
	return p.certTimes.text(c.text)
}

func rfc3339(dst []byte, raw string) ([]byte, error) {
	utc := newClock(time.UTC)
	micros, err := utc.micros(raw, 0)
	if err != nil {
		return dst, err
	}
	return time.UnixMicro(micros).UTC().AppendFormat(dst, time.RFC3339), nil
}
