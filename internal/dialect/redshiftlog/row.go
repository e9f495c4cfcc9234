// Package redshiftlog maps Amazon Redshift's connection events: the rows of STL_CONNECTION_LOG and
// SYS_CONNECTION_LOG, and the lines of the audit log connectionlog in S3 and CloudWatch. The same connection event has the
// same record id from any of these.
package redshiftlog

import (
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Row is one connection event under the column names of STL_CONNECTION_LOG; SYS_CONNECTION_LOG has the same with
// underscores, and calls the pid session_id. Columns of blank-padded characters may keep their padding.
type Row struct {
	Event           string
	Micros          int64 // recordtime since 1970 UTC; the audit log has whole milliseconds only
	RemoteHost      string
	RemotePort      string
	PID             int64
	Database        string
	User            string
	AuthMethod      string
	Duration        int64 // microseconds
	SSLVersion      string
	SSLCipher       string
	MTU             int64
	SSLCompression  string
	SSLExpansion    string
	IAMAuthGUID     string
	ApplicationName string
	OSVersion       string
	DriverVersion   string
	PluginName      string
	ProtocolVersion int64
	SessionID       string         // sessionid of STL, global_session_id of SYS, the last field of an audit line
	Extra           []session.Attr // columns that this package does not know, keys with their prefix
}

// IsInternal is true for Redshift's own monitor: its user, from the machine itself.
func (r *Row) IsInternal() bool {
	if trimPadding(r.User) != "rdsdb" {
		return false
	}
	switch host, _ := unmapAddress(trimPadding(r.RemoteHost)); host {
	case "[local]", "127.0.0.1", "::1":
		return true
	}
	return false
}

// Mapper turns rows into events of one cluster or workgroup. It is not safe for concurrent use.
type Mapper struct {
	instance string
	hash     session.Hasher
	ordinals session.Ordinals
}

// NewMapper makes a mapper for the cluster or workgroup with this stable name.
func NewMapper(instance string) *Mapper { return &Mapper{instance: instance} }

// Restart begins a new run over rows, which may be the same ones again: equal rows are numbered anew.
func (m *Mapper) Restart() { m.ordinals = session.Ordinals{} }

// Event fills e, which is reset, from r. The rows of one millisecond must come one after the other, ordered by recordtime:
// that is the audit log's resolution, and equal rows are distinguished by their number within it.
func (m *Mapper) Event(r *Row, e *session.Event) {
	e.Reset()
	e.System, e.Instance = session.SystemRedshift, m.instance
	e.SourceEvent = trimPadding(r.Event)
	e.Kind, e.Outcome, e.ErrorType = classifyEvent(e.SourceEvent)
	e.Time = r.Micros * 1000
	e.PID, e.Database, e.ApplicationName = r.PID, trimPadding(r.Database), trimPadding(r.ApplicationName)
	e.OS, e.Driver, e.Plugin = trimPadding(r.OSVersion), trimPadding(r.DriverVersion), trimPadding(r.PluginName)
	e.SessionID, e.TLSCipher = trimPadding(r.SessionID), trimPadding(r.SSLCipher)
	e.AuthType = trimPadding(r.AuthMethod)
	e.AuthMethod = AuthMethod(e.AuthType)
	e.Extra = append(e.Extra, r.Extra...)
	normaliseColumns(r, e)
	addNumberAttribute(e, keyMTU, r.MTU)
	addTextAttribute(e, keySSLCompression, trimPadding(r.SSLCompression))
	addTextAttribute(e, keySSLExpansion, trimPadding(r.SSLExpansion))
	addTextAttribute(e, keyIAMAuthGUID, trimPadding(r.IAMAuthGUID))
	addNumberAttribute(e, keyProtocolVersion, r.ProtocolVersion)
	m.assignRecordIDs(r, e)
}

func normaliseColumns(r *Row, e *session.Event) {
	var same bool
	host := trimPadding(r.RemoteHost)
	if e.ClientAddress, same = unmapAddress(host); !same {
		addTextAttribute(e, keyRemoteHost, host)
	}
	port := trimPadding(r.RemotePort)
	if e.ClientPort, same = parsePortText(port); !same {
		addTextAttribute(e, keyRemotePort, port)
	}
	user := trimPadding(r.User)
	if e.User, same = stripIAMPrefix(user, e.AuthType); !same {
		addTextAttribute(e, keyUserName, user)
	}
	e.UserType = session.DatabaseUserType(e.User, e.Outcome)
	e.UserEmpty = user == ""
	version := trimPadding(r.SSLVersion)
	if e.TLSVersion, same = normaliseTLSVersion(version); !same {
		addTextAttribute(e, keySSLVersion, version)
	}
	const most = 1<<63/1000 - 1 // microseconds that still are nanoseconds of 64 bits
	if r.Duration >= 0 && r.Duration <= most {
		e.Duration = r.Duration * 1000
	} else {
		addNumberAttribute(e, keyDuration, r.Duration)
	}
}

// assignRecordIDs makes the record's id of what all logs agree on: milliseconds, and no name, which could be guessed from its hash where it
// was redacted. A failure has no duration: in a line of the file, the name of a user that does not exist can forge one.
func (m *Mapper) assignRecordIDs(r *Row, e *session.Event) {
	millis, spent := time.UnixMicro(r.Micros).UnixMilli(), r.Duration
	if e.Outcome == session.OutcomeFailure {
		spent = 0
	}
	m.hash.Start("record", session.SystemRedshift, m.instance).Str(e.SourceEvent).Int(millis).Int(r.PID).
		Str(e.ClientAddress).Str(trimPadding(r.RemotePort)).Int(spent)
	e.RecordID = m.hash.RecordID(e.Time)
	if n := m.ordinals.Next(millis, e.RecordID); n > 0 {
		e.RecordID = m.hash.Int(n).RecordID(e.Time)
	}
	e.SessionKey = m.sessionKey(r, e)
}

// sessionKey is the same for all events of a session: of its GUID where the row has one, else of the process with the
// client's address and port at the minute of the login, which a logout's duration gives: not the exact time,
// since the rows around a login are up to some milliseconds apart, and no process meets the same port twice in a minute.
func (m *Mapper) sessionKey(r *Row, e *session.Event) session.ID {
	m.hash.Start("session", session.SystemRedshift, m.instance)
	if isNonZeroGUID(e.SessionID) {
		return m.hash.Str(e.SessionID).Key()
	}
	login := r.Micros
	if e.Kind == session.KindLogout {
		login -= r.Duration
	}
	return m.hash.Int(r.PID).Str(e.ClientAddress).Str(trimPadding(r.RemotePort)).Int(time.UnixMicro(login).Truncate(time.Minute).Unix() / 60).Key()
}

func trimPadding(s string) string { return strings.TrimRight(s, " ") }

func addTextAttribute(e *session.Event, key, text string) {
	if text != "" {
		e.Extra = append(e.Extra, session.Attr{Key: key, Value: text})
	}
}

// addNumberAttribute keeps a number that has no field; Redshift writes 0 for none.
func addNumberAttribute(e *session.Event, key string, n int64) {
	if n != 0 {
		e.Extra = append(e.Extra, session.Attr{Key: key, Value: strconv.FormatInt(n, 10), Type: session.AttrInt})
	}
}
