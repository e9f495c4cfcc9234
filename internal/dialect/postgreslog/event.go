package postgreslog

import (
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	keyHBA       = session.SourceField + "hba"
	keyProtocol  = session.SourceField + "sslversion"
	keyBits      = session.SourceField + "ssl_bits"
	keyIdentity  = session.SourceField + "identity"
	keyPrincipal = session.SourceField + "gss_principal"
	keyDetail    = session.SourceField + "detail"
	// keyCorrects names the record of the login that a correction takes back.
	keyCorrects = "sessionlog.corrects"
)

// mappedMethods are those whose identity is a person's name, which pg_ident.conf may map to the account of another.
var mappedMethods = []string{"gss", "sspi", "peer", "ident", "oauth"}

// builder writes the events. A connection has at most one login, one correction and one logout, so its key and the word for
// which of them it is identify a record, in whichever format and text the lines stood.
type builder struct {
	instance string
	hash     session.Hasher
	line     *Line // the one at hand, or nil
}

func newBuilder(instance string) builder { return builder{instance: instance} }

func (b *builder) login(c *conn, outcome session.Outcome, e *session.Event) {
	b.begin(c.ID, c.First, &c.facts, e)
	e.Kind, e.Outcome, e.SourceEvent, e.Time = session.KindLogin, outcome, "connection authorized", c.Decisive
	switch c.Stage {
	case stageAuthenticated:
		e.SourceEvent = "connection authenticated"
	case stageReady:
		e.SourceEvent = "connection ready"
	case stageReceived:
		e.SourceEvent = "connection received"
	}
	e.UserType = session.DatabaseUserType(e.User, outcome)
	b.how(&c.facts, e)
	if outcome == session.OutcomeUnknown {
		e.RecordID = b.recordID("unknown", e) // its verdict may come after all, in the same millisecond
		return
	}
	e.RecordID = b.recordID("login", e)
}

func (b *builder) failure(c *conn, e *session.Event) {
	b.begin(c.ID, c.First, &c.facts, e)
	e.Kind, e.Outcome, e.SourceEvent, e.Time = session.KindLogin, session.OutcomeFailure, "FATAL", c.Decisive
	b.why(c, e)
	e.RecordID = b.recordID("login", e)
}

// correction is an update of the session that names the login which it takes back.
func (b *builder) correction(c *conn, login int64, e *session.Event) {
	b.begin(c.ID, c.First, &c.facts, e)
	e.Kind, e.Outcome, e.SourceEvent = session.KindSessionUpdate, session.OutcomeFailure, "FATAL"
	e.Time = login
	corrected := b.recordID("login", e)
	e.Time = c.Decisive
	b.why(c, e)
	extra(e, keyCorrects, corrected.String())
	e.RecordID = b.recordID("correction", e)
}

func (b *builder) logout(l *Line, f *facts, duration int64, e *session.Event) {
	b.begin(l.ID, l.Time-duration, f, e)
	e.Kind, e.Outcome, e.SourceEvent, e.Time = session.KindLogout, session.OutcomeSuccess, "disconnection", l.Time
	e.Duration, e.UserType = duration, session.DatabaseUserType(e.User, e.Outcome)
	e.RecordID = b.recordID("logout", e)
}

// begin fills in what all events of a connection have.
func (b *builder) begin(id BackendID, start int64, f *facts, e *session.Event) {
	e.Reset()
	e.System, e.Instance = session.SystemPostgreSQL, b.instance
	e.PID, e.SessionID = id.PID, b.sessionID(id)
	e.User, e.Database, e.ApplicationName = f.User, f.Database, f.Application
	e.ClientAddress, e.ClientPort = f.Host, f.Port
	e.SessionKey = b.sessionKey(id, start, f)
}

// sessionKey is made of %c. Where log_line_prefix has neither that nor %s, it is the pid with the client's address and port
// in the ten minutes of the start, which a session's time leads back to within a second (%t).
func (b *builder) sessionKey(id BackendID, start int64, f *facts) session.ID {
	b.hash.Start("session", session.SystemPostgreSQL, b.instance).Int(id.PID)
	if id.Start != NoStart {
		return b.hash.Int(id.Start).Key()
	}
	return b.hash.Str(f.Host).Int(int64(f.Port)).Int(start / 600e9).Key()
}

func (b *builder) recordID(what string, e *session.Event) session.ID {
	return b.hash.Start("record", session.SystemPostgreSQL, b.instance).Bytes(e.SessionKey[:]).Str(what).RecordID(e.Time)
}

// how tells the way in which somebody was let in.
func (b *builder) how(f *facts, e *session.Event) {
	e.AuthType, e.AuthMethod = f.Method, AuthMethod(f.Method)
	if f.Replication {
		e.Interface = "replication"
	}
	e.TLSVersion, e.TLSCipher = strings.TrimPrefix(f.Protocol, "TLSv"), f.Cipher
	if e.TLSVersion != f.Protocol {
		extra(e, keyProtocol, f.Protocol)
	}
	if f.Bits != "" {
		e.Extra = append(e.Extra, session.Attr{Key: keyBits, Value: f.Bits, Type: session.AttrInt})
	}
	if f.Identity != f.User {
		extra(e, keyIdentity, f.Identity)
		if name, _, _ := strings.Cut(f.Identity, "@"); slices.Contains(mappedMethods, f.Method) && !strings.EqualFold(name, f.User) {
			e.ActorName = f.Identity
		}
	}
	extra(e, keyHBA, f.HBA)
	extra(e, keyPrincipal, f.Principal)
}

// why tells a refusal.
func (b *builder) why(c *conn, e *session.Event) {
	b.how(&c.facts, e)
	if e.AuthMethod == "" {
		e.AuthType, e.AuthMethod = failedMethod(c.Reason)
	}
	e.UserEmpty = c.User == "" && c.Stage == stageRefused && c.Database != ""
	e.FailureReason, e.StatusCode = c.Reason, c.SQLState
	e.ErrorType = errorType(c.SQLState, c.Reason, c.Detail)
	extra(e, keyDetail, c.Detail)
}

func extra(e *session.Event, key, value string) {
	if value != "" {
		e.Extra = append(e.Extra, session.Attr{Key: key, Value: value})
	}
}

// sessionID is the text of the line at hand where it is of the same session, which costs nothing.
func (b *builder) sessionID(id BackendID) string {
	if b.line != nil && b.line.ID == id && b.line.SessionID != "" {
		return b.line.SessionID
	}
	return id.String()
}
