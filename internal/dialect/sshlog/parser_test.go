package sshlog_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/sshlog"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

func newParser(o logformat.Options) logformat.Parser {
	f, _ := logformat.FindFormat(sshlog.Formats(), "sshd")
	return f.New(o)
}

func options() logformat.Options {
	return logformat.Options{Instance: "ssh", Zone: time.UTC, Written: time.Date(2026, 11, 21, 23, 0, 0, 0, time.UTC)}
}

func sample(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/auth.log")
	require.NoError(t, err)
	return string(text)
}

func parseMessageText(p logformat.Parser, text string) (events []session.Event, bad []string) {
	batch, at := &logformat.EventBatch{}, int64(0)
	for _, record := range strings.SplitAfter(text, "\n") {
		if err := p.Parse(record, at, batch); err != nil {
			bad = append(bad, fmt.Sprintf("%d: %s", at, err))
		}
		at += int64(len(record))
	}
	p.FlushDue(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano(), batch)
	return batch.Events, bad
}

func brief(e *session.Event) string {
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s %s by %s from %s %s", e.Kind, e.Outcome, e.User, e.AuthMethod, e.ClientAddress, e.ErrorType)), " ")
}

func briefs(events []session.Event) (lines []string) {
	for i := range events {
		lines = append(lines, brief(&events[i]))
	}
	return lines
}

// done is what the clients of the recorded server did.
var done = []string{
	"login success sshtest by ssh_key from 127.0.0.1", "logout success sshtest by from 127.0.0.1",
	"login success root by ssh_key from 127.0.0.1", "logout success root by from 127.0.0.1",
	"login failure sshtest by from 127.0.0.1 invalid_credentials", // a wrong key
	"login success sshtest by password from 127.0.0.1", "logout success sshtest by from 127.0.0.1",
	"login failure sshtest by password from 127.0.0.1 invalid_credentials",
	"login failure sshtest by password from 127.0.0.1 invalid_credentials",
	"login failure sshtest by password from 127.0.0.1 invalid_credentials",
	"login failure sshtest by password from 127.0.0.1 invalid_credentials",
	"login failure nosuchuser by password from 127.0.0.1 user_unknown",
	"login failure nosuch2 by from 127.0.0.1 user_unknown",
	"login failure daemon by password from 127.0.0.1 not_permitted",
	"login failure root by password from 127.0.0.1 invalid_credentials",
	"login failure nosuch x from 1.2.3.4 port 1 ssh2 by password from 127.0.0.1 user_unknown",
	"login success sshtest by ssh_key from 127.0.0.1", "logout success sshtest by from 127.0.0.1",
	"login success sshtest by ssh_key from 127.0.0.1", "logout success sshtest by from 127.0.0.1",
}

func TestRealLog(t *testing.T) {
	events, bad := parseMessageText(newParser(options()), sample(t))
	require.Empty(t, bad)
	require.Equal(t, done, briefs(events))
	ids, logins := map[session.ID]bool{}, map[session.ID]bool{}
	for _, e := range events {
		ids[e.RecordID] = true
		require.Equal(t, "sshd", e.System)
		require.Equal(t, "vm", e.Host)
		require.NotZero(t, e.ClientPort)
		logins[e.SessionKey] = logins[e.SessionKey] || e.Kind == session.KindLogin && e.Outcome == session.OutcomeSuccess
		require.True(t, e.Kind != session.KindLogout || logins[e.SessionKey], "a logout belongs to its login")
	}
	require.Len(t, ids, len(events))
	require.Equal(t, time.Date(2026, 11, 21, 22, 3, 11, 0, time.UTC).UnixNano(), events[0].Time)
	require.Equal(t, session.Attr{Key: session.SourceField + "key", Value: "ED25519 SHA256:PcCpmeqAGLM2znGCnA/qBQir4tIJ0w06IFpnpZZF2Jc"}, events[0].Extra[0])
}

// modern rewrites the classic log as servers since 9.8 and syslogs of today write it.
func modern(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if len(line) > 16 {
			lines[i] = "2026-11-21T" + line[7:15] + ".5+00:00 " + strings.Replace(line[16:], "sshd[", "sshd-session[", 1)
		}
	}
	return strings.Join(lines, "")
}

func TestStampsAndPrograms(t *testing.T) {
	events, bad := parseMessageText(newParser(logformat.Options{Instance: "ssh"}), modern(sample(t)))
	require.Empty(t, bad)
	require.Equal(t, done, briefs(events))
	require.Equal(t, time.Date(2026, 11, 21, 22, 3, 11, 5e8, time.UTC).UnixNano(), events[0].Time)

	noZone, noYear := options(), options()
	noZone.Zone, noYear.Written = nil, time.Time{}
	for remedy, o := range map[string]logformat.Options{"timezone": noZone, "no year": noYear} {
		err := newParser(o).Parse(strings.SplitAfter(sample(t), "\n")[0], 0, &logformat.EventBatch{})
		require.True(t, logformat.IsRefusal(err))
		require.ErrorContains(t, err, remedy)
	}
}

// without leaves out the lines that have a text.
func without(text string, parts ...string) string {
	var kept []string
	for _, line := range strings.SplitAfter(text, "\n") {
		drop := false
		for _, part := range parts {
			drop = drop || strings.Contains(line, part)
		}
		if !drop {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// Without PAM the end of a session is told by the lines with its address.
func TestWithoutPAM(t *testing.T) {
	const head = "Nov 21 22:03:47 vm sshd[1]: "
	events, _ := parseMessageText(newParser(options()), without(sample(t), "pam_")+
		head+"Accepted password for u from 127.0.0.1 port 1 ssh2\n"+head+"Connection closed by 127.0.0.1 port 1\n")
	want := append([]string(nil), done[:len(done)-1]...) // the last one's server was stopped: nothing tells its end
	require.Equal(t, append(want, "login success u by password from 127.0.0.1", "logout success u by from 127.0.0.1"), briefs(events))
}

func TestSingleLines(t *testing.T) {
	for in, want := range map[string][]string{
		"sshd[1]: message repeated 3 times: [ Failed password for root from 127.0.0.1 port 1 ssh2]": {
			"login failure root by password from 127.0.0.1 invalid_credentials", "login failure root by password from 127.0.0.1 invalid_credentials", "login failure root by password from 127.0.0.1 invalid_credentials",
		},
		"sshd[1]: Failed none for invalid user x from 127.0.0.1 port 1 ssh2":                                              nil,
		"sshd[1]: Invalid user x from 127.0.0.1 port 1":                                                                   {"login failure x by from 127.0.0.1 user_unknown"},
		"sshd[1]: Connection reset by authenticating user x 127.0.0.1 port 1 [preauth]":                                   {"login failure x by from 127.0.0.1 invalid_credentials"},
		"sshd[1]: Connection closed by 127.0.0.1 port 1 [preauth]":                                                        nil,
		"sshd[1]: pam_unix(sshd:session): session closed for user x":                                                      nil,
		"sshd[1]: Accepted publickey for x from 127.0.0.1 port 1 ssh2: RSA-CERT SHA256:a ID x (serial 0) CA RSA SHA256:b": {"login success x by certificate from 127.0.0.1"},
		"su[1]: Accepted password for x from 127.0.0.1 port 1 ssh2":                                                       nil,
		"kernel: hello": nil,
	} {
		events, bad := parseMessageText(newParser(options()), "Nov 21 22:03:47 vm "+in+"\n")
		require.Empty(t, bad, in)
		require.Equal(t, want, briefs(events), in)
		ids := map[session.ID]bool{}
		for _, e := range events {
			ids[e.RecordID] = true
		}
		require.Len(t, ids, len(events))
	}
}

func TestTimeoutAndReusedPIDs(t *testing.T) {
	const head = "Nov 21 22:03:47 vm sshd[1]: "
	events, _ := parseMessageText(newParser(options()), head+"Invalid user x from 127.0.0.1 port 1\nNov 21 22:05:47 vm sshd[9]: fatal: Timeout before authentication for 127.0.0.1 port 1\n"+
		head+"Accepted password for u from 127.0.0.1 port 2 ssh2\n"+head+"Accepted password for v from 127.0.0.1 port 3 ssh2\n"+
		head+"Disconnected from user u 127.0.0.1 port 2\n"+head+"Disconnected from user v 127.0.0.1 port 3\n")
	require.Equal(t, []string{
		"login failure x by from 127.0.0.1 timeout", "login success u by password from 127.0.0.1", "login success v by password from 127.0.0.1", "logout success v by from 127.0.0.1",
	}, briefs(events))
}

// The end of a connection may stand in no line. Who comes next under its pid is told with an address of his own.
func TestAPIDThatComesAgain(t *testing.T) {
	const head = "Nov 21 22:03:47 vm sshd[1]: "
	first := map[string]string{
		"Failed password for root from 10.6.6.6 port 5 ssh2":  "login failure root by password from 10.6.6.6 invalid_credentials",
		"Invalid user x from 10.6.6.6 port 5":                 "login failure x by from 10.6.6.6 user_unknown",
		"Accepted password for eve from 10.6.6.6 port 5 ssh2": "login success eve by password from 10.6.6.6",
	}
	next := map[string]string{
		"Accepted password for bob from 10.0.0.1 port 6 ssh2":                     "login success bob by password from 10.0.0.1",
		"Failed password for bob from 10.0.0.1 port 6 ssh2":                       "login failure bob by password from 10.0.0.1 invalid_credentials",
		"Invalid user bob from 10.0.0.1 port 6":                                   "login failure bob by from 10.0.0.1 user_unknown",
		"Connection closed by authenticating user bob 10.0.0.1 port 6 [preauth]":  "login failure bob by from 10.0.0.1 invalid_credentials",
		"Failed publickey for bob from 10.6.6.6 port 6 ssh2: ED25519 SHA256:iWLf": "login failure bob by ssh_key from 10.6.6.6 invalid_credentials",
	}
	for before, told := range first {
		for in, want := range next {
			events, bad := parseMessageText(newParser(options()), head+before+"\n"+head+in+"\n")
			require.Empty(t, bad)
			require.Equal(t, []string{told, want}, briefs(events), "%s, %s", before, in)
			require.NotEqual(t, events[0].SessionKey, events[1].SessionKey)
		}
	}
	// What a client chose makes no other connection.
	events, _ := parseMessageText(newParser(options()), head+"Invalid user x from 10.6.6.6 port 5\n"+
		head+"Failed publickey for invalid user x from 10.6.6.6 port 5 ssh2: RSA-CERT SHA256:a ID y from 10.0.0.1 port 6 ssh2: z (serial 0) CA RSA SHA256:b\n"+
		head+"Disconnecting invalid user x 10.6.6.6 port 5: Change of username or service not allowed: (x,ssh-connection) -> (y 10.0.0.1 port 6: z,ssh-connection) [preauth]\n")
	require.Len(t, events, 1)
	require.Equal(t, "10.6.6.6", events[0].ClientAddress)
}

// A log has a clock of its own, also after a restart without a new line: what waits is not decided by this machine's.
func TestTheLogsClockAfterARestart(t *testing.T) {
	first, batch := newParser(options()), &logformat.EventBatch{}
	require.NoError(t, first.Parse("Nov 21 22:03:47 vm sshd[1]: Invalid user x from 10.6.6.6 port 5\n", 0, batch))
	want := time.Date(2026, 11, 21, 22, 3, 47, 0, time.UTC).UnixNano()
	require.Equal(t, want, first.LogTime())
	at, state := first.ResumeOffset(), first.ResumeState()
	second := newParser(options())
	require.NoError(t, second.Restore(at, state, false))
	require.Equal(t, want, second.LogTime())
}

func TestNeighboursOfBadLinesPass(t *testing.T) {
	good := "Nov 21 22:03:47 vm sshd[%d]: Accepted password for alice from 127.0.0.1 port 1 ssh2\n"
	first, second := fmt.Sprintf(good, 1), fmt.Sprintf(good, 2)
	for _, torn := range []string{"Nov 21 22:0\n", "alice\n", "\x00\xff\n", "Nov 41 22:03:47 vm sshd[1]: Accepted password for alice\n", "Nov 21 22:03:47 alice\n"} {
		events, bad := parseMessageText(newParser(options()), first+torn+second)
		require.Len(t, events, 2, "%q", torn)
		require.Len(t, bad, 1, "%q", torn)
		require.True(t, strings.HasPrefix(bad[0], fmt.Sprint(len(first))+": "))
		require.NotContains(t, bad[0], "alice")
	}
}

// A reader that is killed at any line, or whose log goes on in another file there, tells the same events.
func TestKilledOrRotatedAtEveryLine(t *testing.T) {
	whole, _ := parseMessageText(newParser(options()), sample(t))
	all := strings.SplitAfter(strings.TrimSpace(sample(t)), "\n")
	for cut := range all {
		for _, rotated := range []bool{false, true} {
			o := options()
			if rotated {
				o.Shared = &logformat.SharedState{}
			}
			first, batch, at := newParser(o), &logformat.EventBatch{}, int64(0)
			for _, line := range all[:cut] {
				require.NoError(t, first.Parse(line, at, batch))
				at += int64(len(line))
			}
			second := newParser(o)
			if rotated {
				at = 0
			} else {
				anchor, state := first.ResumeOffset(), first.ResumeState()
				require.Equal(t, at, anchor)
				require.NoError(t, second.Restore(anchor, state, false))
			}
			for _, line := range all[cut:] {
				require.NoError(t, second.Parse(line, at, batch))
				at += int64(len(line))
			}
			require.Equal(t, done, briefs(batch.Events), cut)
			for i := range whole {
				require.True(t, sessiontest.SameContent(&whole[i], &batch.Events[i]), "%d: %s", cut, brief(&whole[i]))
			}
		}
	}
	require.Error(t, newParser(options()).Restore(0, []byte("{"), false))
}

// A flood of connections takes bounded memory.
func TestFlood(t *testing.T) {
	p, batch := newParser(options()), &logformat.EventBatch{}
	for i := range 120_000 {
		batch.Cut(0)
		require.NoError(t, p.Parse(fmt.Sprintf("Nov 21 22:03:47 vm sshd[%d]: Invalid user x from 127.0.0.1 port %d", i, i%60000+1), 1, batch))
	}
	state := p.ResumeState()
	require.Less(t, len(state), 10<<20)
}

// A flood of tries by keyboard-interactive, whose lines come from two processes each, takes bounded memory and time in proportion.
func TestFloodOfPAM(t *testing.T) {
	p, batch, failures := newParser(options()), &logformat.EventBatch{}, 0
	begun := time.Now()
	for i := range 200_000 {
		batch.Cut(0)
		require.NoError(t, p.Parse(fmt.Sprintf("Nov 21 22:03:47 vm sshd[%d]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.9  user=u%d", i+1, i%500), 1, batch))
		if i%2 == 0 {
			require.NoError(t, p.Parse(fmt.Sprintf("Nov 21 22:03:47 vm sshd[%d]: error: PAM: Authentication failure for u%d from 192.0.2.9", 300_000+i, i%500), 1, batch))
		}
		failures += len(batch.Events)
	}
	batch.Cut(0)
	p.FlushDue(p.LogTime()+int64(time.Hour), batch)
	require.Equal(t, 200_000, failures+len(batch.Events))
	require.Less(t, time.Since(begun), time.Minute)
	state := p.ResumeState()
	require.Less(t, len(state), 1<<20)
}

func TestDetect(t *testing.T) {
	for head, want := range map[string]logformat.Verdict{
		sample(t): logformat.VerdictYes, modern(sample(t)): logformat.VerdictYes, "Nov 21 22:03:10 vm cron[1]: x\n" + sample(t): logformat.VerdictYes,
		"": logformat.VerdictWait, "Nov 21 22:03:10 vm cron[1]: x\n": logformat.VerdictWait, "hello\n": logformat.VerdictNo, "20261121 22:01:32,vm,root,localhost,3,0,CONNECT,,,0\n": logformat.VerdictNo,
		"2026-11-21 21:47:39.468 UTC [7036] a@b LOG:  connection received: host=127.0.0.1 port=45930\n": logformat.VerdictWait,
	} {
		_, verdict := logformat.Detect(sshlog.Formats(), []byte(head), false)
		require.Equal(t, want, verdict, head)
	}
}

func TestLinesCostNoAllocation(t *testing.T) {
	p, batch := newParser(options()), &logformat.EventBatch{}
	for _, line := range []string{
		"Nov 21 22:03:18 vm sshd[13869]: Failed password for invalid user nosuch x from 1.2.3.4 port 1 ssh2 from 127.0.0.1 port 47220 ssh2\n",
		"Nov 21 22:03:11 vm sshd[13739]: Received disconnect from 127.0.0.1 port 45562:11: disconnected by user\n",
	} {
		require.NoError(t, p.Parse(line, 0, batch))
		require.Zero(t, testing.AllocsPerRun(100, func() { batch.Cut(0); _ = p.Parse(line, 1, batch) }), line)
	}
}

// BenchmarkParse reads the real log over and over. One op is one line.
func BenchmarkParse(b *testing.B) {
	lines := strings.SplitAfter(strings.TrimSpace(sample(b)), "\n")
	p, batch := newParser(options()), &logformat.EventBatch{}
	b.SetBytes(int64(len(sample(b)) / len(lines)))
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
