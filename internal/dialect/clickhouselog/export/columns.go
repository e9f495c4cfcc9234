package export

import (
	"errors"
	"math/bits"
	"net/netip"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/session"
)

// exportField is a column as an export names it.
type exportField struct {
	set    columnSetter // nil: has no field
	needed uint8        // its bit of requiredColumns
	name   string
	key    string // of the attribute, for columns that have no field
}

func newExportField(name string) *exportField {
	return &exportField{set: columnSetters[name], needed: neededColumns[name], name: name, key: session.SourceField + name}
}

// neededColumns are those without which a row is no event: either time will do.
var neededColumns = map[string]uint8{"type": typeBit, "auth_id": authIDBit, "event_time": timeBit, "event_time_microseconds": timeBit}

const (
	typeBit uint8 = 1 << iota
	authIDBit
	timeBit
	requiredColumns = typeBit | authIDBit
)

type columnSetter func(p *exportParser, c rowCell) error

// columnSetters has the columns of ClickHouse 26.7, and http_user_agent and quotas of later servers.
var columnSetters = map[string]columnSetter{
	"hostname":                setParsed(func(r *clickhouselog.Row) *string { return &r.Hostname }, (*exportParser).unescapedText),
	"type":                    setParsed(func(r *clickhouselog.Row) *clickhouselog.EventType { return &r.Type }, parseEventType),
	"auth_id":                 setAuthID,
	"session_id":              setParsed(func(r *clickhouselog.Row) *string { return &r.SessionID }, (*exportParser).unescapedText),
	"event_date":              func(*exportParser, rowCell) error { return nil }, // a part of the time
	"event_time":              func(p *exportParser, c rowCell) error { p.secondText = c.text; return nil },
	"event_time_microseconds": func(p *exportParser, c rowCell) error { p.microsText = c.text; return nil },
	"user":                    setUser,
	"auth_type":               setParsed(func(r *clickhouselog.Row) *string { return &r.AuthType }, enumParser(clickhouselog.AuthTypeNames)),
	"profiles":                setList(func(r *clickhouselog.Row) *[]string { return &r.Profiles }),
	"roles":                   setList(func(r *clickhouselog.Row) *[]string { return &r.Roles }),
	"settings":                setSettings,
	"client_address":          setParsed(func(r *clickhouselog.Row) *netip.Addr { return &r.ClientAddress }, parseAddressCell),
	"client_port":             setParsed(func(r *clickhouselog.Row) *uint16 { return &r.ClientPort }, parseNumber[uint16]),
	"interface":               setParsed(func(r *clickhouselog.Row) *string { return &r.Interface }, enumParser(clickhouselog.InterfaceNames)),
	"client_hostname":         setParsed(func(r *clickhouselog.Row) *string { return &r.Hostnames.Hostname }, (*exportParser).unescapedText),
	"client_name":             setParsed(func(r *clickhouselog.Row) *string { return &r.Hostnames.Name }, (*exportParser).unescapedText),
	"client_revision":         setParsed(func(r *clickhouselog.Row) *uint32 { return &r.Revision }, parseNumber[uint32]),
	"client_version_major":    setParsed(func(r *clickhouselog.Row) *uint32 { return &r.Version[0] }, parseNumber[uint32]),
	"client_version_minor":    setParsed(func(r *clickhouselog.Row) *uint32 { return &r.Version[1] }, parseNumber[uint32]),
	"client_version_patch":    setParsed(func(r *clickhouselog.Row) *uint32 { return &r.Version[2] }, parseNumber[uint32]),
	"failure_reason":          setParsed(func(r *clickhouselog.Row) *string { return &r.FailureReason }, (*exportParser).unescapedText),
	"certificate_subjects":    setList(func(r *clickhouselog.Row) *[]string { return &r.Certificate.Subjects }),
	"certificate_serial":      setParsed(func(r *clickhouselog.Row) *string { return &r.Certificate.Serial }, (*exportParser).unescapedText),
	"certificate_issuer":      setParsed(func(r *clickhouselog.Row) *string { return &r.Certificate.Issuer }, (*exportParser).unescapedText),
	"certificate_not_before":  setParsed(func(r *clickhouselog.Row) *string { return &r.Certificate.NotBefore }, (*exportParser).certificateTime),
	"certificate_not_after":   setParsed(func(r *clickhouselog.Row) *string { return &r.Certificate.NotAfter }, (*exportParser).certificateTime),
	"http_user_agent":         setParsed(func(r *clickhouselog.Row) *string { return &r.UserAgent }, (*exportParser).unescapedText),
	"quotas":                  func(p *exportParser, c rowCell) error { return p.keepAttribute(session.SourceField+"quotas", c, true) },
}

func setParsed[T any](field func(*clickhouselog.Row) *T, parse func(*exportParser, rowCell) (T, error)) columnSetter {
	return func(p *exportParser, c rowCell) (err error) {
		*field(&p.row), err = parse(p, c)
		return err
	}
}

func setList(field func(*clickhouselog.Row) *[]string) columnSetter {
	return func(p *exportParser, c rowCell) (err error) {
		list := field(&p.row)
		*list, err = p.readStringList(c, *list)
		return err
	}
}

func setSettings(p *exportParser, c rowCell) (err error) {
	p.row.Settings, err = p.readSettingPairs(c, p.row.Settings)
	return err
}

func setAuthID(p *exportParser, c rowCell) (err error) {
	p.row.AuthID, p.row.AuthIDText, err = parseUUIDText(c.text)
	return err
}

func setUser(p *exportParser, c rowCell) (err error) {
	p.row.User, err = p.unescapedText(c)
	p.row.UserNull = c.kind == kindNull
	return err
}

var (
	errType    = errors.New("neither LoginFailure, LoginSuccess nor Logout")
	errUUID    = errors.New("not a UUID")
	errAddress = errors.New("not an IP address")
	errNumber  = errors.New("not a number of this column's size")
)

func (p *exportParser) setRowColumn(f *exportField, c rowCell) error {
	p.seenColumns |= f.needed
	if f.set != nil {
		return f.set(p, c)
	}
	return p.keepAttribute(f.key, c, false)
}

// keepAttribute keeps a column that has no field; tuples are what its arrays hold.
func (p *exportParser) keepAttribute(key string, c rowCell, tuples bool) error {
	if c.kind == kindNull {
		return nil
	}
	var s string
	var err error
	switch {
	case c.kind == kindJSON:
		s, err = p.writeJSONAsLiteral(c.text, tuples)
	case c.kind == kindTSV && isBracketed(c.text):
		s = c.text // an array: its escapes are those that toString() writes, too
	default:
		s, err = p.unescapedText(c)
	}
	p.row.Extra = append(p.row.Extra, session.Attr{Key: key, Value: s})
	return err
}

func isBracketed(s string) bool {
	last := s[len(s)-1]
	return s[0] == '[' && last == ']' || s[0] == '{' && last == '}' || s[0] == '(' && last == ')'
}

func parseEventType(_ *exportParser, c rowCell) (clickhouselog.EventType, error) {
	if t, ok := clickhouselog.ParseType(c.text); ok {
		return t, nil
	}
	n, err := parseUnsignedCell(c, 8)
	if t := clickhouselog.EventType(n); err == nil && n < 128 && t.Valid() {
		return t, nil
	}
	return 0, errType
}

// enumParser reads an enum's cell: its name, or its number as CAST(… AS Int8) gives it. An unknown number stays as it is.
func enumParser(names []string) func(*exportParser, rowCell) (string, error) {
	return func(_ *exportParser, c rowCell) (string, error) {
		if c.text == "" || c.text[0]-'0' > 9 {
			return textUnlessNull(c), nil
		}
		if n, err := parseUnsignedCell(c, 8); err == nil && n < uint64(len(names)) && names[n] != "" {
			return names[n], nil
		}
		return c.text, nil
	}
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

func parseAddressCell(_ *exportParser, c rowCell) (netip.Addr, error) {
	if textUnlessNull(c) == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(c.text)
	if err != nil { // err itself would quote the value
		return a, errAddress
	}
	return a, nil
}

func parseNumber[T uint16 | uint32](_ *exportParser, c rowCell) (T, error) {
	n, err := parseUnsignedCell(c, bits.Len64(uint64(^T(0))))
	return T(n), err
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
