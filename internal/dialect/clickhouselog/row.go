// Package clickhouselog maps rows of ClickHouse's system.session_log to events. It is the one place that does, whether a
// row comes over the native protocol, over HTTP or out of an exported file: the same row has the same id by any way.
package clickhouselog

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"unique"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Row is one row of system.session_log, as ClickHouse 26.7 has it. Columns that a server lacks stay zero.
type Row struct {
	Hostname      string
	Type          EventType
	AuthID        session.ID
	AuthIDText    string // the UUID as text
	SessionID     string
	Micros        int64 // event_time_microseconds since 1970 UTC
	User          string
	UserNull      bool
	AuthType      string // enum name, "" is NULL
	Profiles      []string
	Roles         []string
	Settings      []session.Setting
	ClientAddress netip.Addr // as stored: IPv4 is mapped into IPv6
	ClientPort    uint16
	Interface     string // enum name
	Hostnames     ClientNames
	Version       [3]uint32
	Revision      uint32
	FailureReason string
	Certificate   Certificate
	UserAgent     string
	Extra         []session.Attr // columns that this package does not know, keys with their prefix
}

// ClientNames are what a client says of itself.
type ClientNames struct{ Hostname, Name string }

// Certificate is the TLS client certificate of a login, in servers of mid-2026 and later. Times are RFC 3339 or empty.
type Certificate struct {
	Subjects            []string
	Serial, Issuer      string
	NotBefore, NotAfter string
}

// Mapper turns rows into events of one instance. It is not safe for concurrent use.
type Mapper struct {
	instance string
	hash     session.Hasher
	ordinals lazyOrdinals
	keys     sessionKeys
	text     textCache
}

// NewMapper makes a mapper for the server or cluster of this stable name.
func NewMapper(instance string) *Mapper {
	return &Mapper{instance: instance}
}

// Restart begins a new run over rows, which may go over the same ones again: rows that look alike are numbered anew.
func (m *Mapper) Restart() { m.ordinals = lazyOrdinals{} }

// Event fills e, which is reset, from r. Rows of one timestamp must come one after the other, in the order of the
// columns auth_id, type, client_address, client_port, for their ordinals to be the same again.
func (m *Mapper) Event(r *Row, e *session.Event) {
	e.Reset()
	e.System, e.Instance, e.Host = session.SystemClickHouse, m.instance, r.Hostname
	e.Time = r.Micros * 1000
	e.Kind, e.Outcome, e.SourceEvent = r.Type.kindAndOutcome()
	e.User, e.UserEmpty = r.User, r.User == "" && !r.UserNull
	e.Roles, e.Profiles, e.Settings = appendFew(e.Roles, r.Roles), appendFew(e.Profiles, r.Profiles), appendFew(e.Settings, r.Settings)
	e.AuthType, e.Interface = r.AuthType, r.Interface
	e.CertificateSubjects = appendFew(e.CertificateSubjects, r.Certificate.Subjects)
	e.CertificateSerial, e.CertificateIssuer = r.Certificate.Serial, r.Certificate.Issuer
	e.CertificateNotBefore, e.CertificateNotAfter = r.Certificate.NotBefore, r.Certificate.NotAfter
	e.ClientAddress, e.ClientPort = m.text.cachedAddress(r.ClientAddress), int32(r.ClientPort)
	e.ClientHostname, e.ClientName = r.Hostnames.Hostname, r.Hostnames.Name
	e.ClientVersion, e.ClientRevision = m.text.cachedVersion(r.Version), r.Revision
	e.UserAgent = r.UserAgent
	e.SessionID, e.SessionName = r.AuthIDText, r.SessionID
	e.FailureReason = r.FailureReason
	e.Extra = appendFew(e.Extra, r.Extra)
	if r.Type == TypeLoginFailure {
		// The server writes NO_PASSWORD for every failure, whatever was tried: the method is unknown.
		e.ErrorType, e.StatusCode = failureClass(r.FailureReason)
	} else {
		e.AuthMethod = AuthMethod(r.AuthType)
	}
	m.assignRecordIDs(r, e)
}

// appendFew is append for the handful of values that a row has: copying in bulk costs more than they do.
func appendFew[T any](to, values []T) []T {
	if len(values) > cap(to)-len(to) {
		return append(to, values...)
	}
	for i := range values { //nolint:staticcheck // on purpose, see above
		to = append(to, values[i])
	}
	return to
}

func (m *Mapper) assignRecordIDs(r *Row, e *session.Event) {
	addr := r.ClientAddress.As16()
	// The server's own key, with address and port because some builds of the engine give several sessions one auth_id.
	m.hash.Start("record", session.SystemClickHouse, m.instance).Str(r.Hostname).Bytes(r.AuthID[:]).Int(int64(r.Type)).
		Int(r.Micros).Bytes(addr[:]).Int(int64(r.ClientPort))
	e.RecordID = m.hash.RecordID(e.Time)
	if n := m.ordinals.nextOrdinal(e.Time, e.RecordID); n > 0 {
		e.RecordID = m.hash.Int(n).RecordID(e.Time)
	}
	e.SessionKey = m.computeSessionKey(r)
}

func (m *Mapper) computeSessionKey(r *Row) session.ID {
	c := &m.keys[r.AuthID[3]]
	// A session's login and logout soon follow each other, as over HTTP.
	if c.authID != r.AuthID || c.hostname != r.Hostname || c.key.IsZero() {
		c.authID = r.AuthID
		if c.hostname != r.Hostname {
			c.hostname = unique.Make(r.Hostname).Value() // the row's own may be a part of a large text
		}
		c.key = m.hash.Start("session", session.SystemClickHouse, m.instance).Str(r.Hostname).Bytes(r.AuthID[:]).Key()
	}
	return c.key
}

type sessionKeys [256]struct {
	authID   session.ID
	hostname string
	key      session.ID
}

// lazyOrdinals is session.Ordinals, which it spares the work where a timestamp has one record: nearly always.
type lazyOrdinals struct {
	time  int64
	first session.ID // the only record of the timestamp so far, not yet in all
	many  bool
	all   session.Ordinals
}

func (o *lazyOrdinals) nextOrdinal(unixNano int64, id session.ID) int64 {
	if unixNano != o.time || o.first.IsZero() {
		o.time, o.first, o.many = unixNano, id, false
		return 0
	}
	if !o.many {
		o.many, o.all = true, session.Ordinals{}
		o.all.Next(unixNano, o.first)
	}
	return o.all.Next(unixNano, id)
}

// textCache renders values that recur, as a rule once each. A value that falls into the place of another takes it, so that an
// attacker who comes from many addresses costs time, not memory.
type textCache struct {
	addr [1 << 12]struct {
		of   netip.Addr
		text string
	}
	version [1 << 8]struct {
		of   [3]uint32
		text string
	}
}

func (t *textCache) cachedAddress(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	b := a.As16()
	c := &t.addr[scatterHash(binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:]))>>(64-12)]
	if c.of != a {
		c.of, c.text = a, a.Unmap().String()
	}
	return c.text
}

func (t *textCache) cachedVersion(v [3]uint32) string {
	if v == [3]uint32{} {
		return ""
	}
	c := &t.version[scatterHash(uint64(v[0])<<32|uint64(v[1]), uint64(v[2]))>>(64-8)]
	if c.of != v {
		b := strconv.AppendUint(nil, uint64(v[0]), 10)
		b = strconv.AppendUint(append(b, '.'), uint64(v[1]), 10)
		c.of, c.text = v, string(strconv.AppendUint(append(b, '.'), uint64(v[2]), 10))
	}
	return c.text
}

// scatterHash spreads numbers over the high bits of the result (multiplication by odd constants, after Fibonacci hashing).
func scatterHash(a, b uint64) uint64 { return (a*0xff51afd7ed558ccd ^ b) * 0x9e3779b97f4a7c15 }
