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

var errStderr = errors.New("a line that is not as log_line_prefix says, with LOG or FATAL in English behind it: " +
	"set key `log_line_prefix` to what SHOW log_line_prefix gives, and lc_messages = 'C' on the server")

// usualPrefixes are tried when nobody says which: those that servers and clouds come with, and the one that log analysers ask for.
var usualPrefixes = []string{
	"%m [%p] %q%u@%d ",               // PostgreSQL's own and Debian's
	"%t:%r:%u@%d:[%p]:",              // Amazon RDS and Aurora
	"%t-%c-",                         // Azure
	"%m [%p]: [%l-1] db=%d,user=%u ", // Google Cloud SQL and AlloyDB
	"%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", // pgBadger, Aiven
	"%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", // the same with milliseconds
	"%t [%p]: user=%u,db=%d,app=%a,client=%h ",        // pgBadger
	"%m [%p] %q[user=%u,db=%d,app=%a] ",               // Aiven
	"%m [%p] %q[user=%u,db=%d,app=%a,host=%h] ",       // pganalyze
	"%m [%p][%b][%v][%x] %q[user=%u,db=%d,app=%a] ",   // Crunchy
	"%h %m [%p] %q%u@%d ",                             // Supabase
	"%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:",        // what Amazon recommends
	"%m [%p] %c %q%u@%d %r %e %a ",                    // ours
}

// stderrFormat reads the plain text format. A name that a client chose stands in it as it is, line ends and all, before the
// severity and again within the message: that is what tells the true reading of a line from those that a name forges.
type stderrFormat struct {
	prefixes []*prefix
	refusal  error
	m        matcher
	cut      string // the last name with a line end in it, which a DETAIL bears too
	spots    []int  // where a severity stands
}

func newStderr(linePrefix string) *stderrFormat {
	f := &stderrFormat{}
	list := usualPrefixes
	if linePrefix != "" {
		list = []string{linePrefix}
	}
	f.m.plain = linePrefix == ""
	for _, text := range list {
		p, err := compilePrefix(text)
		if err != nil {
			f.refusal = logformat.Refuse("log_line_prefix " + strconv.Quote(text) + " " + err.Error())
			continue
		}
		f.prefixes = append(f.prefixes, p)
	}
	return f
}

// maxName bounds how far a name with line ends in it is followed: a start-up packet has at most 10,000 bytes.
const maxName = 20_000

// frame takes the lines that belong together: those that begin with a tab go on with the message. A line that has no severity,
// or behind which no other record begins, may be one that a name cut; then it goes on up to where the whole can be read. Where
// the text ends so far, the rest of a record that counts may be on its way.
func (f *stderrFormat) frame(data []byte) int {
	n := logformat.Line(data)
	if n == 0 {
		return 0
	}
	whole := hasSeverity(data[:n])
	if (!whole || f.goesOn(data[n:])) && f.begins(data[:n]) {
		if joined, wait := f.join(data, n, whole); wait {
			return 0
		} else if joined > 0 {
			n = joined
		}
	}
	for n < len(data) && data[n] == '\t' {
		m := logformat.Line(data[n:])
		if m == 0 {
			return 0
		}
		n += m
	}
	if n == len(data) && counts(data) {
		return 0
	}
	return n
}

// goesOn tells whether what follows a line is neither another record nor more of the message. A name with a line end in it can
// be made so that the line which it cuts is a login's, whole and true to the last letter; what stands behind it is not.
func (f *stderrFormat) goesOn(rest []byte) bool {
	return len(rest) > 0 && rest[0] != '\t' && !f.begins(rest[:min(len(rest), maxBegin)])
}

// parts of the records that are about connections.
var counting = [...][]byte{
	[]byte("FATAL:  "), []byte("PANIC:  "), []byte("DETAIL:  "), []byte(":  connection "), []byte(":  disconnection: "), []byte(":  replication connection "),
	[]byte(":  00000: "), // log_error_verbosity = verbose
}

func counts(record []byte) bool {
	for _, part := range counting {
		if bytes.Contains(record, part) {
			return true
		}
	}
	return false
}

// maxBegin is more than what stands before the first free text of a prefix.
const maxBegin = 512

func (f *stderrFormat) begins(line []byte) bool {
	text := unsafe.String(unsafe.SliceData(line), len(line)) // looked at, and not kept
	for _, p := range f.prefixes {
		if p.begins(text) {
			return true
		}
	}
	return false
}

// join looks for the line with which a record that a name cut can be read, and is certain. It waits for that line while the
// one that lacks it is the last. Behind a line that is whole by itself it looks no further than to the next record.
func (f *stderrFormat) join(data []byte, first int, whole bool) (n int, wait bool) {
	if first == len(data) {
		return 0, true
	}
	for at := first; at < min(len(data), maxName); {
		if whole && !f.goesOn(data[at:]) {
			return 0, false
		}
		end := at
		for {
			m := logformat.Line(data[end:])
			if m == 0 {
				return 0, len(data) < maxName
			}
			if end += m; end >= len(data) || data[end] != '\t' {
				break
			}
		}
		if f.completes(data[:end], at) {
			return end, false
		}
		if end == len(data) && hasSeverity(data[at:]) {
			return 0, len(data) < maxName // this may be the line, and lack its own rest
		}
		at = end
	}
	return 0, false
}

// completes tells whether the lines from at on have the severity of the record that data is, and prove it by the name. It
// looks at these lines alone, so that a name with many of them costs little. Lines that begin a record can be a part of the
// user's name only, whose line ends are proved too; else a torn record would take its neighbour for a database's name.
func (f *stderrFormat) completes(data []byte, at int) bool {
	if !hasSeverity(data[at:]) {
		return false
	}
	text := logformat.TrimLineEnd(string(data))
	isNew := !f.goesOn(data[at:])
	f.find(text, at)
	for _, spot := range f.spots {
		word := severityBefore(text[max(0, spot-10):spot])
		user := userOf(word, text[spot+3:])
		if user == "" && word == "DETAIL" {
			user = f.cut // its line says less than that of the refusal before it
		}
		if isNew && strings.IndexByte(user, '\n') < 0 {
			continue
		}
		if user != "" && f.matches(text[:spot-len(word)], user) {
			f.cut = user
			return true
		}
	}
	return false
}

func (f *stderrFormat) read(text string, clock *localtime.Clock, l *Line) (bool, error) {
	if f.refusal != nil {
		return false, f.refusal
	}
	if text[0] == '\t' {
		return false, nil // goes on with a message of no concern, which was read before
	}
	word, at := f.locate(text)
	if word == "" {
		return false, f.unreadable(text)
	}
	v := &f.m.values
	if v.time == "" || v.pid == "" && v.session == "" {
		return false, nil // a process that is no session: of its prefix nothing stands behind %q
	}
	var err error
	if l.Time, err = v.moment(clock); err != nil {
		return false, err
	}
	severity := parseSeverity(word)
	state, message := cutState(severity, plainMessage(text[at:]))
	if v.state != "" {
		state = v.state
	}
	if state == "00000" {
		state = ""
	}
	port, _ := localtime.Digits(v.port)
	host := v.host
	if host == unknown {
		host = ""
	}
	switch kind := classify(severity, message); {
	case severity == SeverityLog && kind == msgOther && foreign(message, host, port),
		kind == msgFatal && state == "" && errorType("", message, "") == session.ErrorOther && !ends("", message) && foreignRefusal(message):
		return false, errLocalized
	}
	*l = Line{
		Time: l.Time, SessionID: v.session, User: v.user, Database: v.database, Host: v.host, Port: int32(port), Application: v.app, Activity: v.activity,
		Severity: severity, SQLState: state, Message: message, Continues: true,
	}
	return true, v.identify(clock, l)
}

// unreadable says why a line cannot be read. What stands in the way of all lines refuses the whole text.
func (f *stderrFormat) unreadable(text string) error {
	switch {
	case f.m.digitZone:
		return logformat.Refuse("log_line_prefix " + strconv.Quote(f.prefixes[0].text) + " has nothing between a time and a number, and the zone of the log's times is " +
			"digits too, so that nobody can tell where it ends" + remedy)
	case isSyslog(text):
		return errSyslog
	case f.foreignSeverity(text):
		return errLocalized
	}
	return errStderr
}

// moment is the time of a line: %m, %t or %n.
func (v *values) moment(clock *localtime.Clock) (int64, error) {
	if v.timeOf != 'n' {
		return stamp(clock, v.time)
	}
	seconds, rest, _ := strings.Cut(v.time, ".")
	n, ok := localtime.Digits(seconds)
	fraction, _, ok2 := localtime.Fraction("." + rest)
	if !ok || !ok2 || n > 1<<33 {
		return 0, errTime
	}
	return n*1e9 + fraction, nil
}

// identify finds the backend: %c, or what it is made of.
func (v *values) identify(clock *localtime.Clock, l *Line) error {
	var ok bool
	if v.session != "" {
		if l.ID, ok = parseID(v.session); !ok {
			return errSession
		}
		return nil
	}
	if l.ID.PID, ok = localtime.Digits(v.pid); !ok || v.pid == "" {
		return errSession
	}
	l.ID.Start = NoStart
	if v.start == "" {
		return nil
	}
	start, err := stamp(clock, v.start)
	l.ID.Start = start / 1e9
	return err
}

// detectStderr looks for a time at the beginning of the first line and a severity further on. What syslog has made of such a log is
// taken too, so that it is refused by its name.
func detectStderr(head []byte, whole bool) logformat.Verdict {
	first, _, ended := bytes.Cut(head, []byte("\n"))
	if !ended && !whole && len(first) < 1000 {
		return logformat.Wait
	}
	if len(first) > 19 {
		if _, ok := localtime.Civil(string(first[:19])); ok && hasSeverity(first) && first[19] != ',' {
			return logformat.Yes
		}
	}
	if isSyslog(string(first)) && !bytes.Contains(head, []byte("sshd")) {
		return logformat.Yes
	}
	if hasSeverity(first) { // a prefix that begins with something else than the time
		if word, _ := newStderr("").locate(string(first)); word != "" {
			return logformat.Yes
		}
	}
	return logformat.No
}
