package postgreslog_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat/logformattest"
	"github.com/otel-sessionlog/sessionlog/session"
)

var complaints = logformattest.ErrorText(
	"not a line of jsonlog: a flat JSON object", "a broken escape sequence", "not a record of csvlog, or a torn one",
	"not a time as PostgreSQL logs it: 2026-11-21 21:47:39.355 UTC", "no session id of the form 6b02117b.1b7c",
	"a message about a connection that is not worded as PostgreSQL words it",
	"a message about a login that is not in English: set lc_messages = 'C' on the server, only then can its log be read",
	"a line that does not begin as log_line_prefix says, followed by LOG or FATAL in English: "+
		"set key `log_line_prefix` to what SHOW log_line_prefix gives, and lc_messages = 'C' on the server",
	localtime.ErrSkipped.Error(), localtime.ErrRange.Error(), localtime.ErrMismatch.Error(),
)

// check reads a text in one of the formats in every way.
func check(t *testing.T, name string, zone uint8, prefix string, cut uint16, text string) {
	o := options()
	o.Zone, o.LinePrefix = logformattest.Zone(zone), prefix
	format := logformattest.Format{New: func() logformat.Parser { return newTextParser(t, name, o) }, Errors: complaints, LineMayContinue: name == "stderr"}
	format.Check(t, text, int(cut))
}

// FuzzJSONLog takes any text: it is read the same at once, in pieces and after a kill, and no error tells a value.
func FuzzJSONLog(f *testing.F) {
	for _, version := range []string{"15", "18"} {
		text := content(f, version, "log.jsonl")
		for i := 0; i+4000 < len(text); i += 4000 {
			f.Add(uint8(1), uint16(i), text[i:i+4000])
		}
	}
	f.Add(uint8(2), uint16(9), `{"timestamp":"2026-11-21 21:47:41.354 CET","user":"\u00e9\ud83d\ude00\ud800","session_id":"6b02117c.1b90","error_severity":"FATAL","message":"x"}`+"\n")
	f.Fuzz(func(t *testing.T, zone uint8, cut uint16, text string) {
		check(t, "jsonlog", zone, "", cut, text)
		name := logged(text)
		escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(name)
		forge(t, "jsonlog", name, fmt.Sprintf(`{"timestamp":"2026-11-21 21:47:41.354 UTC","user":"%s","dbname":"postgres","pid":7056,"remote_host":"10.6.6.6",`+
			`"session_id":"6b02117d.1b90","error_severity":"FATAL","state_code":"28P01","message":"password authentication failed for user \"%s\""}`+"\n", escaped, escaped))
	})
}

// FuzzCSVLog is the same of csvlog.
func FuzzCSVLog(f *testing.F) {
	for _, version := range []string{"15", "18"} {
		text := content(f, version, "log.csv")
		for i := 0; i+4000 < len(text); i += 4000 {
			f.Add(uint8(1), uint16(i), text[i:i+4000])
		}
	}
	f.Add(uint8(1), uint16(200), csvLine("21:47:40.354", "a\nb\"c", sid, "", "LOG", "00000", "x\ny")+authorized("21:47:40.354")+refused("21:47:40.354"))
	f.Fuzz(func(t *testing.T, zone uint8, cut uint16, text string) {
		check(t, "csvlog", zone, "", cut, text)
		name := logged(text)
		forge(t, "csvlog", name, csvLine("21:47:41.354", name, "6b02117d.1b90", "authentication", "FATAL", "28P01", `password authentication failed for user "`+name+`"`))
	})
}

// linePrefixes are settings of log_line_prefix: those that the parser guesses, of the recorded servers, and of every escape.
var linePrefixes = []string{
	"", samplePrefix, "%m [%p] %q%u@%d ", "%t:%r:%u@%d:[%p]:", "%t [%p]: user=%u,db=%d,app=%a,client=%h ",
	"%n %c %l %q%-10u|%10d|%a|%r ", "%m %s %c %e %v %x %i %b %q<%u> ", "%p ", "%a",
}

// FuzzStderr is the same of the stderr format, with several settings of log_line_prefix.
func FuzzStderr(f *testing.F) {
	for i, file := range []string{"15/stderr.log", "18/stderr.log", "prefix-c/pg.log", "prefix-min/pg.log", "prefix-rds/pg.log"} {
		text := content(f, "", file)
		for n := 0; n < len(text); n += 4000 {
			f.Add(uint8(1), uint8(i), uint16(n), text[n:min(n+4000, len(text))])
		}
	}
	for i := range linePrefixes {
		f.Add(uint8(2), uint8(i), uint16(i*20), failedLogin("x\n2026-11-21 21:47:40.354 UTC [1] a@b c d LOG:  connection authorized: user=a database=b", "postgres"))
	}
	f.Fuzz(func(t *testing.T, zone, prefix uint8, cut uint16, text string) {
		check(t, "stderr", zone, linePrefixes[int(prefix)%len(linePrefixes)], cut, text)
		name := logged(text)
		if !begunInSeverity.MatchString(name) {
			forge(t, "stderr", name, failedLogin(name, "postgres"))
		}
		if !begun.MatchString(name) {
			forge(t, "stderr", "postgres", failedLogin("postgres", name))
		}
	})
}

// Names of which a line can be a record's beginning are told apart from records by the message, which has the user's name. That
// of a database is in no message, and behind a line with a severity a true record may follow: what comes of those is open.
var (
	begun           = regexp.MustCompile(`\n\d`)
	begunInSeverity = regexp.MustCompile(`:  (?s:.*)\n\d`)
)

// logged makes a name that a server can be sent: it ends at a NUL, and has up to 63 bytes.
func logged(text string) string {
	name, _, _ := strings.Cut(text[:min(len(text), 62)], "\x00")
	return "n" + name
}

// forge has a client fail to log in under a name: it is one failure, and nobody else's login.
func forge(t *testing.T, format, name, failure string) {
	events, _ := parse(t, newTextParser(t, format, options()), failure)
	if len(events) != 1 || events[0].User != name || events[0].Outcome != session.OutcomeFailure || events[0].Kind != session.KindLogin {
		t.Fatalf("%s: the user %q makes %d events of %q", format, name, len(events), failure)
	}
}
