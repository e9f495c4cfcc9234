package redshiftlog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/redshiftlog"
	"github.com/otel-sessionlog/sessionlog/session"
)

const objectName = "123456789012_redshift_us-east-1_dwh_connectionlog_2023-01-01T01:07.gz"

func newLineParser(name string) logformat.Parser {
	f, _ := logformat.FindFormat(redshiftlog.Formats(), "connectionlog")
	return f.New(logformat.Options{Instance: "dwh", Name: name})
}

// parse reads a whole text and gives its events and the places of its bad lines.
func parse(t testing.TB, p logformat.Parser, text string) (events []session.Event, bad []int) {
	t.Helper()
	batch := &logformat.EventBatch{}
	for at := 0; at < len(text); {
		n := p.Frame([]byte(text[at:]), true)
		if err := p.Parse(text[at:at+n], int64(at), batch); err != nil {
			bad = append(bad, at)
		}
		at += n
	}
	return batch.Events, bad
}

// recordLine makes one line of today's length.
func recordLine(event, stamp, host, port string, pid int, user, auth string, micros int64, guid string) string {
	return fmt.Sprintf("%s |%s|%s |%s |%d|dev |%s |%s |%d|TLSv1.2 |ECDHE-RSA-AES128-GCM-SHA256 |0|none |none |aaaaaaaa-2222-3333-4444-555555555555 |app |Linux 6.1 |Amazon Redshift JDBC Driver 2 |none |2|%s\n",
		event, stamp, host, port, pid, user, auth, micros, guid)
}

const guid = "02d54c77-1b3f-4f5e-8a8e-6f5d3c2b1a00"

func TestOneSession(t *testing.T) {
	for _, id := range []string{guid, ""} {
		text := recordLine("authenticated", "Sun, 01 Jan 2023 01:05:07:120", "::ffff:10.0.0.7", "50112", 4711, "IAM:alice", "IAM AssumeUser", 0, id) +
			recordLine("initiating session", "Sun, 01 Jan 2023 01:05:07:121", "::ffff:10.0.0.7", "50112", 4711, "IAM:alice", "IAM AssumeUser", 0, id) +
			recordLine("set application_name", "Sun, 01 Jan 2023 01:05:07:300", "::ffff:10.0.0.7", "50112", 4711, "IAM:alice", "IAM AssumeUser", 0, id) +
			recordLine("disconnecting session", "Sun, 01 Jan 2023 03:05:07:122", "::ffff:10.0.0.7", "50112", 4711, "IAM:alice", "IAM AssumeUser", 7200001000, id)
		events, bad := parse(t, newLineParser("AWSLogs/"+objectName), text)
		require.Empty(t, bad)
		require.Len(t, events, 4)
		kinds := []session.Kind{session.KindLogin, session.KindSessionStart, session.KindSessionUpdate, session.KindLogout}
		for i, e := range events {
			require.Equal(t, kinds[i], e.Kind)
			require.Equal(t, session.OutcomeSuccess, e.Outcome)
			require.Equal(t, "alice", e.User)
			require.Equal(t, session.AuthIAM, e.AuthMethod)
			require.Equal(t, "IAM AssumeUser", e.AuthType)
			require.Equal(t, "10.0.0.7", e.ClientAddress)
			require.Equal(t, int32(50112), e.ClientPort)
			require.Equal(t, "1.2", e.TLSVersion)
			require.Equal(t, int64(4711), e.PID)
			require.Equal(t, "dwh", e.Host)
			require.Equal(t, id, e.SessionID)
			require.Equal(t, events[0].SessionKey, e.SessionKey, "%q: the logout belongs to its login", id)
			require.Contains(t, e.Extra, session.Attr{Key: session.SourceField + "remotehost", Value: "::ffff:10.0.0.7"})
			require.Contains(t, e.Extra, session.Attr{Key: session.SourceField + "username", Value: "IAM:alice"})
			require.Contains(t, e.Extra, session.Attr{Key: session.SourceField + "protocol_version", Value: "2", Type: session.AttrInt})
			require.Contains(t, e.Extra, session.Attr{Key: "cloud.region", Value: "us-east-1"})
			require.Empty(t, e.Original)
		}
		require.Equal(t, time.Date(2023, 1, 1, 1, 5, 7, 120e6, time.UTC).UnixNano(), events[0].Time)
		require.Equal(t, int64(2*time.Hour+time.Millisecond), events[3].Duration)
		next, _ := parse(t, newLineParser(""), strings.ReplaceAll(strings.ReplaceAll(text, "50112", "50113"), guid, strings.Replace(guid, "0", "1", 1)))
		require.NotEqual(t, events[0].SessionKey, next[0].SessionKey)
	}
}

func TestFailuresAndUnknownEvents(t *testing.T) {
	events, bad := parse(t, newLineParser(""),
		recordLine("authentication failure", "Sun, 01 Jan 2023 01:05:07:120", "[local]", "", 4711, "", "password", 0, "")+
			recordLine("something new", "Sun, 01 Jan 2023 01:05:07:121", "host.example", "0x1", 4711, "x", "Foo", 0, "00000000-0000-0000-0000-000000000000"))
	require.Empty(t, bad)
	e := events[0]
	require.Equal(t, session.KindLogin, e.Kind)
	require.Equal(t, session.OutcomeFailure, e.Outcome)
	require.Equal(t, session.ErrorInvalidCredentials, e.ErrorType)
	require.True(t, e.UserEmpty)
	require.Equal(t, "[local]", e.ClientAddress)
	require.Zero(t, e.ClientPort)
	e = events[1]
	require.Equal(t, session.KindSessionUpdate, e.Kind)
	require.Equal(t, session.OutcomeUnknown, e.Outcome)
	require.Equal(t, "something new", e.SourceEvent)
	require.Equal(t, session.AuthOther, e.AuthMethod)
	require.Contains(t, e.Extra, session.Attr{Key: session.SourceField + "remoteport", Value: "0x1"})
}

// The same event has one id and one content hash in STL_CONNECTION_LOG, with its padding and its microseconds, in SYS_CONNECTION_LOG and in a line of
// the file, however short; and events that are equal in all that these have keep their ids by their order.
func TestViewsAndFileGiveOneHash(t *testing.T) {
	long := recordLine("authenticated", "Sun, 01 Jan 2023 01:05:07:120", "::ffff:10.0.0.7", "50112", 4711, "IAM:alice", "IAM AssumeUser", 0, guid)
	stl := redshiftlog.Row{
		Event: "authenticated  ", Micros: time.Date(2023, 1, 1, 1, 5, 7, 120_456_000, time.UTC).UnixMicro(), RemoteHost: "::ffff:10.0.0.7  ", RemotePort: "50112  ",
		PID: 4711, Database: "dev  ", User: "IAM:alice  ", AuthMethod: "IAM AssumeUser", SSLVersion: "TLSv1.2", SSLCipher: "ECDHE-RSA-AES128-GCM-SHA256",
		SSLCompression: "none", SSLExpansion: "none", IAMAuthGUID: "aaaaaaaa-2222-3333-4444-555555555555",
	}
	sys := stl
	sys.ApplicationName, sys.OSVersion, sys.DriverVersion, sys.PluginName, sys.ProtocolVersion, sys.SessionID = "app", "Linux", "JDBC", "none", 2, guid
	var all []session.Event
	for _, fields := range []int{15, 16, 19, 21} {
		events, bad := parse(t, newLineParser(objectName), strings.Join(strings.Split(strings.TrimSpace(long), "|")[:fields], "|")+"\n")
		require.Empty(t, bad, fields)
		all = append(all, events...)
	}
	for _, row := range []redshiftlog.Row{stl, sys} {
		var e session.Event
		redshiftlog.NewMapper("dwh").Event(&row, &e)
		all = append(all, e)
	}
	var h session.Hasher
	for i := range all {
		require.Equal(t, all[0].RecordID, all[i].RecordID, i)
		require.Equal(t, all[0].ContentHash(&h), all[i].ContentHash(&h), "%+v\n%+v", all[0], all[i])
	}
	forged := stl
	forged.User = "IAM:mallory"
	var e session.Event
	redshiftlog.NewMapper("dwh").Event(&forged, &e)
	require.Equal(t, all[0].RecordID, e.RecordID)
	require.NotEqual(t, all[0].ContentHash(&h), e.ContentHash(&h))
}

func TestViewAndFileGiveEqualIDs(t *testing.T) {
	stamp, micros := "Sun, 01 Jan 2023 01:05:07:120", time.Date(2023, 1, 1, 1, 5, 7, 120e6, time.UTC).UnixMicro()
	var text strings.Builder
	var rows []redshiftlog.Row
	for i, event := range []string{"authenticated", "set application_name", "set application_name", "set application_name", "disconnecting session"} {
		text.WriteString(recordLine(event, stamp, "::ffff:10.0.0.7", "50112", 4711, "alice", "password", int64(i/4)*99, guid))
		rows = append(rows, redshiftlog.Row{
			Event: fmt.Sprintf("%-50s", event), Micros: micros + int64(i)*7, RemoteHost: fmt.Sprintf("%-45s", "::ffff:10.0.0.7"), RemotePort: fmt.Sprintf("%-32s", "50112"),
			PID: 4711, User: fmt.Sprintf("%-50s", "alice"), AuthMethod: fmt.Sprintf("%-32s", "password"), Duration: int64(i/4) * 99, SessionID: guid,
		})
	}
	events, _ := parse(t, newLineParser(objectName), text.String())
	m := redshiftlog.NewMapper("dwh")
	ids := map[session.ID]bool{}
	for i := range rows {
		var e session.Event
		m.Event(&rows[i], &e)
		require.Equal(t, events[i].RecordID, e.RecordID, i)
		require.Equal(t, events[i].SessionKey, e.SessionKey)
		require.Equal(t, events[i].User, e.User)
		ids[e.RecordID] = true
	}
	require.Len(t, ids, len(rows))
	other := redshiftlog.NewMapper("another")
	var e session.Event
	other.Event(&rows[0], &e)
	require.NotEqual(t, events[0].RecordID, e.RecordID)
}

// Whatever a client calls itself, its failure has one id in the view and in the file: no name of a user moves what the id is made of.
func TestHostileNamesOfFailuresHaveOneID(t *testing.T) {
	stamp, micros := "Sun, 01 Jan 2023 01:05:07:120", time.Date(2023, 1, 1, 1, 5, 7, 120e6, time.UTC).UnixMicro()
	for _, name := range []string{"a|b", "x |password |77|TLSv1.2 |c |0| | | ", "|||", "x |p |1| | |0", "x |p |1| | |0| | | | "} {
		events, bad := parse(t, newLineParser(objectName), recordLine("authentication failure", stamp, "10.0.0.7", "50112", 4711, name, "password", 0, guid))
		require.Empty(t, bad)
		var e session.Event
		redshiftlog.NewMapper("dwh").Event(&redshiftlog.Row{
			Event: "authentication failure", Micros: micros, RemoteHost: "10.0.0.7", RemotePort: "50112", PID: 4711, User: name, AuthMethod: "password", SessionID: guid,
		}, &e)
		require.Equal(t, e.RecordID, events[0].RecordID, name)
		require.NotEmpty(t, events[0].Original, "the line is kept: reading it is a guess")
	}
}

// An old cluster's line ends with the application's name. Pieces of it between pipes are no fields, since they have no blank behind.
func TestNamesOfOldLinesKeepTheirPipes(t *testing.T) {
	const head = "authenticated |Sun, 01 Jan 2023 01:05:07:120|10.0.0.7 |50112 |4711|dev |"
	for name, text := range map[string]string{
		"nightly | load || 0|": head + "a|b |password |0|TLSv1.2 |c |0|none |none | |nightly | load || 0| \n",
		"a|b|c":                head + "a|b |password |0|TLSv1.2 |c |0|none |none | |a|b|c \n",
		"":                     head + "a|b |password |0|TLSv1.2 |c |0|none |none | | \n",
	} {
		events, bad := parse(t, newLineParser(objectName), text)
		require.Empty(t, bad)
		require.Equal(t, []string{"a|b", name, "", "", ""}, []string{events[0].User, events[0].ApplicationName, events[0].OS, events[0].Driver, events[0].Plugin})
	}
	events, bad := parse(t, newLineParser(objectName), strings.ReplaceAll(recordLine("authenticated", "Sun, 01 Jan 2023 01:05:07:120", "10.0.0.7", "5", 1, "a|b", "password", 0, guid), " |", "|"))
	require.Empty(t, bad, "a copy that has lost its blanks")
	require.Equal(t, []string{"a|b", "app", "Linux 6.1"}, []string{events[0].User, events[0].ApplicationName, events[0].OS})
}

func TestInternalRows(t *testing.T) {
	require.True(t, (&redshiftlog.Row{User: "rdsdb   ", RemoteHost: "[local]  "}).IsInternal())
	require.True(t, (&redshiftlog.Row{User: "rdsdb", RemoteHost: "::ffff:127.0.0.1"}).IsInternal())
	require.False(t, (&redshiftlog.Row{User: "rdsdb", RemoteHost: "10.0.0.1"}).IsInternal(), "somebody else under that name")
	require.False(t, (&redshiftlog.Row{User: "alice", RemoteHost: "[local]"}).IsInternal())
}

// A duration that ran over 32 bits, or is absurd, does not become a wrong one, and its row stays what it is.
func TestDurationsThatCannotBe(t *testing.T) {
	for _, micros := range []int64{-1, 1 << 62} {
		var e session.Event
		redshiftlog.NewMapper("dwh").Event(&redshiftlog.Row{Event: "disconnecting session", Duration: micros}, &e)
		require.Zero(t, e.Duration)
		require.Contains(t, e.Extra, session.Attr{Key: session.SourceField + "duration", Value: fmt.Sprint(micros), Type: session.AttrInt})
	}
}

// A parser that goes on at an anchor gives the events from there with the ids that they had.
func TestAnchors(t *testing.T) {
	var lines []string
	for i := range 12 {
		lines = append(lines, recordLine("set application_name", fmt.Sprintf("Sun, 01 Jan 2023 01:05:07:%03d", i/4), "[local]", "", 1, "u", "Ident", 0, ""))
	}
	whole, bad := parse(t, newLineParser(""), strings.Join(lines, ""))
	require.Empty(t, bad)
	first, at, batch := newLineParser(""), int64(0), &logformat.EventBatch{}
	for n, text := range lines {
		require.NoError(t, first.Parse(text, at, batch))
		at += int64(len(text))
		anchor, state := first.ResumeOffset(), first.ResumeState()
		second, again := newLineParser(""), &logformat.EventBatch{}
		require.NoError(t, second.Restore(anchor, state, false))
		for place := anchor; place < at; place += int64(len(text)) {
			require.NoError(t, second.Parse(lines[place/int64(len(text))], place, again))
		}
		require.NotEmpty(t, again.Events)
		for i := range again.Events {
			require.Equal(t, whole[n+1-len(again.Events)+i].RecordID, again.Events[i].RecordID)
		}
	}
}

// Torn and hostile lines are reported each, and take no neighbour along.
func TestNeighboursOfBadLinesPass(t *testing.T) {
	good := recordLine("authenticated", "Sun, 01 Jan 2023 01:05:07:120", "10.0.0.7", "50112", 4711, "alice", "password", 0, guid)
	var text strings.Builder
	var want []int
	for i, torn := range []string{good[:40] + "\n", "\x00\xff|\n", strings.Repeat("|", 9999) + "\n", "x\r\n"} {
		text.WriteString(good)
		want = append(want, text.Len())
		text.WriteString(torn)
		require.Len(t, want, i+1)
	}
	text.WriteString("\r\n" + good)
	events, bad := parse(t, newLineParser(""), text.String())
	require.Equal(t, want, bad)
	require.Len(t, events, 5)
}

func TestDetect(t *testing.T) {
	good := recordLine("authenticated", "Sun, 01 Jan 2023 01:05:07:120", "10.0.0.7", "50112", 4711, "alice", "password", 0, guid)
	for _, test := range []struct {
		head  string
		whole bool
		want  logformat.Verdict
	}{
		{good, false, logformat.VerdictYes},
		{logformat.ByteOrderMark + good, true, logformat.VerdictYes},
		{good[:60], true, logformat.VerdictYes},
		{"authent", false, logformat.VerdictWait},
		{"authent", true, logformat.VerdictNo},
		{`{"a":"b|c|d"}` + "\n", false, logformat.VerdictNo},
		{"", false, logformat.VerdictWait},
	} {
		_, verdict := logformat.Detect(redshiftlog.Formats(), []byte(test.head), test.whole)
		require.Equal(t, test.want, verdict, test.head)
	}
}

func TestLinesCostNoAllocation(t *testing.T) {
	p, batch := newLineParser(objectName), &logformat.EventBatch{}
	text := recordLine("authenticated", "Sun, 01 Jan 2023 01:05:07:120", "::ffff:10.0.0.7", "50112", 4711, "IAM:alice", "IAM", 0, guid)
	require.NoError(t, p.Parse(text, 0, batch))
	allocs := testing.AllocsPerRun(100, func() {
		batch.Cut(0)
		_ = p.Parse(text, 1, batch)
	})
	require.Zero(t, allocs)
}

// BenchmarkConnectionLog reads lines to events, ids and all. One op is one line.
func BenchmarkConnectionLog(b *testing.B) {
	var lines []string
	for i := range 1000 {
		event := []string{"authenticated", "initiating session", "set application_name", "disconnecting session"}[i%4]
		lines = append(lines, recordLine(event, fmt.Sprintf("Sun, 01 Jan 2023 01:05:%02d:%03d", i/250, i%250), "::ffff:10.0.0.7", fmt.Sprint(40000+i/4), 4711+i/4, "alice", "password", 0, guid))
	}
	p, batch := newLineParser(objectName), &logformat.EventBatch{}
	b.SetBytes(int64(len(strings.Join(lines, "")) / len(lines)))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%len(lines) == 0 {
			batch.Cut(0)
		}
		if err := p.Parse(lines[n%len(lines)], 1, batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
