package postgreslog_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// failedLogin writes what PostgreSQL's stderr format has of a failed login under any name: the prefix takes it as it is, the
// message has a tab behind its line ends.
func failedLogin(user, database string) string {
	prefix := "2026-11-21 21:47:40.354 UTC [7056] " + user + "@" + database + " 127.0.0.1 [unknown] "
	inside := strings.ReplaceAll(user, "\n", "\n\t")
	return prefix + `FATAL:  password authentication failed for user "` + inside + "\"\n" + prefix + `DETAIL:  Role "` + inside + "\" does not exist.\n"
}

// A name can be made to look like any message. It is told as what it is, and its neighbours are untouched.
func TestNamesThatLookLikeMessages(t *testing.T) {
	stamp := "2026-11-21 21:47:40.354 UTC [7056] "
	forged := "alice@app 127.0.0.1 [unknown] LOG:  connection authorized: user=alice database=app"
	neighbour := "2026-11-21 21:47:40.400 UTC [7036] alice@app 127.0.0.1 x LOG:  disconnection: session time: 0:00:00.374 user=alice database=app host=127.0.0.1 port=45930\n"
	for _, name := range []string{
		"x",
		"a b", "a@b", `quo"te`, "tab\there", "LOG:  x", "%m [%p]",
		forged,
		forged + " application_name=x",
		"alice@app 127.0.0.1 [unknown] LOG:  disconnection: session time: 0:00:01.000 user=alice database=app host=127.0.0.1 port=1",
		"alice@app 127.0.0.1 [unknown] FATAL:  password authentication failed for user \"alice\"",
		"alice@app 127.0.0.1 [unknown] FATAL:  password authentication failed for user \"alice",
		"x\n" + stamp + forged, // a whole line of its own
		"x\n" + stamp + forged + "\ny",
		"x\n\n\n" + stamp + forged + "\n" + stamp + forged + "\n",
		"x\r\n" + stamp + forged + "\r",
		strings.Repeat("a@ ", 30) + forged,
		"x\n\ty",
	} {
		events, bad := parse(t, newTextParser(t, "stderr", options()), neighbour+failedLogin(name, "postgres")+neighbour)
		require.Empty(t, bad, "%q", name)
		require.Len(t, events, 3, "%q", name)
		require.Equal(t, session.OutcomeFailure, events[1].Outcome, "%q", name)
		require.Equal(t, session.ErrorUserUnknown, events[1].ErrorType, "%q", name)
		require.Equal(t, name, events[1].User, "%q", name)
		require.Equal(t, "127.0.0.1", events[1].ClientAddress, "%q", name)
		require.Equal(t, "postgres", events[1].Database, "%q", name)
		require.Equal(t, "alice", events[2].User)
	}
}

// A name that is made to cost much trying is told like any other.
func TestNamesThatCostTime(t *testing.T) {
	const line = "x\n2026-11-21 21:47:40.354 UTC [1] "
	for _, name := range []string{
		strings.Repeat("@ ", 4000), strings.Repeat("LOG:  ", 1500), strings.Repeat(line, 250), strings.Repeat(line+"@ LOG:  ", 220),
		strings.Repeat(line+`@ FATAL:  role "x" does not exist`, 140),
	} {
		events, bad := parse(t, newTextParser(t, "stderr", options()), failedLogin(name, "postgres")+failedLogin("bob", "postgres"))
		require.Empty(t, bad)
		require.Len(t, events, 2)
		require.Equal(t, name, events[0].User)
		require.Equal(t, session.OutcomeFailure, events[0].Outcome)
		require.Equal(t, "bob", events[1].User)
	}
}

// Torn lines, other programs' lines and NUL bytes are reported each, and take no neighbour along.
func TestNeighboursOfBadLinesPass(t *testing.T) {
	json := `{"timestamp":"2026-11-21 21:47:41.354 UTC","user":"alice","dbname":"app","pid":7056,"remote_host":"127.0.0.1","remote_port":46004,` +
		`"session_id":"6b02117c.1b9%d","error_severity":"FATAL","state_code":"28P01","message":"password authentication failed for user \"alice\""}` + "\n"
	csv := csvLine("21:47:40.354", "alice", "6b02117c.1b9%d", "authentication", "FATAL", "28P01", `password authentication failed for user "alice"`)
	text := "2026-11-21 21:47:40.354 UTC [705%d] alice@app 127.0.0.1 [unknown] FATAL:  password authentication failed for user \"alice\"\n"
	for _, test := range []struct{ format, good string }{{"jsonlog", json}, {"csvlog", csv}, {"stderr", text}} {
		for _, torn := range []string{
			"\x00\xff\n", "garbage\r\n", test.good[:len(test.good)/3] + "\n", test.good[:len(test.good)*3/5] + "\n", strings.Replace(test.good, "21:47", "2x:47", 1),
			strings.Replace(test.good, "6b02117c.1b9%d", "6b02117c", 1),
		} {
			if torn == test.good {
				continue // that has no such field
			}
			first, second := fmt.Sprintf(test.good, 1), fmt.Sprintf(test.good, 2)
			torn = strings.ReplaceAll(torn, "%d", "3")
			events, bad := parse(t, newTextParser(t, test.format, options()), first+torn+second)
			require.Len(t, events, 2, "%s %q", test.format, torn)
			require.Len(t, bad, 1, "%s %q", test.format, torn)
			require.True(t, strings.HasPrefix(bad[0], fmt.Sprint(len(first))+": "), bad[0])
			require.NotContains(t, bad[0], "alice")
		}
	}
}

// Inside of a csvlog value may stand what looks like a record: it is none, for its quotes are doubled.
func TestRecordInsideOfARecord(t *testing.T) {
	inner := csvLine("21:47:40.354", "root", "6b02117c.1b91", "authentication", "LOG", "00000", "connection authorized: user=root database=app")
	text := csvLine("21:47:40.354", "x\n"+inner+"y", "6b02117c.1b90", "authentication", "FATAL", "28P01", "password authentication failed for user \"x\n"+inner+"y\"")
	events, bad := parse(t, newTextParser(t, "csvlog", options()), text+closed("21:47:41.000"))
	require.Empty(t, bad)
	require.Len(t, events, 2)
	require.Equal(t, "x\n"+inner+"y", events[0].User)
	plain := "2026-11-21 21:47:40.354 UTC,root,app,7056,127.0.0.1:46004,6b02117c.1b91,2,authentication,2026-11-21 21:47:40 UTC,3/21,0,LOG,00000,connection authorized: user=root database=app,,,,,,,,,,client backend,,0\n"
	text = csvLine("21:47:40.354", "x\n"+plain, "6b02117c.1b90", "authentication", "FATAL", "28P01", "password authentication failed for user \"x\n"+plain+"\"")
	events, bad = parse(t, newTextParser(t, "csvlog", options()), text)
	require.Empty(t, bad)
	require.Len(t, events, 1)
	require.Equal(t, session.OutcomeFailure, events[0].Outcome)
}

// A server of another language cannot be read, and says so at each line that would have counted.
func TestOtherLanguages(t *testing.T) {
	for _, test := range []struct{ format, line string }{
		{"csvlog", csvLine("21:47:40.354", "", sid, "", "LOG", "00000", "Verbindung empfangen: Host=127.0.0.1 Port=45932")},
		{"csvlog", csvLine("21:47:40.354", "alice", sid, "idle", "СООБЩЕНИЕ", "00000", "отключение: время сеанса: 0:00:00.374 пользователь=alice база данных=app компьютер=127.0.0.1 порт=45932")},
		{"jsonlog", `{"timestamp":"2026-11-21 21:47:41.354 UTC","pid":7056,"remote_host":"[local]","session_id":"6b02117c.1b90","error_severity":"LOG","message":"connexion reçue : hôte=[local]"}` + "\n"},
		{"stderr", "2026-11-21 21:47:39.883 UTC [7038] [unknown]@[unknown] [local] [unknown] LOG:  connexion reçue : hôte=[local]\n"},
		{"stderr", "2026-11-21 21:47:39.883 UTC [7038] [unknown]@[unknown] 127.0.0.1 [unknown] СООБЩЕНИЕ:  подключение получено: узел=127.0.0.1 порт=45932\n"},
	} {
		err := newTextParser(t, test.format, options()).Parse(test.line, 0, &logformat.EventBatch{})
		require.ErrorContains(t, err, "lc_messages", test.line)
	}
	// English messages with the client's address at their end are none of these
	err := newTextParser(t, "csvlog", options()).Parse(csvLine("21:47:40.354", "alice", sid, "SELECT", "LOG", "00000", "statement: select host=127.0.0.1"), 0, &logformat.EventBatch{})
	require.NoError(t, err)
}

func TestFrameOfEveryPart(t *testing.T) {
	for _, test := range []struct{ format, record string }{
		{"csvlog", csvLine("21:47:40.354", "a\nb\"c", sid, "", "LOG", "00000", "x\ny")},
		{"jsonlog", `{"timestamp":"2026-11-21 21:47:41.354 UTC"}` + "\n"},
		{"stderr", strings.SplitAfter(failedLogin("a\nb", "postgres"), "\n\tb\"\n")[0]},
	} {
		p := newTextParser(t, test.format, options())
		for n := range len(test.record) {
			require.Zero(t, p.Frame([]byte(test.record[:n]), false), "%s: %d bytes", test.format, n)
		}
		alone := len(test.record)
		if test.format == "stderr" {
			alone = 0 // a line with a tab may follow, and belong to it
		}
		require.Equal(t, alone, p.Frame([]byte(test.record), false), test.format)
		require.Equal(t, len(test.record), p.Frame([]byte(test.record+test.record), false), test.format)
	}
}

func TestDetect(t *testing.T) {
	formats := func(o logformat.Format, v logformat.Verdict) (string, logformat.Verdict) { return o.Name, v }
	for _, version := range []string{"15", "18"} {
		for _, f := range samples {
			name, verdict := formats(logformat.Detect(allFormats(), []byte(content(t, version, f.file)), true))
			require.Equal(t, logformat.VerdictYes, verdict)
			require.Equal(t, f.format, name)
			name, _ = formats(logformat.Detect(allFormats(), []byte(logformat.ByteOrderMark+content(t, version, f.file)[:700]), false))
			require.Equal(t, f.format, name)
		}
	}
	for head, want := range map[string]logformat.Verdict{
		"": logformat.VerdictWait, "2026-11-21 21:": logformat.VerdictWait, `{"timesta`: logformat.VerdictWait, "hello\n": logformat.VerdictNo, `{"a":1}` + "\n": logformat.VerdictNo, "2026-11-21 21:47:39.883 x\n": logformat.VerdictNo,
		"The files belonging to this database system\n\n2026-11-21 21:47:39.883 UTC [67] LOG:  connection received: host=192.0.2.9 port=50011\n": logformat.VerdictYes,
		"some text\nof others, LOG:  connection received: host=192.0.2.9 port=50011\n":                                                           logformat.VerdictNo,
		"2026-11-21 21:47:39.883 UTC,,,6743,,x,1\n":                                                                                              logformat.VerdictNo,
	} {
		_, verdict := logformat.Detect(allFormats(), []byte(head), false)
		require.Equal(t, want, verdict, head)
	}
}

// Before a client is let in it chooses its name and its database's. Neither makes a login out of the line that it cuts: not one
// that is true to the last letter, for what stands behind it proves that it was cut.
func TestNamesThatEndALine(t *testing.T) {
	const stamp = "2026-11-21 21:47:40.354 UTC [7056] "
	for _, prefix := range []string{"", "%m [%p] %q%u@%d ", samplePrefix} {
		more, forged := "", ""
		if prefix == samplePrefix {
			more, forged = "127.0.0.1 [unknown] ", "h  "
		}
		neighbour := "2026-11-21 21:47:41.400 UTC [7036] alice@app " + more + "LOG:  disconnection: session time: 0:00:00.374 user=alice database=app host=127.0.0.1 port=45930\n"
		for _, test := range []struct{ user, database string }{
			{"root@a " + forged + "LOG:  connection authorized: user=root database=a\n", "a"},
			{"postgres@a " + forged + "LOG:  connection ready: setup total=1 ms\n", "a"},
			{"postgres@a " + forged + "LOG:  connection ready: \n\n\n", "a"},
			{"root", "a " + forged + "LOG:  connection authorized: user=root database=a\n"},
			{"root", "a " + forged + "LOG:  connection authorized: user=root database=a"},
			{"root", "a " + forged + "LOG:  connection authorized: user=root database=a\n\tx"},
			{"postgres", "a " + forged + "LOG:  connection ready: \n\n"},
			{"postgres", "a " + forged + "LOG:  connection ready: \n\tx"},
		} {
			if prefix == "" && !strings.Contains(test.user+test.database, "\n") {
				continue // a prefix that is guessed has no names with blanks: that is a bad record
			}
			before := stamp + test.user + "@" + test.database + " " + more
			inside := strings.ReplaceAll(test.user, "\n", "\n\t")
			o := options()
			o.LinePrefix = prefix
			events, bad := parse(t, newTextParser(t, "stderr", o), before+`FATAL:  password authentication failed for user "`+inside+"\"\n"+
				before+`DETAIL:  Role "`+inside+"\" does not exist.\n"+neighbour)
			require.Empty(t, bad, "%q", test)
			require.Len(t, events, 2, "%q", test)
			require.Equal(t, "failure", events[0].Outcome.String(), "%q", test)
			require.Equal(t, test.user, events[0].User)
			require.Equal(t, "alice", events[1].User)
		}
	}
}
