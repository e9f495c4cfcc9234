package export

import (
	"errors"
	"net/netip"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/session"
)

// logColumn is a column of session_log. Its bit is set in seenColumns when a row has it.
type logColumn uint8

const (
	columnOther logColumn = iota // has no field
	columnHostname
	columnType
	columnAuthID
	columnSessionID
	columnEventDate
	columnEventTime
	columnEventMicros
	columnUser
	columnAuthType
	columnProfiles
	columnRoles
	columnSettings
	columnClientAddress
	columnClientPort
	columnInterface
	columnClientHostname
	columnClientName
	columnClientRevision
	columnVersionMajor
	columnVersionMinor
	columnVersionPatch
	columnFailureReason
	columnCertSubjects
	columnCertSerial
	columnCertIssuer
	columnCertNotBefore
	columnCertNotAfter
	columnUserAgent
	columnQuotas
)

// columnsByName has those of ClickHouse 26.7, and http_user_agent and quotas of later servers.
var columnsByName = map[string]logColumn{
	"hostname": columnHostname, "type": columnType, "auth_id": columnAuthID, "session_id": columnSessionID, "event_date": columnEventDate,
	"event_time": columnEventTime, "event_time_microseconds": columnEventMicros, "user": columnUser, "auth_type": columnAuthType, "profiles": columnProfiles,
	"roles": columnRoles, "settings": columnSettings, "client_address": columnClientAddress, "client_port": columnClientPort, "interface": columnInterface,
	"client_hostname": columnClientHostname, "client_name": columnClientName, "client_revision": columnClientRevision,
	"client_version_major": columnVersionMajor, "client_version_minor": columnVersionMinor, "client_version_patch": columnVersionPatch,
	"failure_reason": columnFailureReason, "certificate_subjects": columnCertSubjects, "certificate_serial": columnCertSerial,
	"certificate_issuer": columnCertIssuer, "certificate_not_before": columnCertNotBefore, "certificate_not_after": columnCertNotAfter,
	"http_user_agent": columnUserAgent, "quotas": columnQuotas,
}

// exportField is a column as an export names it.
type exportField struct {
	column logColumn
	name   string
	key    string // of the attribute, for columns that have no field
}

func newExportField(name string) *exportField {
	return &exportField{column: columnsByName[name], name: name, key: session.SourceField + name}
}

var (
	errType    = errors.New("neither LoginFailure, LoginSuccess nor Logout")
	errUUID    = errors.New("not a UUID")
	errAddress = errors.New("not an IP address")
	errNumber  = errors.New("not a number of this column's size")
)

func (p *exportParser) setRowColumn(f *exportField, c rowCell) error {
	r := &p.row
	var err error
	switch f.column {
	case columnHostname:
		r.Hostname, err = p.unescapedText(c)
	case columnType:
		r.Type, err = parseEventType(c)
	case columnAuthID:
		r.AuthID, r.AuthIDText, err = parseUUIDText(c.text)
	case columnSessionID:
		r.SessionID, err = p.unescapedText(c)
	case columnEventDate: // a part of the time
	case columnEventTime:
		p.secondText = c.text
	case columnEventMicros:
		p.microsText = c.text
	case columnUser:
		r.User, err = p.unescapedText(c)
		r.UserNull = c.kind == kindNull
	case columnAuthType:
		r.AuthType = enumNameOfCell(c, clickhouselog.AuthTypeNames)
	case columnProfiles:
		r.Profiles, err = p.readStringList(c, r.Profiles)
	case columnRoles:
		r.Roles, err = p.readStringList(c, r.Roles)
	case columnSettings:
		r.Settings, err = p.readSettingPairs(c, r.Settings)
	case columnClientAddress:
		r.ClientAddress, err = parseAddressCell(c)
	case columnClientPort:
		var n uint64
		n, err = parseUnsignedCell(c, 16)
		r.ClientPort = uint16(n)
	case columnInterface:
		r.Interface = enumNameOfCell(c, clickhouselog.InterfaceNames)
	default:
		err = p.setMoreColumns(f, c)
	}
	p.seenColumns |= 1 << f.column
	return err
}

func (p *exportParser) setMoreColumns(f *exportField, c rowCell) error {
	r := &p.row
	var n uint64
	var err error
	switch f.column {
	case columnClientHostname:
		r.Hostnames.Hostname, err = p.unescapedText(c)
	case columnClientName:
		r.Hostnames.Name, err = p.unescapedText(c)
	case columnClientRevision:
		n, err = parseUnsignedCell(c, 32)
		r.Revision = uint32(n)
	case columnVersionMajor, columnVersionMinor, columnVersionPatch:
		n, err = parseUnsignedCell(c, 32)
		r.Version[f.column-columnVersionMajor] = uint32(n)
	case columnFailureReason:
		r.FailureReason, err = p.unescapedText(c)
	case columnCertSubjects:
		r.Certificate.Subjects, err = p.readStringList(c, r.Certificate.Subjects)
	case columnCertSerial:
		r.Certificate.Serial, err = p.unescapedText(c)
	case columnCertIssuer:
		r.Certificate.Issuer, err = p.unescapedText(c)
	case columnCertNotBefore:
		r.Certificate.NotBefore, err = p.certificateTime(c)
	case columnCertNotAfter:
		r.Certificate.NotAfter, err = p.certificateTime(c)
	case columnUserAgent:
		r.UserAgent, err = p.unescapedText(c)
	default:
		err = p.setUnmapped(f, c)
	}
	return err
}

func (p *exportParser) setUnmapped(f *exportField, c rowCell) error {
	if c.kind == kindNull {
		return nil
	}
	var s string
	var err error
	switch {
	case c.kind == kindJSON:
		s, err = p.writeJSONAsLiteral(c.text, f.column == columnQuotas)
	case c.kind == kindTSV && isBracketed(c.text):
		s = c.text // an array: its escapes are those that toString() writes, too
	default:
		s, err = p.unescapedText(c)
	}
	p.row.Extra = append(p.row.Extra, session.Attr{Key: f.key, Value: s})
	return err
}

func isBracketed(s string) bool {
	last := s[len(s)-1]
	return s[0] == '[' && last == ']' || s[0] == '{' && last == '}' || s[0] == '(' && last == ')'
}

func parseEventType(c rowCell) (clickhouselog.EventType, error) {
	if t, ok := clickhouselog.ParseType(c.text); ok {
		return t, nil
	}
	n, err := parseUnsignedCell(c, 8)
	if t := clickhouselog.EventType(n); err == nil && n < 128 && t.Valid() {
		return t, nil
	}
	return 0, errType
}

// enumNameOfCell reads an enum's cell: its name, or its number as CAST(… AS Int8) gives it. An unknown number stays as it is.
func enumNameOfCell(c rowCell, names []string) string {
	if c.text == "" || c.text[0]-'0' > 9 {
		return textUnlessNull(c)
	}
	if n, err := parseUnsignedCell(c, 8); err == nil && n < uint64(len(names)) && names[n] != "" {
		return names[n]
	}
	return c.text
}

// textUnlessNull is for columns with a few known words, none of which is a form of NULL.
func textUnlessNull(c rowCell) string {
	if c.kind == kindNull || c.text == "NULL" || c.text == nullSymbol {
		return ""
	}
	return c.text
}

func parseUUIDText(s string) (session.ID, string, error) {
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

func parseAddressCell(c rowCell) (netip.Addr, error) {
	if textUnlessNull(c) == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(c.text)
	if err != nil { // err itself would quote the value
		return a, errAddress
	}
	return a, nil
}

func parseUnsignedCell(c rowCell, bits int) (uint64, error) {
	if c.kind == kindNull {
		return 0, nil
	}
	n, ok := localtime.ParseDigits(c.text)
	if !ok || c.text == "" || len(c.text) > 10 || n >= 1<<bits {
		return 0, errNumber
	}
	return uint64(n), nil
}

// certificateTime returns RFC 3339. These columns have their zone, UTC, in their type.
func (p *exportParser) certificateTime(c rowCell) (string, error) {
	if textUnlessNull(c) == "" {
		return "", nil
	}
	return p.certificateTimes.decodeText(c.text)
}

func appendRFC3339(dst []byte, raw string) ([]byte, error) {
	utc := newServerClock(time.UTC)
	micros, err := utc.parseTimeMicros(raw, 0)
	if err != nil {
		return dst, err
	}
	return time.UnixMicro(micros).UTC().AppendFormat(dst, time.RFC3339), nil
}
