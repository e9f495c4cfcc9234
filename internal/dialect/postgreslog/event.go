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
)

// mappedMethods have the name of a person as identity, which pg_ident.conf may map to the account of another.
var mappedMethods = []string{"gss", "sspi", "peer", "ident", "oauth"}

// eventBuilder makes events. A connection has at most one login, one correction and one logout, so its key and a word for which of
// these identify a record, in any format and text.
type eventBuilder struct {
	instance    string
	hash        session.Hasher
	currentLine *Line // nil while time decides
}

func (b *eventBuilder) buildLogin(c *undecidedConn, outcome session.Outcome, e *session.Event) {
	b.fillCommon(c.ID, c.FirstTime, &c.ConnectionFacts, e)
	e.Kind, e.Outcome, e.SourceEvent, e.Time = session.KindLogin, outcome, "connection authorized", c.VerdictTime
	switch c.Stage {
	case stageAuthenticated:
		e.SourceEvent = "connection authenticated"
	case stageReady:
		e.SourceEvent = "connection ready"
	case stageReceived:
		e.SourceEvent = "connection received"
	}
	e.UserType = session.DatabaseUserType(e.User, outcome)
	b.fillMethod(&c.ConnectionFacts, e)
	if outcome == session.OutcomeUnknown {
		e.RecordID = b.computeRecordID("unknown", e) // its verdict may come after all, in the same millisecond
		return
	}
	e.RecordID = b.computeRecordID("login", e)
}

func (b *eventBuilder) buildFailure(c *undecidedConn, e *session.Event) {
	b.fillCommon(c.ID, c.FirstTime, &c.ConnectionFacts, e)
	e.Kind, e.Outcome, e.SourceEvent, e.Time = session.KindLogin, session.OutcomeFailure, "FATAL", c.VerdictTime
	b.fillRefusal(c, e)
	e.RecordID = b.computeRecordID("login", e)
}

func (b *eventBuilder) buildCorrection(c *undecidedConn, login int64, e *session.Event) {
	b.fillCommon(c.ID, c.FirstTime, &c.ConnectionFacts, e)
	e.Kind, e.Outcome, e.SourceEvent = session.KindSessionUpdate, session.OutcomeFailure, "FATAL"
	e.Time = login
	corrected := b.computeRecordID("login", e)
	e.Time = c.VerdictTime
	b.fillRefusal(c, e)
	addExtraAttribute(e, session.AttrCorrects, corrected.String())
	e.RecordID = b.computeRecordID("correction", e)
}

func (b *eventBuilder) buildLogout(l *Line, f *ConnectionFacts, duration int64, e *session.Event) {
	b.fillCommon(l.ID, l.Time-duration, f, e)
	e.Kind, e.Outcome, e.SourceEvent, e.Time = session.KindLogout, session.OutcomeSuccess, "disconnection", l.Time
	e.Duration, e.UserType = duration, session.DatabaseUserType(e.User, e.Outcome)
	e.RecordID = b.computeRecordID("logout", e)
}

func (b *eventBuilder) fillCommon(id BackendID, start int64, f *ConnectionFacts, e *session.Event) {
	e.Reset()
	e.System, e.Instance = session.SystemPostgreSQL, b.instance
	e.PID, e.SessionID = id.PID, b.sessionIDText(id)
	e.User, e.Database, e.ApplicationName = f.User, f.Database, f.Application
	e.ClientAddress, e.ClientPort = f.Host, f.Port
	e.SessionKey = b.sessionKey(id, start, f)
}

func (b *eventBuilder) sessionKey(id BackendID, start int64, f *ConnectionFacts) session.ID {
	b.hash.Start("session", session.SystemPostgreSQL, b.instance).Int(id.PID)
	if id.Start != NoStart {
		return b.hash.Int(id.Start).Key()
	}
	// Without %c and %s in log_line_prefix. A session's time gives its start to within a second (%t), hence ten minutes.
	return b.hash.Str(f.Host).Int(int64(f.Port)).Int(start / 600e9).Key()
}

func (b *eventBuilder) computeRecordID(what string, e *session.Event) session.ID {
	return b.hash.Start("record", session.SystemPostgreSQL, b.instance).Bytes(e.SessionKey[:]).Str(what).RecordID(e.Time)
}

func (b *eventBuilder) fillMethod(f *ConnectionFacts, e *session.Event) {
	e.AuthType, e.AuthMethod = f.Method, AuthMethod(f.Method)
	if f.Replication {
		e.Interface = "replication"
	}
	e.TLSVersion, e.TLSCipher = strings.TrimPrefix(f.Protocol, "TLSv"), f.Cipher
	if e.TLSVersion != f.Protocol {
		addExtraAttribute(e, keyProtocol, f.Protocol)
	}
	if f.Bits != "" {
		e.Extra = append(e.Extra, session.Attr{Key: keyBits, Value: f.Bits, Type: session.AttrInt})
	}
	if f.Identity != f.User {
		addExtraAttribute(e, keyIdentity, f.Identity)
		if name, _, _ := strings.Cut(f.Identity, "@"); slices.Contains(mappedMethods, f.Method) && !strings.EqualFold(name, f.User) {
			e.ActorName = f.Identity
		}
	}
	addExtraAttribute(e, keyHBA, f.HBA)
	addExtraAttribute(e, keyPrincipal, f.Principal)
}

func (b *eventBuilder) fillRefusal(c *undecidedConn, e *session.Event) {
	b.fillMethod(&c.ConnectionFacts, e)
	if e.AuthMethod == "" {
		e.AuthType, e.AuthMethod = failedMethod(c.Reason)
	}
	e.UserEmpty = c.User == "" && c.Stage == stageRefused && c.Database != ""
	e.FailureReason, e.StatusCode = c.Reason, c.SQLState
	e.ErrorType = classifyRefusal(c.SQLState, c.Reason, c.Detail)
	addExtraAttribute(e, keyDetail, c.Detail)
}

func addExtraAttribute(e *session.Event, key, value string) {
	if value != "" {
		e.Extra = append(e.Extra, session.Attr{Key: key, Value: value})
	}
}

func (b *eventBuilder) sessionIDText(id BackendID) string {
	if b.currentLine != nil && b.currentLine.ID == id && b.currentLine.SessionID != "" {
		return b.currentLine.SessionID
	}
	return id.String()
}
