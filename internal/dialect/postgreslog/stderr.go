package postgreslog

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"unsafe"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

var errStderr = errors.New("a line that does not begin as log_line_prefix says, followed by LOG or FATAL in English: " +
	"set key `log_line_prefix` to what SHOW log_line_prefix gives, and lc_messages = 'C' on the server")

// usualPrefixes are tried without a configured one: the defaults of servers and clouds, and those that log analysers ask for.
var usualPrefixes = []string{
	"%m [%p] %q%u@%d ",               // PostgreSQL's own and Debian's
	"%t:%r:%u@%d:[%p]:",              // Amazon RDS and Aurora
	"%t-%c-",                         // Azure
	"%m [%p]: [%l-1] db=%d,user=%u ", // Google Cloud SQL and AlloyDB
	"%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", // pgBadger, Aiven
	"%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", // the same with milliseconds
	"%t [%p]: user=%u,db=%d,app=%a,client=%h ",        // pgBadger
	"%t [%p]: [%l-1] db=%d,user=%u,app=%a,client=%h ", // pgBadger, the other way round
	"%t [%p]: db=%d,user=%u,app=%a,client=%h ",        // likewise
	"%m [%p]: [%l-1] db=%d,user=%u,app=%a,client=%h ", // CIS
	"%t [%p-%l] %q%u@%d ",                             // Debian's until 9
	"%m [%p] %q[user=%u,db=%d,app=%a] ",               // Aiven
	"%m [%p] %q[user=%u,db=%d,app=%a,host=%h] ",       // pganalyze
	"%m [%p][%b][%v][%x] %q[user=%u,db=%d,app=%a] ",   // Crunchy
	"%h %m [%p] %q%u@%d ",                             // Supabase
	"%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:",        // Amazon's other one, as people write it
	"%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a",         // and as its manual does
	"%m [%p] %c %q%u@%d %r %e %a ",                    // ours
}

// stderrFormat reads the plain text format. A client's name is in it unescaped, line ends too, before the severity and again in the
// message: that distinguishes the true reading of a line from those that a name forges.
type stderrFormat struct {
	prefixes     []*linePrefix
	refusal      error
	matcher      prefixMatcher
	cutName      string // the last name with a line end in it, which a DETAIL bears too
	severityEnds []int  // offsets of possible severities
}

func newStderrFormat(linePrefix string) *stderrFormat {
	f := &stderrFormat{}
	list := usualPrefixes
	if linePrefix != "" {
		list = []string{linePrefix}
	}
	f.matcher.prefixIsGuess = linePrefix == ""
	for _, text := range list {
		p, err := compilePrefix(text)
		if err != nil {
			f.refusal = logformat.NewRefusal("log_line_prefix " + strconv.Quote(text) + " " + err.Error())
			continue
		}
		f.prefixes = append(f.prefixes, p)
	}
	return f
}

// maxContinuationBytes bounds a name with line ends in it: a start-up packet has at most 10,000 bytes.
const maxContinuationBytes = 20_000

// frameLength joins lines that belong together: those that begin with a tab continue the message. A line without a severity, or that
// no record follows, may be cut by a name; then it continues up to where the whole can be read. At the end of the text so far, the
// rest of a record that concerns connections may follow later.
func (f *stderrFormat) frameLength(data []byte) int {
	n := logformat.FirstLineLength(data)
	if n == 0 {
		return 0
	}
	whole := hasSeverity(data[:n])
	if (!whole || f.isContinuation(data[n:])) && f.startsRecord(data[:n]) {
		if joined, wait := f.joinCutRecord(data, n, whole); wait {
			return 0
		} else if joined > 0 {
			n = joined
		}
	}
	for n < len(data) && data[n] == '\t' {
		m := logformat.FirstLineLength(data[n:])
		if m == 0 {
			return 0
		}
		n += m
	}
	if n == len(data) && concernsConnections(data) {
		return 0
	}
	return n
}

// isContinuation is true where neither a record nor a line of the message follows. A name with a line end can make the line that it
// cuts a complete login's; what follows it is not a record.
func (f *stderrFormat) isContinuation(rest []byte) bool {
	return len(rest) > 0 && rest[0] != '\t' && !f.startsRecord(rest[:min(len(rest), maxHeadLength)])
}

var connectionParts = [...][]byte{
	[]byte("FATAL:  "), []byte("PANIC:  "), []byte("DETAIL:  "), []byte(":  connection "), []byte(":  disconnection: "), []byte(":  replication connection "),
	[]byte(":  00000: "), // log_error_verbosity = verbose
}

func concernsConnections(record []byte) bool {
	for _, part := range connectionParts {
		if bytes.Contains(record, part) {
			return true
		}
	}
	return false
}

// maxHeadLength is more than the text before the first free text of a prefix.
const maxHeadLength = 512

func (f *stderrFormat) startsRecord(line []byte) bool {
	text := unsafe.String(unsafe.SliceData(line), len(line)) // not kept
	for _, p := range f.prefixes {
		if p.startsLine(text) {
			return true
		}
	}
	return false
}

// joinCutRecord finds the line with which a record that a name cut can be read with certainty, and waits for it while the text ends.
// After a line that is complete by itself it reads only up to the next record.
func (f *stderrFormat) joinCutRecord(data []byte, first int, whole bool) (n int, wait bool) {
	if first == len(data) {
		return 0, true
	}
	for at := first; at < min(len(data), maxContinuationBytes); {
		if whole && !f.isContinuation(data[at:]) {
			return 0, false
		}
		end := at
		for {
			m := logformat.FirstLineLength(data[end:])
			if m == 0 {
				return 0, len(data) < maxContinuationBytes
			}
			if end += m; end >= len(data) || data[end] != '\t' {
				break
			}
		}
		if f.completesRecord(data[:end], at) {
			return end, false
		}
		if end == len(data) && hasSeverity(data[at:]) {
			return 0, len(data) < maxContinuationBytes // this may be the line, and lack its own rest
		}
		at = end
	}
	return 0, false
}

// completesRecord says whether the lines from at on have the record's severity, and prove it by the name. It reads only these lines,
// so that a name with many line ends costs little. Lines that begin a record can be a part of the user's name only, whose line ends
// are proved too; else a torn record would take the next one for a database's name.
func (f *stderrFormat) completesRecord(data []byte, at int) bool {
	if !hasSeverity(data[at:]) {
		return false
	}
	text := logformat.TrimLineEnd(string(data))
	isNew := !f.isContinuation(data[at:])
	f.findSeverities(text, at)
	for _, spot := range f.severityEnds {
		word := severityBefore(text[max(0, spot-10):spot])
		user := userInMessage(word, text[spot+3:])
		if user == "" && word == "DETAIL" {
			user = f.cutName // the name is only in the refusal before it
		}
		if isNew && strings.IndexByte(user, '\n') < 0 {
			continue
		}
		if user != "" && f.matchesPrefix(text[:spot-len(word)], user) {
			f.cutName = user
			return true
		}
	}
	return false
}

func (f *stderrFormat) readLine(text string, clock *localtime.Clock, l *Line) (bool, error) {
	if f.refusal != nil {
		return false, f.refusal
	}
	if text[0] == '\t' {
		return false, nil // goes on with a message of no concern, which was read before
	}
	word, at := f.locateSeverity(text)
	if word == "" {
		return false, f.explainUnreadable(text)
	}
	v := &f.matcher.prefixValues
	if v.time == "" || v.pid == "" && v.session == "" {
		return false, nil // a process that is no session: its prefix ends at %q
	}
	var err error
	if l.Time, err = v.parseLineTime(clock); err != nil {
		return false, err
	}
	severity := parseSeverity(word)
	state, message := cutSQLState(severity, removeLineTabs(text[at:]))
	if v.state != "" {
		state = v.state
	}
	if state == "00000" {
		state = ""
	}
	port, _ := localtime.ParseDigits(v.port)
	host := v.host
	if host == unknownValue {
		host = ""
	}
	switch kind := classifyMessage(severity, message); {
	case severity == SeverityLog && kind == msgOther && isLocalizedConnection(message, host, port),
		kind == msgFatal && state == "" && classifyRefusal("", message, "") == session.ErrorOther && !endsSession("", message) && isLocalizedRefusal(message):
		return false, errLocalized
	}
	*l = Line{
		Time: l.Time, SessionID: v.session, User: v.user, Database: v.database, Host: v.host, Port: int32(port), Application: v.app, Activity: v.activity,
		Severity: severity, SQLState: state, Message: message, Continues: true,
	}
	return true, v.setBackendID(clock, l)
}

func (f *stderrFormat) explainUnreadable(text string) error {
	switch {
	case f.matcher.digitZone:
		return logformat.NewRefusal("log_line_prefix " + strconv.Quote(f.prefixes[0].text) + " has nothing between a time and a number, and the zone of the log's times is " +
			"digits too, so that its end cannot be found" + prefixRemedy)
	case isSyslogLine(text):
		return errSyslog
	case f.hasLocalizedSeverity(text):
		return errLocalized
	}
	return errStderr
}

func (v *prefixValues) parseLineTime(clock *localtime.Clock) (int64, error) {
	if v.timeOf != 'n' {
		return parseTimestamp(clock, v.time)
	}
	seconds, rest, _ := strings.Cut(v.time, ".")
	n, ok := localtime.ParseDigits(seconds)
	fraction, _, ok2 := localtime.ParseFraction("." + rest)
	if !ok || !ok2 || n > 1<<33 {
		return 0, errTime
	}
	return n*1e9 + fraction, nil
}

func (v *prefixValues) setBackendID(clock *localtime.Clock, l *Line) error {
	var ok bool
	if v.session != "" {
		if l.ID, ok = parseBackendID(v.session); !ok {
			return errSession
		}
		return nil
	}
	if l.ID.PID, ok = localtime.ParseDigits(v.pid); !ok || v.pid == "" {
		return errSession
	}
	l.ID.Start = NoStart
	if v.start == "" {
		return nil
	}
	start, err := parseTimestamp(clock, v.start)
	l.ID.Start = start / 1e9
	return err
}

func detectStderr(head []byte, whole bool) logformat.Verdict {
	first, _, ended := bytes.Cut(head, []byte("\n"))
	if !ended && !whole && len(first) < 1000 {
		return logformat.VerdictWait
	}
	if len(first) > 19 {
		if _, ok := localtime.ParseCivil(string(first[:19])); ok && hasSeverity(first) && first[19] != ',' {
			return logformat.VerdictYes
		}
	}
	if isSyslogLine(string(first)) && !bytes.Contains(head, []byte("sshd")) { // accepted to be refused by its name
		return logformat.VerdictYes
	}
	f := newStderrFormat("")
	if f.hasLocalizedSeverity(string(first)) {
		return logformat.VerdictYes
	}
	// The prefix may begin with something else than the time, and a container's entry point writes before the server does.
	for line := range bytes.Lines(head) {
		if hasSeverity(line) {
			if word, _ := f.locateSeverity(logformat.TrimLineEnd(string(line))); word != "" {
				return logformat.VerdictYes
			}
		}
	}
	return logformat.VerdictNo
}
