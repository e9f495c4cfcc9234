package postgreslog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// noticed collects conditions.
type noticed struct {
	messages []string
	holds    bool
}

func (n *noticed) Raise(_, message string) {
	if !n.holds {
		n.messages = append(n.messages, message)
	}
	n.holds = true
}

func (n *noticed) Clear(string, string) { n.holds = false }

// TestALogWithoutConnectionsIsNoticed by the lines of sessions that began after all that the log has of connections.
func TestALogWithoutConnectionsIsNoticed(t *testing.T) {
	const later = "6b021190.1b80" // 21:49:52
	query := csvLine("21:49:53.000", "alice", later, "SELECT", "LOG", "00000", "duration: 1.234 ms")
	wrong := csvLine("21:49:53.000", "alice", later, "authentication", "FATAL", "28P01", `password authentication failed for user "alice"`)
	end := csvLine("21:49:53.000", "alice", later, "idle", "LOG", "00000", "disconnection: session time: 0:00:01.000 user=alice database=app host=127.0.0.1 port=45932")
	background := "2026-11-21 21:49:53.000 UTC,,,77,,6b021190.4d,1,,2026-11-21 21:49:52 UTC,,0,LOG,00000,\"checkpoint starting: time\",,,,,,,,,\"\",\"checkpointer\",,0\n"
	before := "2026-11-21 21:47:00.000 UTC,,,77,,6b021184.4d,1,,2026-11-21 21:46:00 UTC,,0,LOG,00000,\"checkpoint starting: time\",,,,,,,,,\"\",\"checkpointer\",,0\n"
	ready := "2026-11-21 21:47:00.000 UTC,,,77,,6b021184.4d,1,,2026-11-21 21:46:00 UTC,,0,LOG,00000,\"database system is ready to accept connections\",,,,,,,,,\"\",\"postmaster\",,0\n"
	for name, test := range map[string]struct {
		text string
		want bool
	}{
		"a refusal behind the server's start":  {ready + csvLine("21:47:00.500", "alice", "6b0210ec.1b80", "authentication", "FATAL", "28P01", "password authentication failed for user \"alice\""), true},
		"connections, then a start, then none": {received("21:46:40.000") + ready + csvLine("21:47:00.500", "alice", "6b0210ec.1b80", "SELECT", "ERROR", "22012", "division by zero"), true},
		"the end of a session at a stop":       {ready + csvLine("21:47:00.500", "", "6b0210ec.1b80", "", "FATAL", "57P03", "the database system is shutting down") + received("21:47:40.000"), false},
		"a query":                              {before + query, true},
		"an end":                               {before + end, true},
		"a refusal":                            {before + wrong, true},
		"processes that are no session":        {before + background, false},
		"a session older than the log":         {query, false},
		"a refusal at the log's beginning":     {wrong, false},
		"connections, then none":               {received("21:47:40.000") + authorized("21:47:40.010") + query, true},
		"refusals alone behind a login":        {authorized("21:47:40.010") + wrong, false}, // 18 may write of logins only
		"connections":                          {before + csvLine("21:49:52.100", "", later, "", "LOG", "00000", "connection received: host=127.0.0.1 port=45932") + wrong, false},
		"switched on again":                    {before + query + csvLine("21:49:54.000", "bob", "6b021192.1b81", "authentication", "LOG", "00000", "connection authorized: user=bob database=app"), false},
	} {
		n := &noticed{}
		p := newTextParser(t, "csvlog", logformat.Options{Conditions: n})
		batch := &logformat.EventBatch{}
		at := int64(0)
		for _, record := range records(p, test.text) {
			require.NoError(t, p.Parse(record, at, batch), name)
			at += int64(len(record))
		}
		require.Equal(t, test.want, n.holds, name)
		if test.want {
			require.Contains(t, n.messages[0], "log_connections is off")
			require.Contains(t, n.messages[0], "ALTER SYSTEM SET log_connections = on")
			again := &noticed{}
			n.holds, n.messages = false, nil
			p.FlushDue(p.LogTime(), batch)
			require.True(t, n.holds, "%s: it is said as long as it lasts", name)
			state := p.ResumeState()
			next := newTextParser(t, "csvlog", logformat.Options{Conditions: again})
			require.NoError(t, next.Restore(at, state, false))
		}
	}
}

// TestASilentLogIsNoticed when it had nothing of a connection for some time, also where the process was restarted; never one that had.
func TestASilentLogIsNoticed(t *testing.T) {
	at := "2026-11-21 21:47:00.000 UTC [77] "
	for text, want := range map[string]bool{
		at + "LOG:  checkpoint starting: time\n": true, at + "LOG:  connection received: host=192.0.2.9 port=5\n": false, "": false,
		at + "LOG:  database system is ready to accept connections\n" + at + "alice@app FATAL:  password authentication failed for user \"alice\"\n": true,
	} {
		n := &noticed{}
		p := newTextParser(t, "stderr", logformat.Options{Conditions: n, Once: true, LinePrefix: "%m [%p] %q%u@%d "})
		batch := &logformat.EventBatch{}
		for _, record := range records(p, text) {
			require.NoError(t, p.Parse(record, 0, batch))
		}
		p.FlushDue(p.LogTime(), batch)
		require.Equal(t, want, n.holds, text)
	}
	quiet := "2026-11-21 21:47:00.000 UTC,,,77,,6b021184.4d,1,,2026-11-21 21:46:00 UTC,,0,LOG,00000,\"database system is ready to accept connections\",,,,,,,,,\"\",\"postmaster\",,0\n"
	for _, test := range []struct {
		text  string
		wait  time.Duration
		holds bool
	}{{quiet, time.Minute, false}, {quiet, time.Hour, true}, {quiet + received("21:47:40.000"), time.Hour, false}} {
		n := &noticed{}
		p := newTextParser(t, "csvlog", logformat.Options{Conditions: n})
		batch := &logformat.EventBatch{}
		at := int64(0)
		for _, record := range records(p, test.text) {
			require.NoError(t, p.Parse(record, at, batch))
			at += int64(len(record))
		}
		p.FlushDue(p.LogTime()+int64(test.wait), batch)
		require.Equal(t, test.holds, n.holds)
		state := p.ResumeState()
		next := newTextParser(t, "csvlog", logformat.Options{Conditions: n})
		require.NoError(t, next.Restore(at, state, false))
		require.NoError(t, next.Parse(noise("23:59:00.000"), at, batch))
		next.FlushDue(next.LogTime()+int64(test.wait), batch)
		require.Equal(t, test.holds, n.holds)
	}
}

// TestALogInTwoFormatsIsNoticed, where both were written at one time; a server whose format was changed has both one after another.
func TestALogInTwoFormatsIsNoticed(t *testing.T) {
	stderr := content(t, "15", "stderr.log")
	for csv, want := range map[string]bool{content(t, "15", "log.csv"): true, received("23:59:00.000"): false} {
		n, o := &noticed{}, options()
		o.Conditions, o.Shared = n, &logformat.SharedState{}
		parse(t, newTextParser(t, "stderr", o), stderr)
		require.Empty(t, n.messages)
		parse(t, newTextParser(t, "csvlog", o), csv)
		require.Equal(t, want, len(n.messages) == 1, n.messages)
		if want {
			require.Contains(t, n.messages[0], "stderr and csvlog of one PostgreSQL are both read, and tell each login once more: write only the files of one of them under include")
		}
	}
}
