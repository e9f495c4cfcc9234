// Package redshiftlog maps what Amazon Redshift tells of connections to events: the rows of STL_CONNECTION_LOG and
// SYS_CONNECTION_LOG, and the lines of the audit log connectionlog in S3 and CloudWatch. The same connection event has the
// same record id through any of these doors.
package redshiftlog

import (
	"strconv"
	"strings"

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

// Internal tells the noise of Redshift's own monitor: its user, from the machine itself.
func (r *Row) Internal() bool {
	if trim(r.User) != "rdsdb" {
		return false
	}
	switch host, _ := address(trim(r.RemoteHost)); host {
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
	numbers  map[int64]string
	sessions *recentKeys
}

// recentKeys are the keys of sessions that were met of late.
type recentKeys [recentSessions]recentSession

// recentSession is a GUID of late, which the next rows are likely to have too, with the key that is made of it.
type recentSession struct {
	guid [guidLength]byte
	key  session.ID
}

const (
	recentSessions = 256
	guidLength     = 36
)

// NewMapper makes a mapper for the cluster or workgroup of this stable name.
func NewMapper(instance string) *Mapper {
	return newMapper(instance, &recentKeys{})
}

// newMapper lets mappers of one cluster share the keys of late, of which each would need much memory for itself.
func newMapper(instance string, sessions *recentKeys) *Mapper {
	return &Mapper{instance: instance, numbers: map[int64]string{}, sessions: sessions}
}

// Restart begins a new run over rows, which may go over the same ones again: rows that look alike are numbered anew.
func (m *Mapper) Restart() { m.ordinals = session.Ordinals{} }

// Event fills e, which is reset, from r. The rows of one millisecond must come one after the other, ordered by recordtime:
// that is what the audit log has, and rows that look alike are told apart by their number among them.
func (m *Mapper) Event(r *Row, e *session.Event) {
	e.Reset()
	e.System, e.Instance = session.SystemRedshift, m.instance
	e.SourceEvent = trim(r.Event)
	e.Kind, e.Outcome, e.ErrorType = meaning(e.SourceEvent)
	e.Time = r.Micros * 1000
	e.PID, e.Database, e.ApplicationName = r.PID, trim(r.Database), trim(r.ApplicationName)
	e.OS, e.Driver, e.Plugin = trim(r.OSVersion), trim(r.DriverVersion), trim(r.PluginName)
	e.SessionID, e.TLSCipher = trim(r.SessionID), trim(r.SSLCipher)
	e.AuthType = trim(r.AuthMethod)
	e.AuthMethod = AuthMethod(e.AuthType)
	e.Extra = append(e.Extra, r.Extra...)
	m.normalise(r, e)
	m.number(e, keyMTU, r.MTU)
	verbatim(e, keySSLCompression, trim(r.SSLCompression))
	verbatim(e, keySSLExpansion, trim(r.SSLExpansion))
	verbatim(e, keyIAMAuthGUID, trim(r.IAMAuthGUID))
	m.number(e, keyProtocolVersion, r.ProtocolVersion)
	m.identify(r, e)
}

// normalise reads the columns whose texts have a meaning of their own, and keeps those texts where it changed them.
func (m *Mapper) normalise(r *Row, e *session.Event) {
	var same bool
	host := trim(r.RemoteHost)
	if e.ClientAddress, same = address(host); !same {
		verbatim(e, keyRemoteHost, host)
	}
	port := trim(r.RemotePort)
	if e.ClientPort, same = portNumber(port); !same {
		verbatim(e, keyRemotePort, port)
	}
	user := trim(r.User)
	if e.User, same = userName(user, e.AuthType); !same {
		verbatim(e, keyUserName, user)
	}
	e.UserType = session.DatabaseUserType(e.User, e.Outcome)
	e.UserEmpty = user == ""
	version := trim(r.SSLVersion)
	if e.TLSVersion, same = tlsVersion(version); !same {
		verbatim(e, keySSLVersion, version)
	}
	const most = 1<<63/1000 - 1 // microseconds that still are nanoseconds of 64 bits
	if r.Duration >= 0 && r.Duration <= most {
		e.Duration = r.Duration * 1000
	} else {
		m.number(e, keyDuration, r.Duration)
	}
}

// identify gives the ids. The record's are what all doors agree on: milliseconds, and no name, which could be guessed from
// its hash where it was redacted. A failure has no duration: in a line of the file, the name of a user that does not exist can
// make it look as if it had.
func (m *Mapper) identify(r *Row, e *session.Event) {
	millis, spent := floor(r.Micros, 1000), r.Duration
	if e.Outcome == session.OutcomeFailure {
		spent = 0
	}
	m.hash.Start("record", session.SystemRedshift, m.instance).Str(e.SourceEvent).Int(millis).Int(r.PID).
		Str(e.ClientAddress).Str(trim(r.RemotePort)).Int(spent)
	e.RecordID = m.hash.RecordID(e.Time)
	if n := m.ordinals.Next(millis, e.RecordID); n > 0 {
		e.RecordID = m.hash.Int(n).RecordID(e.Time)
	}
	e.SessionKey = m.sessionKey(r, e)
}

// sessionKey is the same for all events of a session: its GUID where the row has one. Else it is the process with the
// client's address and port at the minute of the login, which a logout's duration leads back to: not the exact time,
// since the rows around a login are up to some milliseconds apart, and no process meets the same port twice in a minute.
func (m *Mapper) sessionKey(r *Row, e *session.Event) session.ID {
	recent := m.recent(e.SessionID)
	if recent != nil && string(recent.guid[:]) == e.SessionID {
		return recent.key
	}
	m.hash.Start("session", session.SystemRedshift, m.instance)
	if isGUID(e.SessionID) {
		key := m.hash.Str(e.SessionID).Key()
		if recent != nil {
			copy(recent.guid[:], e.SessionID)
			recent.key = key
		}
		return key
	}
	login := r.Micros
	if e.Kind == session.KindLogout {
		login -= r.Duration
	}
	return m.hash.Int(r.PID).Str(e.ClientAddress).Str(trim(r.RemotePort)).Int(floor(login, 60*1e6)).Key()
}

// recent is where the GUID's key is kept, if it is anywhere.
func (m *Mapper) recent(guid string) *recentSession {
	if len(guid) != guidLength {
		return nil
	}
	return &m.sessions[(int(guid[0])*31+int(guid[1])*17+int(guid[guidLength-1]))%recentSessions]
}

func floor(n, unit int64) int64 {
	q := n / unit
	if n%unit < 0 {
		q--
	}
	return q
}

func trim(s string) string { return strings.TrimRight(s, " ") }

func verbatim(e *session.Event, key, text string) {
	if text != "" {
		e.Extra = append(e.Extra, session.Attr{Key: key, Value: text})
	}
}

// number keeps a number that has no field; 0 is what Redshift writes for none.
func (m *Mapper) number(e *session.Event, key string, n int64) {
	if n == 0 {
		return
	}
	text, ok := m.numbers[n]
	if !ok {
		if len(m.numbers) >= maxNumbers {
			clear(m.numbers)
		}
		text = strconv.FormatInt(n, 10)
		m.numbers[n] = text
	}
	e.Extra = append(e.Extra, session.Attr{Key: key, Value: text, Type: session.AttrInt})
}

const maxNumbers = 1000
