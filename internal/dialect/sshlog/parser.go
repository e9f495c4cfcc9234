package sshlog

import (
	"errors"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/syslogline"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Formats is the auth log with the lines of sshd.
func Formats() []logformat.Format {
	return []logformat.Format{{
		Name: "sshd", Aliases: []string{"auth.log", "openssh"}, Detect: detectFormat,
		New:        func(o logformat.Options) logformat.Parser { return NewParser(o) },
		ClearTimes: "let syslog write RFC 3339 times (RSYSLOG_FileFormat of rsyslog)",

		DecidesByTime: true,
	}}
}

// Identifiers are the names under which sshd writes: since 9.8 the program of a connection is sshd-session, and since 10 what is
// before a login sshd-auth.
var Identifiers = []string{"sshd", "sshd-session", "sshd-auth"}

// isServerProgram accepts a program, or the systemd unit in its place.
func isServerProgram(program string) bool {
	switch program {
	case "ssh.service", "in.sshd", dropbearSystem:
		return true
	}
	if strings.HasPrefix(program, "sshd") && !strings.Contains(program, "@") { // a second server runs under a name of its own: sshd-external, sshd2
		return true
	}
	name, found := strings.CutSuffix(program, ".service")
	return found && (strings.HasPrefix(name, "ssh@") || strings.HasPrefix(name, "sshd@")) ||
		strings.HasPrefix(program, "session-") && strings.HasSuffix(program, ".scope") // where PAM moves it to
}

const authProgram = "sshd-auth"

func isServerFile(file string) bool {
	file = strings.TrimSuffix(file, " (deleted)") // since an upgrade
	switch file[strings.LastIndexByte(file, '/')+1:] {
	case "sshd", "sshd-session":
		return strings.HasPrefix(file, "/usr/") || strings.HasPrefix(file, "/sbin/") || strings.HasPrefix(file, "/opt/") // folders where users cannot put a program
	}
	return false
}

// Parser parses one text, or lines that were already split by syslogline.
type Parser struct {
	logformat.LineParser
	instance        string
	lines           syslogline.Reader
	connections     *openConnections
	hash            session.Hasher
	lastAttempt     repeatableAttempt
	serverLineWatch lineWatch
}

// repeatableAttempt is an attempt in the line before, which a syslog daemon may report as repeated.
type repeatableAttempt struct {
	Host    string
	Program string
	PID     int64
	Text    string
}

// NewParser makes the parser of one text.
func NewParser(o logformat.Options) *Parser {
	p := &Parser{instance: o.Instance, lines: syslogline.Reader{Clock: localtime.Syslog{Clock: localtime.New(o.Zone)}}, serverLineWatch: lineWatch{conditions: o.Conditions, once: o.Once}}
	if !o.Written.IsZero() {
		p.lines.Clock.Written = o.Written.Unix()
	}
	p.connections = o.Shared.LoadOrNew("sshd", func() any { return &openConnections{} }).(*openConnections)
	return p
}

// AmbiguousTimes implements [logformat.Parser].
func (p *Parser) AmbiguousTimes() int { return p.lines.Clock.AmbiguousTimes() }

// Errors of lines that cannot be read. None holds a value.
var (
	errLine      = errors.New("not a line of a syslog file: a time, a host, a program")
	errUnread    = errors.New("a line of sshd that begins as one of a login, and does not end as one: it was cut, or is of protocol 1")
	errFrame     = errors.New("a line of sshd in a frame that is not known: let syslog write `TIME HOST sshd[PID]: MESSAGE`, or RFC 5424")
	errAmbiguous = errors.New("a failure whose user name or certificate is made to look like another one: this line does not show which it was")
	errForged    = errors.New("a line under sshd's name that another user's process wrote (_UID is not 0)")
	errNotProven = errors.New("the end of a session by a process that is neither root's nor, by its _EXE, of sshd's program (_UID is not 0)")
)

// Parse implements [logformat.Parser].
func (p *Parser) Parse(record string, offset int64, batch *logformat.EventBatch) error {
	p.ResumeAt = offset + int64(len(record))
	if record = logformat.RecordText(record, offset); record == "" {
		return nil
	}
	l, err := p.lines.Read(record)
	if err != nil && !errors.Is(err, syslogline.ErrNoMessage) {
		return explainRefusal(record, err)
	}
	if l.Nanos == 0 {
		return nil // no record
	}
	if l.Program == "" && !l.Journal {
		return p.handleUnframed(&l, batch)
	}
	if !isServerProgram(l.Program) {
		p.advanceTime(l.Nanos, batch)
		if isMisframed(&l) {
			return errFrame
		}
		return nil
	}
	if err != nil {
		p.advanceTime(l.Nanos, batch)
		return err
	}
	return p.ParseLine(&l, batch)
}

func explainRefusal(record string, err error) error {
	switch {
	case errors.Is(err, localtime.ErrNoZone):
		return logformat.NewRefusal("the times of this log carry no zone, and key `timezone` is not set: write the machine's zone there, " +
			"as timedatectl names it, or let syslog write RFC 3339 times")
	case errors.Is(err, localtime.ErrNoYear):
		return logformat.NewRefusal("the times of this log have no year, and nothing says when it was written: let syslog write RFC 3339 times")
	case errors.Is(err, localtime.ErrStamp), errors.Is(err, syslogline.ErrJournal):
		if form := timelessForm(record); form != "" {
			return logformat.NewRefusal(form + ": " + timelessRemedy)
		}
	}
	return err
}

const timelessRemedy = "write the log with syslog, or export the journal with `journalctl -o json --all`; or read it with the source `journald`"

// timelessForm names the kind of a text of sshd's without times, "" for any other.
func timelessForm(record string) string {
	switch {
	case record == "{":
		return "this is `journalctl -o json-pretty`, whose entries go over several lines"
	case strings.HasPrefix(record, "__CURSOR=") || strings.HasPrefix(record, "__REALTIME_TIMESTAMP="):
		return "this is `journalctl -o export`, whose entries go over several lines"
	case len(record) > 1 && record[0] == '[' && (record[1] == ' ' || record[1] >= '0' && record[1] <= '9') && strings.Contains(record, "sshd"):
		return "the times of this log count from the machine's start"
	}
	if m := parseMessageText(record); m.kind != kindOther || strings.HasPrefix(record, "Server listening on ") {
		return "the lines of this log have no times, as with sshd -E or -e, or `journalctl -o cat`"
	}
	return ""
}

func (p *Parser) advanceTime(now int64, batch *logformat.EventBatch) {
	p.lastAttempt = repeatableAttempt{}
	p.connections.lastLineTime = now
	if p.serverLineWatch.firstTime == 0 {
		p.serverLineWatch.firstTime = now
	}
	p.flushDueConnections(now, batch)
}

func (p *Parser) handleUnframed(l *syslogline.Line, batch *logformat.EventBatch) error {
	last := p.lastAttempt
	p.advanceTime(l.Nanos, batch)
	text := strings.TrimPrefix(l.Text, "--- ")
	if l.Host == "last" { // there is no host before it
		text = "last " + text
	}
	if times, found := strings.CutPrefix(text, "last message repeated "); found && last.Text != "" {
		count, _, _ := strings.Cut(times, " time")
		n, _ := localtime.ParseDigits(count)
		again := syslogline.Line{Nanos: l.Nanos, Host: last.Host, Program: last.Program, PID: last.PID, Text: last.Text}
		return p.handleRepeated(&again, int(min(n, maxRepeated)), batch)
	}
	switch {
	case l.Text == "" || strings.IndexByte(l.Text, ' ') < 0 && l.Host == "":
		return errLine
	case (strings.Contains(l.Text, "sshd") || strings.Contains(l.Text, " ssh2")) &&
		(strings.Contains(l.Text, "Failed ") || strings.Contains(l.Text, "Accepted ") || strings.Contains(l.Text, "Invalid user ")):
		return errFrame
	}
	return nil
}

func isMisframed(l *syslogline.Line) bool {
	// "HOST: sshd[1]: …"
	begin, rest, found := strings.Cut(l.Text, "]: ")
	if found && strings.Contains(begin, "sshd") && strings.Count(begin, " ") <= maxFrameBlanks {
		return isAttemptText(rest)
	}
	return strings.Contains(l.Program, "ssh") && isAttemptText(l.Text) // a server with another name
}

// maxFrameBlanks is how many blanks may be in the rest of an unknown frame: "h1 sshd[1".
const maxFrameBlanks = 2

func isAttemptText(text string) bool {
	for _, form := range [...]string{formAccepted, formFailed} {
		if rest, found := strings.CutPrefix(text, form); found {
			_, rest, _ = strings.Cut(rest, " ")
			return strings.HasPrefix(rest, "for ")
		}
	}
	return strings.HasPrefix(text, formInvalid)
}

// ParseLine parses a line of sshd's, whatever its program's name.
func (p *Parser) ParseLine(l *syslogline.Line, batch *logformat.EventBatch) error {
	p.advanceTime(l.Nanos, batch)
	p.noteServerLine()
	times := 1
	if inner, found := strings.CutPrefix(l.Text, "message repeated "); found {
		times, l.Text = parseRepeated(inner)
	}
	return p.handleRepeated(l, times, batch)
}

func (p *Parser) handleRepeated(l *syslogline.Line, times int, batch *logformat.EventBatch) error {
	m := p.parseMessage(l)
	if l.UID != "" && l.UID != "0" {
		switch m.kind {
		case kindOther, kindDisconnectReceived, kindEnded: // the last two count only from the process of the login, which is root's
			return nil
		case kindDisconnected:
			m.writer = writerUser
			if isServerFile(l.Exe) {
				m.writer = writerSession
			}
		default:
			return errForged
		}
	}
	if m.kind == kindOther && l.Module == "" && isAttemptText(l.Text) && !strings.Contains(l.Text, " ssh2: ") {
		return errUnread
	}
	from := processKey{host: l.Host, pid: l.PID}
	if l.PID == 0 {
		from.peer = clientName(m.address, m.port)
	}
	for range times {
		again := m
		if err := p.handleMessage(from, l.Program == authProgram, l.Nanos, &again, batch); err != nil {
			return err
		}
	}
	if m.kind == kindFailed {
		p.lastAttempt = repeatableAttempt{l.Host, l.Program, l.PID, l.Text}
	}
	return nil
}

func (p *Parser) parseMessage(l *syslogline.Line) (m sshdMessage) {
	if strings.HasPrefix(l.Module, "pam_") {
		m.readPAMModule(l.Module, "", l.Text)
		return m
	}
	if l.Program == dropbearSystem {
		return parseDropbear(l.Text)
	}
	return parseMessageText(l.Text)
}

// maxRepeated bounds the events of one "message repeated" line.
const maxRepeated = 1000

func parseRepeated(s string) (times int, text string) {
	// 3 times: [ MESSAGE]
	count, text, _ := strings.Cut(s, " times: [ ")
	n, ok := localtime.ParseDigits(count)
	text, ok2 := strings.CutSuffix(text, "]")
	if !ok || !ok2 {
		return 0, ""
	}
	return int(min(n, maxRepeated)), text
}

// LogTime implements [logformat.Parser].
func (p *Parser) LogTime() int64 { return p.connections.lastLineTime }

// FlushDue implements [logformat.Parser].
func (p *Parser) FlushDue(now int64, batch *logformat.EventBatch) {
	p.flushDueConnections(now, batch)
	p.checkServerLines(now)
}

// flushDueConnections emits the failures of connections without a further line: after sshd's grace time, or where one was due at once.
func (p *Parser) flushDueConnections(now int64, batch *logformat.EventBatch) {
	for c := p.connections.nextDueFollowUp(now); c != nil; c = p.connections.nextDueFollowUp(now) {
		if c.Attempt == nil {
			p.endDisconnected(c, batch)
		}
		p.emitAttempt(c, batch)
	}
	for c := p.connections.nextOverdue(now); c != nil; c = p.connections.nextOverdue(now) {
		p.emitAbandoned(c, c.FirstTime, "", batch)
		p.connections.removeConnection(c)
	}
}

func (p *Parser) endDisconnected(c *sshConnection, batch *logformat.EventBatch) {
	if c.Reason == "" {
		c.Reason = c.EndReason
	}
	c.EndExpectedSince = 0
	p.emitAbandoned(c, c.FirstTime, "", batch)
}

type parserState struct {
	Before int64
	Known  []*sshConnection
	Last   repeatableAttempt
	Seen   bool // a line of sshd's
}

// ResumeState implements [logformat.Parser].
func (p *Parser) ResumeState() []byte {
	s := parserState{Before: p.lines.Clock.Before, Known: p.connections.listOldestFirst(), Seen: p.connections.serverLines, Last: p.lastAttempt}
	return logformat.EncodeState(s)
}

// Restore keeps the later connection of each process where several texts have one.
func (p *Parser) Restore(offset int64, text []byte, _ bool) error {
	var s parserState
	if err := logformat.DecodeState(text, &s); err != nil {
		return err
	}
	p.ResumeAt, p.lines.Clock.Before = offset, s.Before
	p.lastAttempt = s.Last
	p.connections.serverLines = p.connections.serverLines || s.Seen || len(s.Known) > 0
	p.connections.lastLineTime = max(p.connections.lastLineTime, s.Before*1e9) // this machine's clock may differ from the log's
	for _, c := range s.Known {
		if had := p.connections.byProcess[c.processKey()]; had == nil || had.FirstTime < c.FirstTime {
			p.connections.addConnection(c)
		}
	}
	return nil
}
