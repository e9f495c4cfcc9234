// Package mongodblog reads logins, failures and logouts in the structured log that mongod and mongos write since MongoDB 4.4.
//
// The id of a line gives its meaning, and is the same in every version and language; its text is not read. The ids and the
// attributes of each version are facts of the public source (sasl_commands.cpp, authentication_commands.cpp,
// authentication_session.cpp, service_entry_point_impl.cpp, session_manager_common.cpp); testdata/README.md names the logs.
package mongodblog

import (
	"bytes"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Formats is the structured log.
func Formats() []logformat.Format {
	return []logformat.Format{{
		Name: "mongodb", Aliases: []string{"mongod", "mongos"}, Detect: detectFormat,
		New:           func(o logformat.Options) logformat.Parser { return newRecordParser(o) },
		DecidesByTime: true,
	}}
}

func detectFormat(head []byte, whole bool) logformat.Verdict {
	first, _, ended := bytes.Cut(head, []byte("\n"))
	text := string(first)
	switch {
	case strings.HasPrefix(text, `{"t":{"$date":`) && strings.Contains(text, `"ctx":`):
		return logformat.VerdictYes
	case text != "" && text[0] != '{':
		return logformat.VerdictNo
	case !ended && !whole && len(first) < 2048:
		return logformat.VerdictWait
	}
	return logformat.VerdictNo
}

type recordParser struct {
	logformat.LineParser // mongod escapes the line ends of what it logs
	instance             string
	lastTime             int64 // time of the last line
	connections          *openConnections
	line                 logRecord
	hash                 session.Hasher
	loggingWatch         missingRecordsWatch
}

func newRecordParser(o logformat.Options) *recordParser {
	return &recordParser{
		instance:     o.Instance,
		connections:  o.Shared.LoadOrNew("mongodb", func() any { return newOpenConnections() }).(*openConnections),
		loggingWatch: missingRecordsWatch{conditions: o.Conditions, once: o.Once},
	}
}

func (p *recordParser) Parse(text string, offset int64, batch *logformat.EventBatch) error {
	p.ResumeAt = offset + int64(len(text))
	if text = strings.TrimSpace(logformat.RecordText(text, offset)); text == "" {
		return nil
	}
	if err := p.line.readRecord(text); err != nil {
		return err
	}
	p.lastTime = p.line.time
	p.loggingWatch.setFirstTime(p.line.time)
	if !p.line.concernsLogins() {
		return nil
	}
	if !p.line.hasConnection() {
		return errIncomplete
	}
	p.handleRecord(batch)
	return nil
}

func (p *recordParser) handleRecord(batch *logformat.EventBatch) {
	l, known := &p.line, p.connections
	switch l.id {
	case idStarting:
		known.byNumber.Purge() // the server began anew
	case idAccepted:
		known.addFromRecord(l)
		p.noteConnection()
	case idMetadata:
		known.findOrAddConnection(l).Client = l.client
	case idSucceeded, idSucceededCommand, idSucceededBefore:
		p.noteVerdict()
		p.handleLogin(known.findOrAddConnection(l), batch)
	case idFailed, idFailedCommand, idFailedBefore:
		p.noteVerdict()
		c := known.findConnection(l)
		if c == nil && l.speculative { // the next attempt is compared with it
			c = known.addFromRecord(l)
		}
		p.handleFailure(c, batch)
	case idEnded:
		p.noteConnection()
		p.handleLogout(known.findConnection(l), batch)
		known.removeConnection(l)
	}
}

func (p *recordParser) handleLogin(c *openConnection, batch *logformat.EventBatch) {
	l := &p.line
	c.Refused = ""
	s, again := c.findOrOpenSession(l)
	kind := session.KindLogin
	if again {
		kind = session.KindSessionUpdate // drivers authenticate again when a token expires
	}
	e := batch.Add()
	p.fillEventFields(e, kind, c, s)
	e.Outcome = session.OutcomeSuccess
	p.assignRecordIDs(e, s)
}

// handleFailure ignores what is not an attempt of its own: drivers try to log in within their greeting, and retry with the mechanism
// or user that the server answers with. Servers before 5.1 write nothing of a mechanism that the user does not have.
func (p *recordParser) handleFailure(c *openConnection, batch *logformat.EventBatch) {
	l := &p.line
	code := l.statusCode()
	if l.speculative && code == codeMechanismUnavailable {
		return
	}
	attempt := l.user + "\x00" + l.database
	if c != nil {
		same := c.Refused == attempt
		c.Refused = ""
		if code == codeUserNotFound {
			switch {
			case l.speculative:
				c.Refused = strings.Clone(attempt)
			case same:
				return
			}
		}
	}
	e := batch.Add()
	s := openSession{User: l.user, Database: l.database, Mechanism: l.mechanism, Time: l.time, Member: l.clusterMember}
	p.fillEventFields(e, session.KindLogin, c, &s)
	e.Outcome, e.StatusCode, e.FailureReason = session.OutcomeFailure, code, l.failure
	e.ErrorType = errorTypeOfCode(code, l.failure, l.mechanism)
	p.assignRecordIDs(e, &s)
}

func (p *recordParser) handleLogout(c *openConnection, batch *logformat.EventBatch) {
	if c == nil {
		return
	}
	// MongoDB lets one connection be several users of several databases.
	for i := range c.Opened {
		e := batch.Add()
		p.fillEventFields(e, session.KindLogout, c, &c.Opened[i])
		e.Outcome, e.Duration = session.OutcomeSuccess, max(0, p.line.time-c.Opened[i].Time)
		p.assignRecordIDs(e, &c.Opened[i])
	}
}

func (p *recordParser) fillEventFields(e *session.Event, kind session.Kind, c *openConnection, s *openSession) {
	l := &p.line
	e.Reset()
	e.System, e.Instance, e.Kind, e.Time, e.SourceEvent = session.SystemMongoDB, p.instance, kind, l.time, l.id.String()
	e.User, e.UserEmpty, e.Database = s.User, s.User == "", s.Database
	e.AuthType, e.AuthMethod = s.Mechanism, authMethod(s.Mechanism)
	if e.AuthMethod == session.AuthCertificate && s.User != "" {
		e.CertificateSubjects = append(e.CertificateSubjects, s.User)
	}
	if s.Member || s.User == "__system" && s.Database == "local" {
		e.UserType = session.UserSystem
	}
	e.ClientAddress, e.ClientPort = splitAddress(l.remote)
	e.PID = l.connection
	client := l.client
	if c != nil {
		e.SessionID = c.UUID
		client = client.orDefault(c.Client)
	}
	e.ApplicationName, e.Driver, e.OS = client.Application, client.Driver, client.OS
	if client.Platform != "" {
		e.Extra = append(e.Extra, session.Attr{Key: session.SourceField + "platform", Value: client.Platform})
	}
}

// assignRecordIDs has the time of the login in the ids: a connection's number starts again with the server.
func (p *recordParser) assignRecordIDs(e *session.Event, s *openSession) {
	l := &p.line
	e.SessionKey = p.hash.Start("session", session.SystemMongoDB, p.instance).Int(l.connection).Str(l.remote).Int(s.Time).Str(s.User).Str(s.Database).Key()
	e.RecordID = p.hash.Start("record", session.SystemMongoDB, p.instance).Int(l.connection).Str(l.remote).Int(l.time).Str(e.Kind.String()).
		Str(e.Outcome.String()).Str(s.User).Str(s.Database).Str(s.Mechanism).Int(s.Time).RecordID(l.time)
}
