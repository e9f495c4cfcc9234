package postgreslog_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/postgreslog"
)

// backend is what a server knows of a process when it writes a line of its log.
type backend struct {
	pid              int
	session          bool
	user, db, app    string
	host, port       string
	kind, doing, xid string
	state            string
	line             int
	started          time.Time
}

// written makes the lines of a log as a server does (log_line_prefix in elog.c): the escapes, their padding, and %q.
type written struct {
	prefix  string
	verbose bool
	zone    *time.Location
	text    strings.Builder
}

func (w *written) say(b *backend, at time.Time, severity, state, message string, more ...string) {
	b.line++
	b.state = state
	lines := []string{severity + ":  "}
	if w.verbose {
		lines[0] += state + ": "
	}
	lines[0] += message
	lines = append(lines, more...)
	if w.verbose {
		lines = append(lines, "LOCATION:  PerformAuthentication, postinit.c:267")
	}
	for _, line := range lines {
		w.text.WriteString(w.before(b, at) + strings.ReplaceAll(line, "\n", "\n\t") + "\n")
	}
}

func (w *written) before(b *backend, at time.Time) string {
	var out strings.Builder
	for i := 0; i < len(w.prefix); i++ {
		if w.prefix[i] != '%' {
			out.WriteByte(w.prefix[i])
			continue
		}
		width := ""
		for i++; i < len(w.prefix) && strings.IndexByte("-0123456789", w.prefix[i]) >= 0; i++ {
			width += w.prefix[i : i+1]
		}
		switch c := w.prefix[i]; {
		case c == '%' && width == "":
			out.WriteByte('%')
		case c == 'q' && !b.session:
			return out.String()
		case strings.IndexByte("abcdehilLmnpPQrstuvx", c) >= 0:
			fmt.Fprintf(&out, "%"+width+"s", w.value(b, at, c))
		}
	}
	return out.String()
}

func (w *written) value(b *backend, at time.Time, escape byte) string {
	const stamp = "2006-01-02 15:04:05"
	ofSession := func(s string) string {
		if !b.session {
			return ""
		}
		if s == "" {
			return "[unknown]"
		}
		return s
	}
	switch escape {
	case 'm':
		return at.In(w.zone).Format(stamp + ".000 MST")
	case 't':
		return at.In(w.zone).Format(stamp + " MST")
	case 's':
		return b.started.In(w.zone).Format(stamp + " MST")
	case 'n':
		return fmt.Sprintf("%d.%03d", at.Unix(), at.UnixMilli()%1000)
	case 'c':
		return fmt.Sprintf("%x.%x", b.started.Unix(), b.pid)
	case 'u':
		return ofSession(b.user)
	case 'd':
		return ofSession(b.db)
	case 'a':
		return ofSession(b.app)
	case 'h':
		return b.host
	case 'L':
		return map[bool]string{true: "10.0.0.1", false: "[none]"}[b.session]
	case 'r':
		if b.port == "" {
			return b.host
		}
		return b.host + "(" + b.port + ")"
	case 'p':
		return strconv.Itoa(b.pid)
	case 'l':
		return strconv.Itoa(b.line)
	case 'e':
		return b.state
	case 'v':
		return b.xid
	case 'x':
		return "0"
	case 'Q':
		return "-42"
	case 'b':
		return b.kind
	case 'i':
		return b.doing
	}
	return ""
}

// story is a login, its logout, a refusal, and lines of processes that are no session.
func (w *written) story() {
	at := func(ms int) time.Time {
		return time.Date(2026, 1, 5, 10, 0, 2, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond)
	}
	w.say(&backend{pid: 77, started: at(-5000), kind: "checkpointer"}, at(0), "LOG", "00000", "checkpoint starting: time")
	b := &backend{pid: 4711, started: at(10), session: true, host: "192.0.2.9", port: "50011", kind: "client backend"}
	w.say(b, at(11), "LOG", "00000", "connection received: host=192.0.2.9 port=50011")
	b.user, b.db, b.doing, b.xid = "mara", "shop", "authentication", "3/17"
	w.say(b, at(15), "LOG", "00000", "connection authenticated: identity=\"mara\" method=md5 (/etc/pg_hba.conf:9)")
	w.say(b, at(16), "LOG", "00000", "connection authorized: user=mara database=shop")
	b.app, b.doing = "etl", "SELECT"
	w.say(b, at(20), "ERROR", "42P01", "relation \"t\" does not exist at character 15", "STATEMENT:  SELECT * FROM t")
	b.doing = "idle"
	w.say(b, at(1500), "LOG", "00000", "disconnection: session time: 0:00:01.489 user=mara database=shop host=192.0.2.9 port=50011")
	b = &backend{pid: 4712, started: at(2000), session: true, host: "192.0.2.9", port: "50012", kind: "client backend"}
	w.say(b, at(2001), "LOG", "00000", "connection received: host=192.0.2.9 port=50012")
	b.user, b.db, b.doing, b.xid = "eve", "shop", "authentication", "3/18"
	w.say(b, at(2005), "FATAL", "28P01", "password authentication failed for user \"eve\"", "DETAIL:  Role \"eve\" does not exist.\nConnection matched file \"/etc/pg_hba.conf\" line 9: \"host all all all md5\"")
	w.say(&backend{pid: 77, started: at(-5000), kind: "checkpointer"}, at(3000), "LOG", "00000", "checkpoint complete: wrote 3 buffers (0.0%)")
}

// cloudPrefixes are what servers and clouds come with, what log analysers ask for, and what people write in issues and answers.
var cloudPrefixes = []string{
	"%t [%p]: db=%d,user=%u,app=%a,client=%h ", "%t [%p]: [%l-1] db=%d,user=%u,app=%a,client=%h ", "%m [%p]: [%l-1] db=%d,user=%u,app=%a,client=%h ",
	"%m [%p] ", "%m [%p] %q%u@%d ", "%t [%p-%l] %q%u@%d ", "%t:%r:%u@%d:[%p]:", "%t-%c-", "%m [%p]: [%l-1] db=%d,user=%u ", "%t [%p]: [%l-1] ",
	"%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", "%t [%p]: user=%u,db=%d,app=%a,client=%h ",
	"%m [%p] %q[user=%u,db=%d,app=%a] ", "%m [%p] %q[user=%u,db=%d,app=%a,host=%h] ", "%m [%p][%b][%v][%x] %q[user=%u,db=%d,app=%a] ",
	"%h %m [%p] %q%u@%d ", "%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:", "%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a", "%m [%p] %c %q%u@%d %r %e %a ",
	"%p-%s-%c-%l-%h-%u-%d-%m", "%p-%s-%c-%l-%h-%u-%d-%m ", "%m [%p][%v] : [%l-1] %q[app=%a] ", "%t [%p]: [%l-1] user=%u,db=%d - PG-%e ",
	"%t [%p]: [%l-1] [trx_id=%x] user=%u,db=%d ", "%m %r %u %a [%c] [%p] ", "%m|%u|%d|%r|%p|%l|%e|%s|%v|%x|%c|%i|%P|%a|%Q|",
	"%m %p %u@%d from %h [vxid:%v txid:%x] [%i] ", "< %m >%p ", "< %t %u %d %p>", "[%m] [%p] ", "%m-%p-", "%m%p ",
	"time=%t, pid=%p %q db=%d, usr=%u, client=%h , app=%a, line=%l ", "%t;%p;%s;%v;%x;%u;%d;%h;", "%n [%p] ", "%m [%p:%l] ", "%m %d %u %h %p ",
	" sql_error_code = %e time_ms = \"%m\" pid=\"%p\" proc_start_time=\"%s\" session_id=\"%c\" vtid=\"%v\" tid=\"%x\" log_line=\"%l\" %qdatabase=\"%d\" connection_source=\"%r\" user=\"%u\" application_name=\"%a\" ",
}

// TestEveryLiteralBehindEveryEscape: what stands behind a value does not belong to it.
func TestEveryLiteralBehindEveryEscape(t *testing.T) {
	prefixes := append([]string(nil), cloudPrefixes...)
	literals := []string{" ", "-", "/", ":", ".", ",", "|", "]", ")", "_", "+", "=", "%%", "@", "-1] ", ": ", " - ", "x", "Z", "user=", "0 ", "]:[", "(", "["}
	for _, escape := range "abcdehiLlmnPpQrstuvx" {
		for _, literal := range literals {
			prefixes = append(prefixes, fmt.Sprintf("%%m [%%p] <%%%c%s", escape, literal), fmt.Sprintf("[%%%c%s%%m [%%p] ", escape, literal))
		}
		for _, width := range []string{"5", "-5", "24", "-24", "64", "-64"} {
			prefixes = append(prefixes, fmt.Sprintf("%%m [%%p] <%%%s%c-%%l ", width, escape), fmt.Sprintf("[%%%s%c|%%m %%q%%p ", width, escape))
		}
	}
	prefixes = append(prefixes, // nothing between two values
		"%m%p ", "%t%c ", "%c%m ", "%p%c%m ", "%c%p%m ", "%n%p ", "%e%u %m %p ", "%m%r %p ", "%m%h %p ", "%-10p%u %m ", "%m%z%p ", "%p%e %m ", "%r%u %m %p ", "%m%s%p %c ")
	for _, prefix := range prefixes {
		for _, verbose := range []bool{false, true} {
			w := &written{prefix: prefix, zone: time.UTC, verbose: verbose}
			w.story()
			requireStory(t, w, logformat.Options{Instance: "pg", LinePrefix: prefix})
		}
	}
}

// TestEveryZoneBeforeEveryLiteral does so for the abbreviations of zones, which are letters or digits with a sign.
func TestEveryZoneBeforeEveryLiteral(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "Europe/Moscow", "Asia/Kolkata", "Asia/Kathmandu", "America/Sao_Paulo", "America/St_Johns", "Pacific/Guam", "Asia/Tehran"} {
		zone, err := time.LoadLocation(name)
		require.NoError(t, err)
		for _, prefix := range append([]string{"%t-%c-", "%m-%p-", "%m+%p+", "%m:%p:", "%mZ%pZ", "%muser=%u %p ", "%m[%p]", "%p-%c-%m", "%m0[%p]", "%m-0530-%p "}, cloudPrefixes...) {
			if prefix == "%m%p " && (zone.String() != "UTC" && name != "Europe/Berlin" && name != "Europe/Moscow" && name != "Asia/Kolkata") {
				continue // TestPrefixesThatNobodyCanRead
			}
			w := &written{prefix: prefix, zone: zone}
			w.story()
			requireStory(t, w, logformat.Options{Instance: "pg", LinePrefix: prefix, Zone: zone})
		}
	}
}

// requireStory reads what was written, and finds as much of it as the prefix tells.
func requireStory(t *testing.T, w *written, o logformat.Options) {
	t.Helper()
	events, bad := parse(t, newTextParser(t, "stderr", o), w.text.String())
	require.Empty(t, bad, "%q\n%s", w.prefix, w.text.String())
	require.Len(t, events, 3, "%q\n%s", w.prefix, w.text.String())
	for i, want := range []string{"login success mara@shop", "logout success mara@shop", "login failure eve@"} {
		e := &events[i]
		require.Equal(t, want, e.Kind.String()+" "+e.Outcome.String()+" "+e.User+"@"+map[bool]string{true: e.Database}[i < 2], "%q\n%s", w.prefix, w.text.String())
		require.Equal(t, "192.0.2.9", e.ClientAddress, "%q\n%s", w.prefix, w.text.String())
		require.Equal(t, []int32{50011, 50011, 50012}[i], e.ClientPort, "%q", w.prefix)
		require.Equal(t, []int64{4711, 4711, 4712}[i], e.PID, "%q", w.prefix)
		require.Equal(t, []int64{1767607202, 1767607203, 1767607204}[i], e.Time/1e9, "%q", w.prefix)
	}
	require.Equal(t, "user_unknown", events[2].ErrorType, "%q", w.prefix)
	if w.verbose || strings.Contains(w.prefix, "%e") {
		require.Equal(t, "28P01", events[2].StatusCode)
	}
	require.Equal(t, events[0].SessionKey, events[1].SessionKey)
}

// TestCloudPrefixesNeedNoKey: those that servers and clouds come with are known.
func TestCloudPrefixesNeedNoKey(t *testing.T) {
	for _, prefix := range cloudPrefixes[:19] {
		w := &written{prefix: prefix, zone: time.UTC}
		w.story()
		require.NotEmpty(t, w.text.String())
		if prefix == "%t [%p]: [%l-1] " {
			continue
		}
		requireStory(t, w, logformat.Options{Instance: "pg"})
		first, _, _ := strings.Cut(w.text.String(), "\n")
		found, verdict := logformat.Detect(postgreslog.Formats(), []byte(first+"\n"), true)
		require.Equal(t, logformat.VerdictYes, verdict, first)
		require.Equal(t, "stderr", found.Name)
	}
}

// TestAGuessTakesNoOtherPrefix: a log whose prefix is like one that is known, and has another value behind it, is refused with the key's
// name, and its database and application are not taken for one name.
func TestAGuessTakesNoOtherPrefix(t *testing.T) {
	for _, prefix := range []string{"%m [%p] %q%u@%d/%a ", "%m [%p] %q%u@%d|%a| ", "%m [%p] %q%u@%d;%a; ", "%m [%p] %q%u@%d/%r ", "%t [%p]: [%l-1] %c %x %d %u %a %h ", "%t [%p]: [%c-%l] %u@%d,app=%a [%e] "} {
		w := &written{prefix: prefix, zone: time.UTC}
		w.story()
		events, bad := parse(t, newTextParser(t, "stderr", logformat.Options{Instance: "pg"}), w.text.String())
		require.Empty(t, events, prefix)
		require.NotEmpty(t, bad, prefix)
		require.Contains(t, bad[len(bad)-1], "log_line_prefix", prefix)
		requireStory(t, w, logformat.Options{Instance: "pg", LinePrefix: prefix})
	}
}

// TestPrefixesThatNobodyCanRead are refused once, by their name.
func TestPrefixesThatNobodyCanRead(t *testing.T) {
	for _, prefix := range []string{"%m %p%u ", "%m [%p] %u%d ", "%m %p%l ", "%m %c%l ", "%m%u %p ", "%a%m %p ", "%h%u %m %p ", "%p%v %m ", "%m %5p%u ", "%p%q%u %m ", "%p%z%u %m "} {
		err := postgreslog.CheckLinePrefix(prefix)
		require.Error(t, err, prefix)
		require.ErrorContains(t, err, "nothing between", prefix)
		require.ErrorContains(t, err, "set log_line_prefix = ", prefix)
		p := newTextParser(t, "stderr", logformat.Options{LinePrefix: prefix})
		err = p.Parse("2026-01-05 10:00:02.123 UTC 1 LOG:  x\n", 0, &logformat.EventBatch{})
		require.True(t, logformat.IsRefusal(err))
		require.ErrorContains(t, err, strconv.Quote(prefix))
	}
	riyadh, err := time.LoadLocation("Asia/Riyadh")
	require.NoError(t, err)
	w := &written{prefix: "%m%p ", zone: riyadh}
	w.story()
	p := newTextParser(t, "stderr", logformat.Options{LinePrefix: "%m%p ", Zone: riyadh})
	err = p.Parse(records(p, w.text.String())[0], 0, &logformat.EventBatch{})
	require.True(t, logformat.IsRefusal(err), "%v", err)
	require.ErrorContains(t, err, `"%m%p "`)
}

// TestSyslogIsRefusedByItsName: what syslog has made of a log is no stderr log.
func TestSyslogIsRefusedByItsName(t *testing.T) {
	for _, line := range []string{
		"Nov 28 10:00:00 db1 postgres[4711]: [3-1] 2026-11-28 10:00:00.123 UTC [4711] LOG:  connection received: host=192.0.2.9 port=50011",
		"2026-11-28T10:00:00.123456+01:00 db1 postgres[4711]: [3-1] LOG:  connection authorized: user=a database=b",
		"<134>Nov 28 10:00:00 db1 main-db[4711]: [12-2] #011FROM t",
		"Nov 28 10:00:00 db1 postgres[4711]: [user=postgres,db=postgres,app=[unknown]] LOG:  connection received: host=[local]",
	} {
		found, verdict := logformat.Detect(postgreslog.Formats(), []byte(line+"\n"), true)
		require.Equal(t, logformat.VerdictYes, verdict, line)
		require.Equal(t, "stderr", found.Name)
		for _, prefix := range []string{"", "%m [%p] ", "%t-%c-"} {
			err := newTextParser(t, "stderr", logformat.Options{LinePrefix: prefix}).Parse(line+"\n", 0, &logformat.EventBatch{})
			require.True(t, logformat.IsRefusal(err), "%s: %v", line, err)
			require.ErrorContains(t, err, "log_destination = 'jsonlog'")
		}
	}
	for _, line := range []string{
		"Nov 28 10:00:00 h1 sshd[100]: Failed password for root from 192.0.2.1 port 5001 ssh2", "2026-11-28 10:00:00.123 UTC [4711]: [3-1] user=a,db=b LOG:  x",
		"Nov 28 10:00:00 h1 CRON[100]: [x] LOG: no", "2026-11-28 10:00:00 UTC postgres", "",
	} {
		f, verdict := logformat.Detect(postgreslog.Formats(), []byte(line+"\n"), true)
		require.False(t, verdict == logformat.VerdictYes && !strings.HasPrefix(line, "2026-11-28 10:00:00.123 UTC [4711]"), "%s %s", line, f.Name)
	}
}
