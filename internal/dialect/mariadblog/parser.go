package mariadblog

import (
	"bytes"
	"errors"
	"strings"
	"unsafe"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Formats is the audit log of MariaDB and its relatives.
func Formats() []logformat.Format {
	return []logformat.Format{{
		Name: "server_audit", Aliases: []string{"mariadb_audit", "mysql_audit"}, Detect: detectFormat,
		New:        func(o logformat.Options) logformat.Parser { return newAuditParser(o) },
		ClearTimes: "start the server with TZ=UTC and write timezone: UTC",

		LineMayContinue: true, // what follows a record may be the rest of its name, and mostly nothing follows
	}}
}

func detectFormat(head []byte, whole bool) logformat.Verdict {
	first, _, ended := strings.Cut(string(head[:min(len(head), 2048)]), "\n")
	switch {
	case !ended && !whole && len(first) < 1000:
		return logformat.VerdictWait
	case !startsRecord(first):
		return logformat.VerdictNo
	}
	if _, concern, ok := readRecordTail(strings.TrimSuffix(first, "\r")); ok && (concern || strings.Count(first, ",") >= 8) {
		return logformat.VerdictYes
	}
	return logformat.VerdictNo
}

type auditParser struct {
	logformat.LineParser
	instance    string
	clock       localtime.Syslog
	sessions    *openSessions
	hash        session.Hasher
	record      auditRecord
	mayBeInName bool // what was read last may be the beginning of a table's name with line ends in it
}

func newAuditParser(o logformat.Options) *auditParser {
	p := &auditParser{instance: o.Instance, clock: localtime.Syslog{Clock: localtime.New(o.Zone)}}
	if !o.Written.IsZero() {
		p.clock.Written = o.Written.Unix()
	}
	p.sessions = o.Shared.LoadOrNew("server_audit", func() any { return newOpenSessions() }).(*openSessions)
	return p
}

func (p *auditParser) AmbiguousTimes() int { return p.clock.AmbiguousTimes() }

// maxContinuationBytes allows for names of up to 128 characters with line ends in them.
const maxContinuationBytes = 600

// Frame returns the length of a line, or of the lines that a name with line ends makes of one record: one without a record's end
// it goes on up to the first line that has and does not begin another. So does one that seems to have its end, where the next
// line ends a failed login and begins nothing: the name was made to look like another's login.
//
// A name can also be made so that each of its lines is a record with beginning and end. Nobody can distinguish those from true ones.
func (p *auditParser) Frame(data []byte, final bool) int {
	n := p.LineParser.Frame(data, final)
	if n == 0 {
		return 0
	}
	found := 0 // an end, after which there may be the true one
	if _, _, ok := readRecordTail(borrowedLine(data[:n])); ok {
		found = n
	} else if !startsRecord(borrowedLine(data[:n])) {
		return n
	}
	end := min(len(data), n+maxContinuationBytes)
	for at := n; at < end; {
		isNew := startsRecord(borrowedLine(data[at:end]))
		if found > 0 && isNew {
			return found
		}
		m := p.LineParser.Frame(data[at:end], final && end == len(data))
		if m == 0 {
			break
		}
		at += m
		if isNew {
			continue // it may be a part of the name all the same
		}
		if t, concern, ok := readRecordTail(borrowedLine(data[:at])); ok && (found == 0 || concern && t.operation == opFailed) {
			found = at
		}
	}
	switch {
	case !final && len(data) < n+maxContinuationBytes:
		return 0 // the rest of the name may be on its way
	case found > 0:
		return found
	}
	return n
}

// borrowedLine is a record without its line end. The string must not be kept: it shares data's memory.
func borrowedLine(data []byte) string {
	data = bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	return unsafe.String(unsafe.SliceData(data), len(data))
}

// Parse reads a record. One that ends with the comma of a table's record, and follows one, is a login only in the log of a server that
// writes the version of TLS: in others the name of a table makes it.
func (p *auditParser) Parse(text string, offset int64, batch *logformat.EventBatch) error {
	p.ResumeAt = offset + int64(len(text))
	if text = logformat.RecordText(text, offset); text == "" {
		return nil
	}
	concern, err := p.record.readRecord(&p.clock, text)
	afterName := p.mayBeInName
	p.mayBeInName = !concern && (err != nil || text[len(text)-1] == ',')
	if concern && p.record.withoutTLS && afterName && !p.sessions.tlsField {
		return errLine
	}
	switch {
	case errors.Is(err, localtime.ErrNoZone):
		return logformat.NewRefusal("the times of this log are local, and key `timezone` is not set: write the server's zone there, " +
			"as SELECT @@system_time_zone returns it (an IANA name: Europe/Berlin)")
	case errors.Is(err, localtime.ErrNoYear):
		return logformat.NewRefusal("the times of this log have no year, and nothing says when it was written: let syslog write RFC 3339 times")
	case err != nil || !concern:
		return err
	}
	if p.record.withoutTLS || p.record.tls != "" {
		p.sessions.tlsField = true
	}
	p.handleRecord(batch)
	return nil
}

func (p *auditParser) handleRecord(batch *logformat.EventBatch) {
	r := &p.record
	c := connectionKey{r.serverHost, r.connection}
	if r.operation == opChangeUserLong {
		r.operation = opChangeUser
	}
	switch r.operation {
	case opConnect, opFailed:
		p.handleConnect(batch, c)
	case opChangeUser:
		p.handleChangeUser(batch, c)
	case opProxy:
		if login, known := p.sessions.logins.Peek(c); known {
			p.fillEventFields(batch.Add(), session.KindSessionUpdate, login.Login)
		}
	case opDisconnect:
		if login, known := p.sessions.removeLogin(c); known { // else of a failed login, or of one that is older than what was read
			if r.user == "" && r.host == "" { // old versions write neither
				r.user, r.database = login.User, login.Database
			}
			p.fillEventFields(batch.Add(), session.KindLogout, login.Login)
		}
	}
}

func (p *auditParser) handleConnect(batch *logformat.EventBatch, c connectionKey) {
	r := &p.record
	switch failed := r.operation == opFailed || r.code != "0"; {
	case !failed:
		p.rememberLogin(c, r.time)
	case r.user == "" && errorTypeOfCode(r.code) == session.ErrorProtocol:
		p.sessions.removeLogin(c)
		return // a bare connect, as load balancers make them: no name was sent, so this is no attempt to log in
	default:
		p.sessions.removeLogin(c)
	}
	p.fillEventFields(batch.Add(), session.KindLogin, r.time)
}

func (p *auditParser) rememberLogin(c connectionKey, at int64) {
	// A copy: what is kept must not hold on to the large text that it came in.
	p.sessions.logins.Add(connectionKey{strings.Clone(c.Host), c.ID}, openLogin{at, strings.Clone(p.record.user), strings.Clone(p.record.database)})
}

func (p *auditParser) handleChangeUser(batch *logformat.EventBatch, c connectionKey) {
	r := &p.record
	if r.user == "" && r.host == "" { // of a success MariaDB writes neither, and uninitialised memory for the database
		r.database = ""
	}
	at := r.time
	if r.code == "0" { // a logout and a login on one connection; else a failed login during a session that goes on
		if login, known := p.sessions.removeLogin(c); known {
			e := batch.Add()
			p.fillEventFields(e, session.KindLogout, login.Login)
			e.User, e.UserEmpty, e.Database = login.User, false, login.Database // the record has the next session's
			e.UserType = session.DatabaseUserType(e.User, e.Outcome)
			at = max(at, login.Login+1) // times are whole seconds, and a session's time is a part of its key
		}
		p.rememberLogin(c, at)
	}
	e := batch.Add()
	p.fillEventFields(e, session.KindLogin, at)
	e.UserEmpty = e.UserEmpty && r.host != ""
}

func (p *auditParser) fillEventFields(e *session.Event, kind session.Kind, login int64) {
	r := &p.record
	e.Reset()
	e.System, e.Instance, e.Host = session.SystemMariaDB, p.instance, r.serverHost
	if r.timeIsEpoch {
		e.System = session.SystemMySQL // Aurora's own
	}
	e.Time, e.SourceEvent, e.Database = r.time, r.operation, r.database
	e.User, e.UserEmpty = r.user, r.user == ""
	e.ClientAddress, e.ClientPort, e.Interface, e.TLSVersion = r.host, r.port, r.connectionType, strings.TrimPrefix(r.tls, "TLSv")
	e.PID = r.connection
	e.Kind, e.Outcome = kind, session.OutcomeSuccess
	if kind != session.KindLogout && (r.operation == opFailed || r.code != "0") {
		e.Outcome, e.StatusCode, e.ErrorType = session.OutcomeFailure, r.code, errorTypeOfCode(r.code)
	}
	e.UserType = session.DatabaseUserType(e.User, e.Outcome)
	if r.proxy != "" {
		e.Extra = append(e.Extra, session.Attr{Key: session.SourceField + "object", Value: r.proxy})
	}
	e.SessionKey = p.hash.Start("session", session.SystemMariaDB, p.instance).Str(r.serverHost).Int(r.connection).Int(login).Key()
	p.hash.Start("record", session.SystemMariaDB, p.instance).Str(r.serverHost).Int(r.connection).Int(r.time).Str(r.operation).Str(r.code)
	if r.operation == opChangeUser {
		p.hash.Str(kind.String()).Str(r.user).Int(login)
	}
	e.RecordID = p.hash.RecordID(r.time)
}

// errorTypeOfCode classifies the server's error codes, those of MariaDB and MySQL.
func errorTypeOfCode(code string) string {
	switch code {
	case "1045", "1698":
		return session.ErrorInvalidCredentials
	case "1044", "1142", "1227":
		return session.ErrorNotPermitted
	case "1049":
		return session.ErrorDatabaseUnknown
	case "4151", "3118", "3955":
		return session.ErrorAccountLocked
	case "1820", "1862":
		return session.ErrorPasswordExpired
	case "1040", "1203", "1226":
		return session.ErrorConnectionLimit
	case "1129", "1130":
		return session.ErrorAddressNotAllowed
	case "1251", "1524", "2059", "3159":
		return session.ErrorMethodNotAllowed
	case "1043", "1047", "1156", "1157", "1158", "1159", "1160", "1161":
		return session.ErrorProtocol
	}
	return session.ErrorOther
}
