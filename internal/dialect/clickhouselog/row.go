// Package clickhouselog maps rows of ClickHouse's system.session_log to events. It is the one place that does, whether a
// row comes over the native protocol, over HTTP or out of an exported file: the same row has the same id by any way.
package clickhouselog

import (
	"net/netip"
	"strconv"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Row is one row of system.session_log, as ClickHouse 26.7 has it. Columns that a server lacks stay zero.
type Row struct {
	Hostname      string
	Type          Type
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
	ordinals session.Ordinals
}

// NewMapper makes a mapper for the server or cluster of this stable name.
func NewMapper(instance string) *Mapper {
	return &Mapper{instance: instance}
}

// Restart begins a new run over rows, which may go over the same ones again: rows that look alike are numbered anew.
func (m *Mapper) Restart() { m.ordinals = session.Ordinals{} }

// Event fills e, which is reset, from r. Rows of one timestamp must come one after the other, in the order of the
// columns auth_id, type, client_address, client_port, for their ordinals to be the same again.
func (m *Mapper) Event(r *Row, e *session.Event) {
	e.Reset()
	e.System, e.Instance, e.Host = session.SystemClickHouse, m.instance, r.Hostname
	e.Time = r.Micros * 1000
	e.Kind, e.Outcome, e.SourceEvent = r.Type.kindAndOutcome()
	e.User, e.UserEmpty = r.User, r.User == "" && !r.UserNull
	e.Roles, e.Profiles, e.Settings = append(e.Roles, r.Roles...), append(e.Profiles, r.Profiles...), append(e.Settings, r.Settings...)
	e.AuthType, e.Interface = r.AuthType, r.Interface
	e.CertificateSubjects = append(e.CertificateSubjects, r.Certificate.Subjects...)
	e.CertificateSerial, e.CertificateIssuer = r.Certificate.Serial, r.Certificate.Issuer
	e.CertificateNotBefore, e.CertificateNotAfter = r.Certificate.NotBefore, r.Certificate.NotAfter
	e.ClientAddress, e.ClientPort = addressText(r.ClientAddress), int32(r.ClientPort)
	e.ClientHostname, e.ClientName = r.Hostnames.Hostname, r.Hostnames.Name
	e.ClientVersion, e.ClientRevision = versionText(r.Version), r.Revision
	e.UserAgent = r.UserAgent
	e.SessionID, e.SessionName = r.AuthIDText, r.SessionID
	e.FailureReason = r.FailureReason
	e.Extra = append(e.Extra, r.Extra...)
	if r.Type == LoginFailure {
		// The server writes NO_PASSWORD for every failure, whatever was tried: the method is unknown.
		e.ErrorType, e.StatusCode = failureClass(r.FailureReason)
	} else {
		e.AuthMethod = AuthMethod(r.AuthType)
	}
	m.assignRecordIDs(r, e)
}

// assignRecordIDs gives the ids. The server's own key is (hostname, auth_id, type, event_time_microseconds); address and port
// stand beside it because some builds of the engine give several sessions one auth_id.
func (m *Mapper) assignRecordIDs(r *Row, e *session.Event) {
	addr := r.ClientAddress.As16()
	m.hash.Start("record", session.SystemClickHouse, m.instance).Str(r.Hostname).Bytes(r.AuthID[:]).Int(int64(r.Type)).
		Int(r.Micros).Bytes(addr[:]).Int(int64(r.ClientPort))
	e.RecordID = m.hash.RecordID(e.Time)
	if n := m.ordinals.Next(e.Time, e.RecordID); n > 0 {
		e.RecordID = m.hash.Int(n).RecordID(e.Time)
	}
	e.SessionKey = m.hash.Start("session", session.SystemClickHouse, m.instance).Str(r.Hostname).Bytes(r.AuthID[:]).Key()
}

func addressText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.Unmap().String()
}

func versionText(v [3]uint32) string {
	if v == [3]uint32{} {
		return ""
	}
	return strconv.Itoa(int(v[0])) + "." + strconv.Itoa(int(v[1])) + "." + strconv.Itoa(int(v[2]))
}
