package mariadblog_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/mariadblog"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

func newAuditParser(o logformat.Options) logformat.Parser {
	f, _ := logformat.FindFormat(mariadblog.Formats(), "server_audit")
	return f.New(o)
}

func options() logformat.Options { return logformat.Options{Instance: "db", Zone: time.UTC} }

func sample(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/server_audit.log")
	require.NoError(t, err)
	return string(text)
}

func records(p logformat.Parser, text string) (out []string) {
	for text != "" {
		n := p.Frame([]byte(text), true)
		out = append(out, text[:n])
		text = text[n:]
	}
	return out
}

func parse(p logformat.Parser, text string) (events []session.Event, bad []string) {
	batch, at := &logformat.EventBatch{}, int64(0)
	for _, record := range records(p, text) {
		if err := p.Parse(record, at, batch); err != nil {
			bad = append(bad, fmt.Sprintf("%d: %s", at, err))
		}
		at += int64(len(record))
	}
	return batch.Events, bad
}

func brief(e *session.Event) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s@%s from %s %s", e.Kind, e.Outcome, strings.ReplaceAll(e.User, "\n", `\n`), e.Database, e.ClientAddress, e.ErrorType))
}

func briefs(events []session.Event) (lines []string) {
	for i := range events {
		lines = append(lines, brief(&events[i]))
	}
	return lines
}

// What the clients of the recorded server did: no more logouts than logins, none of a failed login, none of a probe.
func TestRealLog(t *testing.T) {
	events, bad := parse(newAuditParser(options()), sample(t))
	require.Empty(t, bad)
	require.Equal(t, []string{
		"login success root@ from localhost", "logout success root@ from localhost",
		"login success root@ from localhost", "logout success root@ from localhost",
		"login success root@ from localhost", "logout success root@ from localhost",
		"login success alice@app from 127.0.0.1", "logout success alice@app from 127.0.0.1",
		"login failure alice@ from 127.0.0.1 invalid_credentials",
		"login failure mallory@ from 127.0.0.1 invalid_credentials",
		"login failure alice@ from 127.0.0.1 not_permitted",
		"login failure alice@ from 127.0.0.1 not_permitted",
		"login failure locked@ from 127.0.0.1 account_locked",
		"login success limited@ from 127.0.0.1",
		"login failure limited@ from 127.0.0.1 connection_limit",
		"logout success limited@ from 127.0.0.1",
		`login failure o,d'd\nuser@ from 127.0.0.1 invalid_credentials`,
		"login success alice@app from localhost", "logout success alice@app from localhost",
		"login success alice@app from 127.0.0.1",
		"login success root@ from localhost", "logout success root@ from localhost",
		"login success root@ from localhost",
		"logout success alice@app from 127.0.0.1", "logout success root@ from localhost",
		"login success root@ from localhost", "logout success root@ from localhost",
		"login success alice@app from 127.0.0.1", "logout success alice@app from 127.0.0.1",
		"login success root@ from localhost", "logout success root@ from localhost",
	}, briefs(events))
	logins := map[session.ID]string{}
	ids := map[session.ID]bool{}
	for i, e := range events {
		ids[e.RecordID] = true
		if e.Kind == session.KindLogin && e.Outcome == session.OutcomeSuccess {
			logins[e.SessionKey] = e.User
		} else if e.Kind == session.KindLogout {
			require.Equal(t, e.User, logins[e.SessionKey], "%d", i)
		}
		require.Equal(t, "mariadb", e.System)
		require.Equal(t, "vm", e.Host)
	}
	require.Len(t, ids, len(events))
	require.Equal(t, time.Date(2026, 11, 21, 22, 1, 32, 0, time.UTC).UnixNano(), events[8].Time)
	require.Equal(t, "1045", events[8].StatusCode)
	require.Equal(t, int64(7), events[8].PID)
}

func TestVariants(t *testing.T) {
	written := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct{ in, want, system, address, kind, at string }{
		{"20261121 22:01:32,vm,alice,10.0.0.1:40112,6,0,CONNECT,app,,0", "login success alice@app from 10.0.0.1", "mariadb", "10.0.0.1:40112", "", "2026-11-21T22:01:32Z"},
		{"20261121 22:01:32,vm,alice,::1,6,0,CONNECT,app,,0", "login success alice@app from ::1", "mariadb", "::1:0", "", "2026-11-21T22:01:32Z"},
		{"20261121 22:01:32,vm,alice,[2001:db8::1]:40112,6,0,CONNECT,app,,0", "login success alice@app from 2001:db8::1", "mariadb", "2001:db8::1:40112", "", "2026-11-21T22:01:32Z"},
		{"20261121 22:01:32,vm,alice,localhost:x,6,0,CONNECT,app,,0", "login success alice@app from localhost:x", "mariadb", "localhost:x:0", "", "2026-11-21T22:01:32Z"},
		{"1795298492123456,ip-10,alice,10.0.0.1,6,0,CONNECT,app,,0", "login success alice@app from 10.0.0.1", "mysql", "10.0.0.1:0", "", "2026-11-21T22:01:32.123456Z"},
		{"20261121 22:01:32,ip-10,alice,10.0.0.1,6,0,FAILED_CONNECT,,,1045,SSL", "login failure alice@ from 10.0.0.1 invalid_credentials", "mariadb", "10.0.0.1:0", "SSL", "2026-11-21T22:01:32Z"},
		{"20261121 22:01:32,ip-10,alice,10.0.0.1,6,0,CONNECT,,,0,SOCKET", "login success alice@ from 10.0.0.1", "mariadb", "10.0.0.1:0", "SOCKET", "2026-11-21T22:01:32Z"},
		{"Nov 21 22:01:32 vm mysql-server_auditing:  vm,alice,10.0.0.1,6,0,CONNECT,app,,0", "login success alice@app from 10.0.0.1", "mariadb", "10.0.0.1:0", "", "2026-11-21T22:01:32Z"},
		{"Nov 21 22:01:32 vm mysql-server_auditing: shop 7: x vm,alice,10.0.0.1,6,0,CONNECT,app,,0", "login success alice@app from 10.0.0.1", "mariadb", "10.0.0.1:0", "", "2026-11-21T22:01:32Z"},
		{"2026-11-21T23:01:32.5+01:00 vm mysql-server_auditing: vm,alice,10.0.0.1,6,0,CONNECT,app,,0", "login success alice@app from 10.0.0.1", "mariadb", "10.0.0.1:0", "", "2026-11-21T22:01:32.5Z"},
		{"20261121 22:01:32,mdb,app,localhost:unavailable,8,0,CONNECT,,,0,", "login success app@ from localhost", "mariadb", "localhost:0", "", "2026-11-21T22:01:32Z"},
		{"20261121 22:01:32,mdb,app,192.0.2.7:40112,8,0,CONNECT,shop,,0,TLSv1.3", "login success app@shop from 192.0.2.7", "mariadb", "192.0.2.7:40112", "", "2026-11-21T22:01:32Z"},
		{"20261121 22:01:32,mdb,app,192.0.2.7:40112,8,0,FAILED_CONNECT,,,1045,TLSv1.2", "login failure app@ from 192.0.2.7 invalid_credentials", "mariadb", "192.0.2.7:40112", "", "2026-11-21T22:01:32Z"},
		{"20261121 22:01:32,mdb,app,192.0.2.7:40112,8,0,FAILED_CONNECT,,,1045,", "login failure app@ from 192.0.2.7 invalid_credentials", "mariadb", "192.0.2.7:40112", "", "2026-11-21T22:01:32Z"},
		{"20261121 22:01:32,mdb,app,192.0.2.7:40112,8,0,FAILED_CONNECT,,,1045,SSL,TLSv1.3", "login failure app@ from 192.0.2.7 invalid_credentials", "mariadb", "192.0.2.7:40112", "SSL", "2026-11-21T22:01:32Z"},
		{"20261121 22:01:32,mdb,app,192.0.2.7:40112,8,0,CONNECT,shop,TLSv1.3,0", "login success app@shop from 192.0.2.7", "mariadb", "192.0.2.7:40112", "", "2026-11-21T22:01:32Z"},
		{"20261121 22:01:32,mdb,app,192.0.2.7:40112,8,0,FAILED_CONNECT,,TLSv1.3,1045", "login failure app@ from 192.0.2.7 invalid_credentials", "mariadb", "192.0.2.7:40112", "", "2026-11-21T22:01:32Z"},
		{"20261121T23:01:32.500000+0100,vm,app,h,8,0,CONNECT,,,0", "login success app@ from h", "mariadb", "h:0", "", "2026-11-21T22:01:32.5Z"},
		{"2026-11-21 22:01:32,vm,app,h,8,0,CONNECT,,,0", "login success app@ from h", "mariadb", "h:0", "", "2026-11-21T22:01:32Z"},
		{"2026-11-21T22:01:32Z,vm,app,h,8,0,CONNECT,,,0", "login success app@ from h", "mariadb", "h:0", "", "2026-11-21T22:01:32Z"},
		{"20261121 22:01:32,vm,app,h,8,0,FAILED_CONNECT,,,4711", "login failure app@ from h _OTHER", "mariadb", "h:0", "", "2026-11-21T22:01:32Z"},
		{"20261121 22:01:32,vm,app,h,8,0,FAILED_CONNECT,,,1158", "login failure app@ from h protocol_error", "mariadb", "h:0", "", "2026-11-21T22:01:32Z"},
		{"20261121 22:01:32,vm,,h,8,0,FAILED_CONNECT,,,1045", "login failure @ from h invalid_credentials", "mariadb", "h:0", "", "2026-11-21T22:01:32Z"},
		{"20261121 22:01:32,vm,bob,h,16,0,CHANGE_USER,,,1045", "login failure bob@ from h invalid_credentials", "mariadb", "h:0", "", "2026-11-21T22:01:32Z"},
		{"20261121 22:01:32,vm,alice,h,6,0,CONNECT,,,1040", "login failure alice@ from h connection_limit", "mariadb", "h:0", "", "2026-11-21T22:01:32Z"},
	} {
		o := options()
		o.Written = written
		events, bad := parse(newAuditParser(o), test.in+"\r\n")
		require.Empty(t, bad, test.in)
		require.Equal(t, []string{test.want}, briefs(events), test.in)
		e := events[0]
		require.Equal(t, test.system, e.System)
		require.Equal(t, test.address, fmt.Sprintf("%s:%d", e.ClientAddress, e.ClientPort))
		require.Equal(t, test.kind, e.Interface)
		require.Equal(t, test.at, time.Unix(0, e.Time).UTC().Format(time.RFC3339Nano))
	}
}

func TestOtherRecordsAreNone(t *testing.T) {
	for _, in := range []string{
		`20261121 22:01:32,vm,root,localhost,4,2,QUERY,,'select 1, \'x\',CONNECT,,,0\n',0`, "20261121 22:01:32,vm,root,localhost,5,7,WRITE,mysql,db,",
		"20261121 22:01:32,vm,alice,10.0.0.1,6,0,DISCONNECT,app,,0",    // of a login that was never seen
		"20261121 22:01:32,vm,,10.0.0.1,6,0,FAILED_CONNECT,,,1158", "", // nobody tried to log in: no name was sent
		"20261121 22:01:32,vm,,10.0.0.1,6,0,FAILED_CONNECT,,,1159", "20261121 22:01:32,vm,,10.0.0.1,6,0,FAILED_CONNECT,,,1156",
		"20261121 22:01:32,vm,,10.0.0.1:4711,6,0,FAILED_CONNECT,,,1160,",
		"20261121 22:01:32,vm,root,localhost,5,0,PROXY_CONNECT,app,`a`@`%`,0", // of a login that was never seen
	} {
		events, bad := parse(newAuditParser(options()), in+"\n")
		require.Empty(t, bad, in)
		require.Empty(t, events, in)
	}
}

// Names with commas and line ends, and those that look like records, are told as they are, and their neighbours too.
func TestHostileNames(t *testing.T) {
	neighbour := "20261121 22:01:32,vm,alice,127.0.0.1,6,0,CONNECT,app,,0\n"
	forged := "20261121 22:01:33,vm,root,localhost,99,0,CONNECT,app,,0"
	for _, name := range []string{"a,b", "a\nb", "\n", "x\n\n", ",,,", "x,127.0.0.1,3,0,CONNECT,app", "x\n" + forged + "\ny", "x\n" + forged + "\n" + forged + "\n", "CONNECT", "'"} {
		text := neighbour + "20261121 22:01:33,vm," + name + ",127.0.0.1,14,0,FAILED_CONNECT,,,1045\n" + neighbour
		events, bad := parse(newAuditParser(options()), text)
		require.Empty(t, bad, "%q", name)
		require.Len(t, events, 3, "%q", name)
		require.Equal(t, name, events[1].User)
		require.Equal(t, session.OutcomeFailure, events[1].Outcome)
		require.Equal(t, int64(14), events[1].PID)
	}
}

func TestNeighboursOfBadLinesPass(t *testing.T) {
	good := "20261121 22:01:32,vm,alice,127.0.0.1,%d,0,CONNECT,app,,0\n"
	first, second := fmt.Sprintf(good, 1), fmt.Sprintf(good, 2)
	for _, torn := range []string{
		"20261121 22:01:32,vm,al\n", "20261121 22:01:32,vm,alice,127.0.0.1,6,0,CONNECT,app,\n", "\x00\n", "garbage, more\n", "20261321 22:01:32,vm,alice,127.0.0.1,6,0,CONNECT,app,,0\n",
	} {
		events, bad := parse(newAuditParser(options()), first+torn+second)
		require.Len(t, events, 2, "%q", torn)
		require.Len(t, bad, 1, "%q", torn)
		require.True(t, strings.HasPrefix(bad[0], fmt.Sprint(len(first))+": "))
		require.NotContains(t, bad[0], "alice")
	}
}

func TestTimesNeedAZone(t *testing.T) {
	o := options()
	o.Zone = nil
	err := newAuditParser(o).Parse(records(newAuditParser(o), sample(t))[0], 0, &logformat.EventBatch{})
	require.True(t, logformat.IsRefusal(err))
	require.ErrorContains(t, err, "timezone")
	events, bad := parse(newAuditParser(o), "1795298492123456,ip-10,alice,10.0.0.1,6,0,CONNECT,app,,0\n")
	require.Empty(t, bad)
	require.Len(t, events, 1)
	err = newAuditParser(options()).Parse("Nov 21 22:01:32 vm x: vm,alice,10.0.0.1,6,0,CONNECT,app,,0\n", 0, &logformat.EventBatch{})
	require.True(t, logformat.IsRefusal(err))
}

// A reader that is killed at any record, or whose log goes on in another file there, tells the same events.
func TestKilledOrRotatedAtEveryRecord(t *testing.T) {
	all := records(newAuditParser(options()), sample(t))
	whole, _ := parse(newAuditParser(options()), sample(t))
	for cut := range all {
		for _, rotated := range []bool{false, true} {
			o := options()
			if rotated {
				o.Shared = &logformat.SharedState{}
			}
			batch, at := &logformat.EventBatch{}, int64(0)
			first := newAuditParser(o)
			for _, record := range all[:cut] {
				require.NoError(t, first.Parse(record, at, batch))
				at += int64(len(record))
			}
			second := newAuditParser(o)
			if rotated {
				at = 0
			} else {
				anchor, state := first.ResumeOffset(), first.ResumeState()
				require.Equal(t, at, anchor)
				require.NoError(t, second.Restore(anchor, state, false))
			}
			for _, record := range all[cut:] {
				require.NoError(t, second.Parse(record, at, batch))
				at += int64(len(record))
			}
			require.Equal(t, briefs(whole), briefs(batch.Events), cut)
			for i := range whole {
				require.True(t, sessiontest.SameContent(&whole[i], &batch.Events[i]), cut)
			}
		}
	}
	require.Error(t, newAuditParser(options()).Restore(0, []byte("{"), false))
}

// Connections that never end, as after crashes, take bounded memory, and the latest of them keep their logouts.
func TestSessionsAreBounded(t *testing.T) {
	p, batch := newAuditParser(options()), &logformat.EventBatch{}
	for i := range 120_000 {
		batch.Cut(0)
		require.NoError(t, p.Parse(fmt.Sprintf("20261121 22:01:32,vm,alice,h,%d,0,CONNECT,app,,0", i), 1, batch))
	}
	state := p.ResumeState()
	require.Less(t, len(state), 6<<20)
	batch.Cut(0)
	require.NoError(t, p.Parse("20261121 22:01:33,vm,alice,h,119999,0,DISCONNECT,app,,0", 1, batch))
	require.Len(t, batch.Events, 1)
}

func TestDetect(t *testing.T) {
	for head, want := range map[string]logformat.Verdict{
		sample(t): logformat.VerdictYes, "20261121 22:01:32,vm,ro": logformat.VerdictWait, "": logformat.VerdictWait, "hello\n": logformat.VerdictNo, "20261121 22:01:32,a,b,c\n": logformat.VerdictNo,
		"2026-11-21 21:47:22.349 UTC,,,6743,,6b02116a.1a57,1,,2026-11-21 21:47:22 UTC,,0,LOG,00000,\"x\",,,,,,,,,\"\",\"postmaster\",,0\n": logformat.VerdictNo,
		"Nov 21 22:03:18 vm sshd[1]: Accepted password for a, b from 127.0.0.1 port 1 ssh2\n":                                              logformat.VerdictNo,
	} {
		_, verdict := logformat.Detect(mariadblog.Formats(), []byte(head), false)
		require.Equal(t, want, verdict, head)
	}
}

func TestLinesCostNoAllocation(t *testing.T) {
	p, batch := newAuditParser(options()), &logformat.EventBatch{}
	for _, line := range []string{
		"20261121 22:01:32,vm,alice,127.0.0.1,7,0,FAILED_CONNECT,,,1045\n", "20261121 22:01:32,vm,alice,127.0.0.1,6,14,QUERY,app,'select * from t where s=\\'it\\'',0\n",
	} {
		require.NoError(t, p.Parse(line, 0, batch))
		raw := []byte(line)
		require.Zero(t, testing.AllocsPerRun(100, func() { batch.Cut(0); _ = p.Parse(line, 1, batch); p.Frame(raw, false) }), line)
	}
}

// BenchmarkParse reads the real log over and over. One op is one record.
func BenchmarkParse(b *testing.B) {
	text := sample(b)
	p, batch := newAuditParser(options()), &logformat.EventBatch{}
	count, raw := len(records(p, text)), []byte(text)
	b.SetBytes(int64(len(text) / count))
	b.ReportAllocs()
	for n := 0; n < b.N; n += count {
		batch.Cut(0)
		for at := 0; at < len(text); {
			length := p.Frame(raw[at:], true)
			if err := p.Parse(text[at:at+length], 1, batch); err != nil {
				b.Fatal(err)
			}
			at += length
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
