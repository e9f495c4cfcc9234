package postgreslog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// far is a time behind everything.
var far = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// csvLine makes a line of csvlog: of pid 7038 on the second 2026-11-21 21:47:39, if nothing else is said.
func csvLine(clock, user, sid, activity, severity, state, message string) string {
	quoted := func(s string) string {
		if s == "" {
			return ""
		}
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return fmt.Sprintf("2026-11-21 %s UTC,%s,%s,7038,\"127.0.0.1:45932\",%s,1,%s,2026-11-21 21:47:39 UTC,,0,%s,%s,%s,,,,,,,,,\"\",\"client backend\",,0\n",
		clock, quoted(user), quoted(map[bool]string{true: "app"}[user != ""]), sid, quoted(activity), severity, state, quoted(message))
}

const sid = "6b02117b.1b7e"

func received(clock string) string {
	return csvLine(clock, "", sid, "", "LOG", "00000", "connection received: host=127.0.0.1 port=45932")
}

func authorized(clock string) string {
	return csvLine(clock, "alice", sid, "authentication", "LOG", "00000", "connection authorized: user=alice database=app")
}

func refused(clock string) string {
	return csvLine(clock, "alice", sid, "startup", "FATAL", "3D000", `database "app" does not exist`)
}

func closed(clock string) string {
	return csvLine(clock, "alice", sid, "idle", "LOG", "00000", "disconnection: session time: 0:00:21.000 user=alice database=app host=127.0.0.1 port=45932")
}

// noise is another backend's line, which moves the time on.
func noise(clock string) string {
	return csvLine(clock, "bob", "6b02117b.ffff", "SELECT", "LOG", "00000", "duration: 1.234 ms")
}

func TestVerdicts(t *testing.T) {
	for name, test := range map[string]struct {
		lines []string
		want  []string // before time is up
		late  []string // after
	}{
		"authorized alone is no login": {[]string{received("21:47:40.000"), authorized("21:47:40.010")}, nil, []string{"login success alice@app from 127.0.0.1"}},
		"refused after that": {
			[]string{received("21:47:40.000"), authorized("21:47:40.010"), refused("21:47:40.011")},
			[]string{"login failure alice@app database_unknown from 127.0.0.1"},
			nil,
		},
		"proved by its end": {
			[]string{received("21:47:40.000"), authorized("21:47:40.010"), closed("21:47:41.000")},
			[]string{"login success alice@app from 127.0.0.1", "logout success alice@app from 127.0.0.1"},
			nil,
		},
		"proved by an error in it": {
			[]string{authorized("21:47:40.010"), csvLine("21:47:40.500", "alice", sid, "SELECT", "ERROR", "22012", "division by zero")},
			[]string{"login success alice@app from 127.0.0.1"},
			nil,
		},
		"ended by an administrator": {
			[]string{authorized("21:47:40.010"), csvLine("21:47:40.500", "alice", sid, "SELECT", "FATAL", "57P01", "terminating connection due to administrator command"), closed("21:47:40.501")},
			[]string{"login success alice@app from 127.0.0.1", "logout success alice@app from 127.0.0.1"},
			nil,
		},
		"decided by time, then proved": {
			[]string{authorized("21:47:40.010"), noise("21:47:51.000"), closed("21:48:00.000")},
			[]string{"login success alice@app from 127.0.0.1", "logout success alice@app from 127.0.0.1"},
			nil,
		},
		"decided by time, then refused": {
			[]string{authorized("21:47:40.010"), noise("21:47:51.000"), refused("21:48:00.000")},
			[]string{"login success alice@app from 127.0.0.1", "session.update failure alice@app database_unknown from 127.0.0.1"},
			nil,
		},
		"decided by time, then ended": {
			[]string{authorized("21:47:40.010"), noise("21:47:51.000"), csvLine("21:48:00.000", "alice", sid, "idle", "FATAL", "57P01", "terminating connection due to administrator command")},
			[]string{"login success alice@app from 127.0.0.1"},
			nil,
		},
		"not yet time":                 {[]string{authorized("21:47:40.010"), noise("21:47:50.009")}, nil, []string{"login success alice@app from 127.0.0.1"}},
		"received alone tells nothing": {[]string{received("21:47:40.000"), noise("21:59:00.000")}, nil, nil},
		"no verdict": {
			[]string{csvLine("21:47:40.000", "alice", sid, "authentication", "LOG", "00000", `connection authenticated: identity="alice" method=md5 (f:1)`)},
			nil,
			[]string{"login unknown alice@app by password from 127.0.0.1"},
		},
		"ready alone, as of a server that logs no more": {
			[]string{csvLine("21:47:40.000", "alice", sid, "idle", "LOG", "00000", "connection ready: setup total=9.743 ms, fork=2.870 ms, authentication=1.150 ms")},
			[]string{"login success alice@app from 127.0.0.1"},
			nil,
		},
		"an end alone": {[]string{closed("21:48:00.000")}, []string{"logout success alice@app from 127.0.0.1"}, nil},
		"a refusal alone": {
			[]string{csvLine("21:47:40.000", "alice", sid, "", "FATAL", "53300", "sorry, too many clients already")},
			[]string{"login failure alice@app connection_limit from 127.0.0.1"},
			nil,
		},
		"an end that was no refusal": {[]string{csvLine("21:47:40.000", "alice", sid, "idle", "FATAL", "57P01", "terminating connection due to administrator command")}, nil, nil},
		"starting up": {
			[]string{received("21:47:40.000"), csvLine("21:47:40.001", "", sid, "", "FATAL", "57P03", "the database system is starting up")},
			[]string{"login failure @ provider_unavailable from 127.0.0.1"},
			nil,
		},
		"in another language, by the code": {
			[]string{received("21:47:40.000"), csvLine("21:47:40.001", "alice", sid, "authentication", "ВАЖНО", "28P01", "пользователь alice не прошёл проверку")},
			[]string{"login failure alice@app invalid_credentials from 127.0.0.1"},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, batch := newTextParser(t, "csvlog", options()), &logformat.EventBatch{}
			at := int64(0)
			for _, line := range test.lines {
				require.NoError(t, p.Parse(line, at, batch))
				at += int64(len(line))
			}
			require.Equal(t, test.want, briefs(batch.Events))
			n := len(batch.Events)
			p.FlushDue(far, batch)
			require.Equal(t, test.late, briefs(batch.Events[n:]))
			anchor, state := p.ResumeOffset(), p.ResumeState()
			require.Equal(t, at, anchor, "nothing is undecided any more")
			require.LessOrEqual(t, len(state), 800)
		})
	}
}

// A correction names the record that it takes back.
func TestCorrection(t *testing.T) {
	events, bad := parse(t, newTextParser(t, "csvlog", options()), authorized("21:47:40.010")+noise("21:47:51.000")+refused("21:48:00.000"))
	require.Empty(t, bad)
	require.Equal(t, session.KindSessionUpdate, events[1].Kind)
	require.Contains(t, events[1].Extra, session.Attr{Key: "sessionlog.corrects", Value: events[0].RecordID.String()})
	require.Equal(t, events[0].SessionKey, events[1].SessionKey)
	require.NotEqual(t, events[0].RecordID, events[1].RecordID)
}

// The wait can be chosen.
func TestDecideAfter(t *testing.T) {
	o := options()
	o.DecideAfter = time.Minute
	p, batch := newTextParser(t, "csvlog", o), &logformat.EventBatch{}
	require.NoError(t, p.Parse(authorized("21:47:40.000"), 0, batch))
	require.NoError(t, p.Parse(noise("21:48:39.999"), 500, batch))
	require.Empty(t, batch.Events)
	require.NoError(t, p.Parse(noise("21:48:40.000"), 900, batch))
	require.Len(t, batch.Events, 1)
}

// A reader that is killed at any record and goes on from its anchor tells the same events, each at the same record, in every
// format; what stood before is told again with the same ids.
func TestKilledAtEveryRecord(t *testing.T) {
	for _, f := range samples {
		text := content(t, "15", f.file)
		whole, _ := parse(t, newTextParser(t, f.format, options()), text)
		for stop := range len(records(newTextParser(t, f.format, options()), text)) {
			first := newTextParser(t, f.format, options())
			all := records(first, text)
			batch := &logformat.EventBatch{}
			told := feed(t, first, all[:stop+1], 0, 0, batch)
			anchor, state := first.ResumeOffset(), first.ResumeState()
			second := newTextParser(t, f.format, options())
			require.NoError(t, second.Restore(anchor, state, false))
			rest, at := all, int64(0)
			for at < anchor {
				at, rest = at+int64(len(rest[0])), rest[1:]
			}
			require.Equal(t, anchor, at, "an anchor is the place of a record")
			feed(t, second, rest, anchor, told, batch)
			second.FlushDue(far, batch)
			same(t, whole, batch.Events, fmt.Sprintf("%s: killed behind record %d", f.format, stop))
		}
	}
}

func same(t *testing.T, want, got []session.Event, what string) {
	t.Helper()
	require.Equal(t, briefs(want), briefs(got), what)
	for i := range want {
		require.True(t, sessiontest.SameContent(&want[i], &got[i]), "%s: %s", what, brief(&want[i]))
	}
}

// feed parses records from a place on, and leaves out what those before told tell, as a reader does. It returns the place
// behind them.
func feed(t *testing.T, p logformat.Parser, records []string, at, told int64, batch *logformat.EventBatch) int64 {
	t.Helper()
	for _, record := range records {
		n := len(batch.Events)
		require.NoError(t, p.Parse(record, at, batch))
		if at < told {
			batch.Cut(n)
		}
		at += int64(len(record))
	}
	return at
}

// The lines of a connection may stand in two files, wherever the server began the second: parsers that share tell what one
// text alone would have told. Both files read again from their cursors add nothing, whichever was saved when.
func TestRotationAtEveryRecord(t *testing.T) {
	for _, f := range samples {
		text := content(t, "15", f.file)
		whole, _ := parse(t, newTextParser(t, f.format, options()), text)
		all := records(newTextParser(t, f.format, options()), text)
		for cut := 1; cut < len(all); cut++ {
			o := options()
			o.Shared = &logformat.SharedState{}
			a, b, batch := newTextParser(t, f.format, o), newTextParser(t, f.format, o), &logformat.EventBatch{}
			endA := feed(t, a, all[:cut], 0, 0, batch)
			anchorA, stateA := a.ResumeOffset(), a.ResumeState() // the first file's cursor is not written again
			endB := feed(t, b, all[cut:], 0, 0, batch)
			anchorB, stateB := b.ResumeOffset(), b.ResumeState()

			o.Shared = &logformat.SharedState{}
			a2, b2, again := newTextParser(t, f.format, o), newTextParser(t, f.format, o), &logformat.EventBatch{}
			require.NoError(t, a2.Restore(anchorA, stateA, false))
			feed(t, a2, from(all[:cut], anchorA), anchorA, endA, again)
			require.NoError(t, b2.Restore(anchorB, stateB, false))
			feed(t, b2, from(all[cut:], anchorB), anchorB, endB, again)
			b2.FlushDue(far, again)

			b.FlushDue(far, batch)
			same(t, whole, batch.Events, fmt.Sprintf("%s: cut before record %d", f.format, cut))
			n := len(batch.Events) - len(again.Events)
			require.Equal(t, briefs(batch.Events[n:]), briefs(again.Events), "%s: cut before record %d: told again after a restart", f.format, cut)
		}
	}
}

// from leaves out the records before a place.
func from(records []string, place int64) []string {
	for at := int64(0); at < place && len(records) > 0; records = records[1:] {
		at += int64(len(records[0]))
	}
	return records
}

// What began in a file that is gone is in the cursor of the next one.
func TestFirstFileIsGone(t *testing.T) {
	o := options()
	o.Shared = &logformat.SharedState{}
	a, b, batch := newTextParser(t, "csvlog", o), newTextParser(t, "csvlog", o), &logformat.EventBatch{}
	feed(t, a, []string{received("21:47:40.000"), csvLine("21:47:40.005", "alice", sid, "authentication", "LOG", "00000", `connection authenticated: identity="alice" method=md5 (f:1)`)}, 0, 0, batch)
	at := feed(t, b, []string{noise("21:47:40.007")}, 0, 0, batch)
	anchor, state := b.ResumeOffset(), b.ResumeState()
	require.Equal(t, at, anchor)
	o.Shared = nil
	c := newTextParser(t, "csvlog", o)
	require.NoError(t, c.Restore(anchor, state, false))
	feed(t, c, []string{authorized("21:47:40.010"), closed("21:47:41.000")}, anchor, anchor, batch)
	require.Equal(t, []string{"login success alice@app by password from 127.0.0.1", "logout success alice@app from 127.0.0.1"}, briefs(batch.Events))
	require.Equal(t, "127.0.0.1", batch.Events[0].ClientAddress)
	require.Error(t, newTextParser(t, "csvlog", o).Restore(0, []byte("{"), false))
}

// A state may know more of a connection than the file in which it began, or less: what has come further counts.
func TestRestoreTakesTheLaterStage(t *testing.T) {
	o := options()
	o.Shared = &logformat.SharedState{}
	a, b, batch := newTextParser(t, "csvlog", o), newTextParser(t, "csvlog", o), &logformat.EventBatch{}
	endA := feed(t, a, []string{received("21:47:40.000")}, 0, 0, batch)
	older := b.ResumeState() // knows it as received
	endB := feed(t, b, []string{authorized("21:47:40.010")}, 0, 0, batch)
	anchorA, stateA := a.ResumeOffset(), a.ResumeState()
	anchorB, stateB := b.ResumeOffset(), b.ResumeState()
	require.Zero(t, anchorA)
	require.Equal(t, endB, anchorB)

	for name, restore := range map[string]func(a, b logformat.Parser){
		"the file is read again first": func(a, b logformat.Parser) {
			require.NoError(t, a.Restore(anchorA, nil, false))
			feed(t, a, []string{received("21:47:40.000")}, anchorA, endA, &logformat.EventBatch{})
			require.NoError(t, b.Restore(anchorB, stateB, false))
			require.NoError(t, b.Restore(anchorB, older, false))
		},
		"an older state comes first": func(a, b logformat.Parser) {
			require.NoError(t, b.Restore(anchorB, older, false))
			require.NoError(t, b.Restore(anchorB, stateB, false))
			feed(t, a, []string{received("21:47:40.000")}, anchorA, endA, &logformat.EventBatch{})
		},
		"of the first file's own state": func(a, _ logformat.Parser) {
			require.NoError(t, a.Restore(anchorA, stateA, false))
			feed(t, a, []string{received("21:47:40.000")}, anchorA, endA, &logformat.EventBatch{})
		},
	} {
		o.Shared = &logformat.SharedState{}
		a, b, batch := newTextParser(t, "csvlog", o), newTextParser(t, "csvlog", o), &logformat.EventBatch{}
		restore(a, b)
		feed(t, b, []string{closed("21:47:41.000")}, anchorB, anchorB, batch)
		require.Equal(t, []string{"login success alice@app from 127.0.0.1", "logout success alice@app from 127.0.0.1"}, briefs(batch.Events), name)
		require.Equal(t, "connection authorized", batch.Events[0].SourceEvent, name)
		require.Equal(t, int32(45932), batch.Events[0].ClientPort, name)
	}
}

// A server that tells of connections only when they come and when they end tells of logins all the same.
func TestReceivedAndEnded(t *testing.T) {
	events, bad := parse(t, newTextParser(t, "csvlog", options()), received("21:47:40.000")+closed("21:48:00.000"))
	require.Empty(t, bad)
	require.Equal(t, []string{"login success alice@app from 127.0.0.1", "logout success alice@app from 127.0.0.1"}, briefs(events))
	require.Equal(t, "connection received", events[0].SourceEvent)
}

// What was given up as unknown may be let in or refused after all, in the same millisecond: that is another record.
func TestAVerdictAfterAll(t *testing.T) {
	known := csvLine("21:47:40.010", "alice", sid, "authentication", "LOG", "00000", `connection authenticated: identity="alice" method=md5 (f:1)`)
	for _, test := range []struct{ line, want string }{
		{authorized("21:47:40.010"), "login success alice@app from 127.0.0.1"},
		{csvLine("21:47:40.010", "alice", sid, "startup", "FATAL", "53300", "too many connections for role \"alice\""), "login failure alice@app connection_limit from 127.0.0.1"},
	} {
		p, batch := newTextParser(t, "csvlog", options()), &logformat.EventBatch{}
		at := feed(t, p, []string{known}, 0, 0, batch)
		p.FlushDue(p.LogTime()+int64(time.Hour), batch)
		require.Equal(t, []string{"login unknown alice@app by password from 127.0.0.1"}, briefs(batch.Events))
		anchor, state := p.ResumeOffset(), p.ResumeState()
		require.Equal(t, at, anchor)
		p = newTextParser(t, "csvlog", options())
		require.NoError(t, p.Restore(anchor, state, false))
		feed(t, p, []string{known, test.line}, anchor, anchor, batch)
		p.FlushDue(far, batch)
		require.Equal(t, []string{test.want}, briefs(batch.Events[1:]))
		require.NotEqual(t, batch.Events[0].RecordID, batch.Events[1].RecordID)
		require.Equal(t, batch.Events[0].SessionKey, batch.Events[1].SessionKey)
	}
}

// A flood of connections that tell nothing takes bounded memory and delays nobody's verdict.
func TestFlood(t *testing.T) {
	p, batch := newTextParser(t, "csvlog", options()), &logformat.EventBatch{}
	require.NoError(t, p.Parse(authorized("21:47:40.000"), 0, batch))
	at := int64(0)
	for i := range 100_000 {
		line := csvLine("21:47:40.001", "", fmt.Sprintf("6b02117c.%x", i), "", "LOG", "00000", fmt.Sprintf("connection received: host=10.0.0.1 port=%d", i%60000))
		at += int64(len(line))
		require.NoError(t, p.Parse(line, at, batch))
	}
	require.Empty(t, batch.Events)
	require.NoError(t, p.Parse(refused("21:47:40.002"), at, batch))
	require.Equal(t, []string{"login failure alice@app database_unknown from 127.0.0.1"}, briefs(batch.Events))
	state := p.ResumeState()
	require.Empty(t, state)
}
