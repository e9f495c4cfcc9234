package mongodblog_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/mongodblog"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

func options() logformat.Options { return logformat.Options{Instance: "orders-rs0-1"} }

func newRecordParser(o logformat.Options) logformat.Parser { return mongodblog.Formats()[0].New(o) }

func sample(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/mongod.log")
	require.NoError(t, err)
	return string(text)
}

func parse(p logformat.Parser, text string) (events []session.Event, bad []string) {
	batch, at := &logformat.EventBatch{}, int64(0)
	for text != "" {
		n := p.Frame([]byte(text), true)
		if err := p.Parse(text[:n], at, batch); err != nil {
			bad = append(bad, fmt.Sprintf("%d: %s", at, err))
		}
		at, text = at+int64(n), text[n:]
	}
	return batch.Events, bad
}

func brief(e *session.Event) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s@%s from %s:%d by %s %s %s", e.Kind, e.Outcome, e.User, e.Database, e.ClientAddress, e.ClientPort, e.AuthMethod, e.ErrorType, e.UserType))
}

func briefs(events []session.Event) (lines []string) {
	for i := range events {
		lines = append(lines, brief(&events[i]))
	}
	return lines
}

// record is a line as mongod writes it at 2026-11-21T22:01:<second>.
func record(second, id int, context, attributes string) string {
	return fmt.Sprintf(`{"t":{"$date":"2026-11-21T22:01:%02d.000+00:00"},"s":"I",  "c":"ACCESS",   "id":%d, "ctx":"%s","msg":"x","attr":{%s}}`+"\n", second, id, context, attributes)
}

func accepted(second, n int) string {
	return record(second, 22943, "listener", fmt.Sprintf(`"remote":"192.0.2.7:%d","uuid":{"uuid":{"$uuid":"u-%d"}},"connectionId":%d,"connectionCount":1`, 40000+n, n, n))
}

func ended(second, n int) string {
	return record(second, 22944, fmt.Sprintf("conn%d", n), fmt.Sprintf(`"remote":"192.0.2.7:%d","uuid":{"uuid":{"$uuid":"u-%d"}},"connectionId":%d,"connectionCount":0`, 40000+n, n, n))
}

func succeeded(second, n int, user, db string) string {
	return record(second, 5286306, fmt.Sprintf("conn%d", n), fmt.Sprintf(
		`"client":"192.0.2.7:%d","isSpeculative":true,"isClusterMember":false,"mechanism":"SCRAM-SHA-256","user":%s,"db":%s,"result":0,"extraInfo":{}`,
		40000+n, quoted(user), quoted(db)))
}

func failed(second, n int, user string, speculative bool, code int, text string) string {
	return record(second, 5286307, fmt.Sprintf("conn%d", n), fmt.Sprintf(
		`"client":"192.0.2.7:%d","isSpeculative":%t,"isClusterMember":false,"mechanism":"SCRAM-SHA-256","user":%s,"db":"admin","error":%s,"result":%d,"extraInfo":{}`,
		40000+n, speculative, quoted(user), quoted(text), code))
}

func TestRealLog(t *testing.T) {
	events, bad := parse(newRecordParser(options()), sample(t))
	require.Empty(t, bad)
	require.Equal(t, []string{
		"login failure portal-admin@portal from 10.11.90.25:61135 by password user_unknown",
		"login failure admin@admin from 203.0.113.226:19368 by password invalid_credentials",
		"login success admin@admin from 203.0.113.226:19368 by password",
		"login failure root@admin from 203.0.113.226:8198 by password user_unknown",
		"login failure __system@local from 192.168.102.151:50362 by password invalid_credentials system",
		"login failure @$external from 10.194.168.198:62224 by kerberos protocol_error",
		"login success admin@admin from 172.18.0.2:41044 by password",
		"logout success admin@admin from 172.18.0.2:41044 by password",
		"login failure app-ssm@admin from 192.168.16.5:57664 by password user_unknown",
		"login failure @$external from 127.0.0.1:55532 by ldap method_not_allowed",
		"login success __system@local from 10.244.2.131:38762 by password  system",
		"logout success __system@local from 10.244.2.131:38762 by password  system",
		"login success admin@admin from 172.19.0.3:58126 by password",
	}, briefs(events))
	for i := range events {
		require.Equal(t, session.SystemMongoDB, events[i].System)
		require.Equal(t, "orders-rs0-1", events[i].Instance)
	}
	login, logout, plain := events[6], events[7], events[9]
	require.Equal(t, login.SessionKey, logout.SessionKey)
	require.Equal(t, 5*time.Minute, time.Duration(logout.Duration))
	require.Equal(t, "cbe9e57e-d87d-4432-afc3-a35314e49f45", login.SessionID)
	require.Equal(t, int64(3), login.PID)
	require.Equal(t, time.Date(2025, 1, 12, 2, 54, 43, 472e6, time.UTC).UnixNano(), login.Time)
	require.Equal(t, "nodejs 4.13.0", login.Driver)
	require.Equal(t, "linux 6.8.0-51-generic x64", logout.OS)
	require.Equal(t, "mongosh 2.5.9", plain.ApplicationName)
	require.Equal(t, "96", plain.StatusCode)
	require.Equal(t, "PLAIN", plain.AuthType)
	require.Equal(t, "11", events[0].StatusCode, "4.4 writes the name alone")
	require.Equal(t, "MongoDB Internal Client 3.6.3", events[3].Driver)
}

// Each mechanism and failure, as MongoDB's statements write them.
func TestMechanismsAndFailures(t *testing.T) {
	for _, test := range []struct{ attributes, method, errorTypeOfCode, code string }{
		{`"mechanism":"MONGODB-X509","user":"CN=app,O=x","error":"AuthenticationFailed: There is no x.509 client certificate matching the user.","result":18`, "certificate", "certificate_invalid", "18"},
		{`"mechanism":"MONGODB-AWS","user":"arn:aws:iam::123456789012:user/a","error":"AuthenticationFailed: x","result":18`, "iam", "invalid_credentials", "18"},
		{`"mechanism":"MONGODB-OIDC","user":"","error":"AuthenticationFailed: x","result":18`, "oidc", "token_invalid", "18"},
		{`"mechanism":"MONGODB-OIDC","user":"","error":"ReauthenticationRequired: x","result":391`, "oidc", "token_expired", "391"},
		{`"mechanism":"MONGODB-OIDC","user":"","error":"BadValue: None of configured identity providers support human flows","result":2`, "oidc", "_OTHER", "2"},
		{`"mechanism":"SCRAM-SHA-1","user":"a","error":"MechanismUnavailable: Unable to use SCRAM-SHA-1 based authentication for user","result":334`, "password", "method_not_allowed", "334"},
		{`"mechanism":"SCRAM-SHA-1","user":"a","error":"BadValue: Unsupported mechanism 'SCRAM-SHA-1' on authentication database '$external'"`, "password", "method_not_allowed", "2"},
		{`"mechanism":"PLAIN","user":"a","error":"OperationFailed: LDAP bind failed with error: Invalid credentials","result":96`, "ldap", "invalid_credentials", "96"},
		{`"mechanism":"GSSAPI","user":"a@R","error":{"code":18,"codeName":"AuthenticationFailed","errmsg":"x"}`, "kerberos", "invalid_credentials", "18"},
		{`"mechanism":"NEW","user":"a","error":"SomethingNew: x"`, "other", "_OTHER", "SomethingNew"},
		{`"user":{"user":"a","db":"admin"},"error":"not a name at all"`, "", "_OTHER", ""},
	} {
		for _, id := range []int{5286307, 20249, 20428} {
			events, bad := parse(newRecordParser(options()), record(1, id, "conn9", `"client":"192.0.2.7:1",`+test.attributes))
			require.Empty(t, bad)
			require.Len(t, events, 1, test.attributes)
			e := &events[0]
			require.Equal(t, []string{test.method, test.errorTypeOfCode, test.code}, []string{e.AuthMethod, e.ErrorType, e.StatusCode}, test.attributes)
			require.Equal(t, session.OutcomeFailure, e.Outcome)
		}
	}
	events, _ := parse(newRecordParser(options()), record(1, 20429, "conn9", `"remote":"[2001:db8::7]:1","mechanism":"MONGODB-X509","user":"CN=app,O=x","db":"$external"`))
	require.Equal(t, []string{"login success CN=app,O=x@$external from 2001:db8::7:1 by certificate"}, briefs(events))
	require.Equal(t, []string{"CN=app,O=x"}, events[0].CertificateSubjects)
}

func TestClients(t *testing.T) {
	for remote, want := range map[string]string{
		"10.0.0.1:5": "10.0.0.1 5", "[::1]:5": "::1 5", "[::ffff:10.0.0.1]:5": "10.0.0.1 5", "anonymous unix socket:27017": "[local] 0", "anonymous unix socket": "[local] 0",
		"10.0.0.1": "10.0.0.1 0", "app.example:5": "app.example 5", "/tmp/mongodb-27017.sock": "/tmp/mongodb-27017.sock 0", "fe80::1%eth0": "fe80::1%eth0 0",
	} {
		events, bad := parse(newRecordParser(options()), record(1, 5286306, "conn9", `"client":"`+remote+`","mechanism":"SCRAM-SHA-256","user":"a","db":"admin","result":0`))
		require.Empty(t, bad)
		require.Equal(t, want, fmt.Sprintf("%s %d", events[0].ClientAddress, events[0].ClientPort), remote)
	}
}

func TestTimes(t *testing.T) {
	want := time.Date(2026, 11, 21, 22, 1, 1, 0, time.UTC).UnixNano()
	for _, s := range []string{"2026-11-21T22:01:01.000Z", "2026-11-21T23:01:01.000+01:00", "2026-11-22T03:31:01.000+0530"} {
		events, bad := parse(newRecordParser(options()), strings.Replace(succeeded(1, 7, "a", "admin"), "2026-11-21T22:01:01.000+00:00", s, 1))
		require.Empty(t, bad)
		require.Equal(t, want, events[0].Time, s)
	}
}

// The members of a replica set and the shards of a cluster log in all the time.
func TestMembersOfTheClusterAreSystemUsers(t *testing.T) {
	member := record(1, 5286306, "conn9", `"client":"192.0.2.7:1","isClusterMember":true,"mechanism":"MONGODB-X509","user":"CN=db-2,OU=cluster","db":"$external","result":0`)
	events, _ := parse(newRecordParser(options()), member+succeeded(2, 7, "__system", "local")+succeeded(3, 8, "__system", "admin"))
	require.Equal(t, []string{session.UserSystem, session.UserSystem, ""}, []string{events[0].UserType, events[1].UserType, events[2].UserType})
}

func TestOneAttemptIsOneFailure(t *testing.T) {
	const unknown, mismatch = "UserNotFound: Could not find user \"a\" for db \"admin\"", "AuthenticationFailed: SCRAM authentication failed, storedKey mismatch"
	for name, test := range map[string]struct {
		text string
		want int
	}{
		"tried ahead, tried again":          {failed(1, 7, "a", true, 11, unknown) + failed(2, 7, "a", false, 11, unknown), 1},
		"and once more by the user":         {failed(1, 7, "a", true, 11, unknown) + failed(2, 7, "a", false, 11, unknown) + failed(3, 7, "a", false, 11, unknown), 2},
		"only ahead":                        {failed(1, 7, "a", true, 11, unknown), 1},
		"another user":                      {failed(1, 7, "a", true, 11, unknown) + failed(2, 7, "b", false, 11, unknown), 2},
		"another connection":                {failed(1, 7, "a", true, 11, unknown) + failed(2, 8, "a", false, 11, unknown), 2},
		"a guess each":                      {failed(1, 7, "a", true, 18, mismatch) + failed(2, 7, "a", false, 18, mismatch), 2},
		"another mechanism was asked for":   {failed(1, 7, "a", true, 334, "MechanismUnavailable: x") + succeeded(2, 7, "a", "admin"), 0},
		"and only that one is there at all": {failed(1, 7, "a", false, 334, "MechanismUnavailable: x"), 1},
	} {
		events, bad := parse(newRecordParser(options()), test.text)
		require.Empty(t, bad)
		failures := 0
		for i := range events {
			if events[i].Outcome == session.OutcomeFailure {
				failures++
			}
		}
		require.Equal(t, test.want, failures, name)
	}
}

// 5.0 writes its verdicts a second time where its verbosity is raised.
func TestDiagnosticsAreNoSecondLogin(t *testing.T) {
	before := record(1, 20250, "conn7", `"mechanism":"SCRAM-SHA-256","principalName":"a","authenticationDatabase":"admin","remote":"192.0.2.7:40007"`)
	events, bad := parse(newRecordParser(options()), before+strings.Replace(succeeded(1, 7, "a", "admin"), `"s":"I"`, `"s":"D3"`, 1))
	require.Empty(t, bad)
	require.Len(t, events, 1)
}

func TestSessions(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"without a login":                  {accepted(1, 7) + ended(2, 7), nil},
		"a refused one":                    {accepted(1, 7) + failed(1, 7, "a", false, 18, "AuthenticationFailed: x") + ended(2, 7), []string{"login a 0s"}},
		"two accounts":                     {accepted(1, 7) + succeeded(1, 7, "a", "x") + succeeded(2, 7, "b", "y") + ended(5, 7), []string{"login a 0s", "login b 0s", "logout a 4s", "logout b 3s"}},
		"proven again":                     {accepted(1, 7) + succeeded(1, 7, "a", "x") + succeeded(2, 7, "a", "x") + ended(5, 7), []string{"login a 0s", "session.update a 0s", "logout a 4s"}},
		"accepted before what was read":    {succeeded(1, 7, "a", "x") + ended(5, 7), []string{"login a 0s", "logout a 4s"}},
		"another client, after a restart":  {succeeded(1, 7, "a", "x") + strings.ReplaceAll(ended(5, 7), "192.0.2.7", "192.0.2.8"), []string{"login a 0s"}},
		"a restart":                        {succeeded(1, 7, "a", "x") + record(2, 4615611, "initandlisten", `"pid":1`) + ended(5, 7), []string{"login a 0s"}},
		"the number and port are new ones": {succeeded(1, 7, "a", "x") + accepted(2, 7) + ended(5, 7), []string{"login a 0s"}},
		"ended twice":                      {succeeded(1, 7, "a", "x") + ended(5, 7) + ended(6, 7), []string{"login a 0s", "logout a 4s"}},
	} {
		events, bad := parse(newRecordParser(options()), test.text)
		require.Empty(t, bad)
		var got []string
		keys := map[string]session.ID{}
		for i := range events {
			e := &events[i]
			got = append(got, fmt.Sprintf("%s %s %s", e.Kind, e.User, time.Duration(e.Duration)))
			if e.Kind == session.KindLogin {
				keys[e.User] = e.SessionKey
			}
			require.Equal(t, keys[e.User], e.SessionKey, name)
		}
		require.Equal(t, test.want, got, name)
	}
}

// A reader that is killed at any record, or whose log goes on in another file there, tells the same events.
func TestKilledOrRotatedAtEveryRecord(t *testing.T) {
	all := strings.SplitAfter(strings.TrimSuffix(sample(t), "\n"), "\n")
	whole, _ := parse(newRecordParser(options()), sample(t))
	for cut := range all {
		for _, rotated := range []bool{false, true} {
			o := options()
			if rotated {
				o.Shared = &logformat.SharedState{}
			}
			batch, at := &logformat.EventBatch{}, int64(0)
			first := newRecordParser(o)
			for _, line := range all[:cut] {
				require.NoError(t, first.Parse(line, at, batch))
				at += int64(len(line))
			}
			second := newRecordParser(o)
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
			require.Equal(t, briefs(whole), briefs(batch.Events), cut)
			for i := range whole {
				require.Equal(t, whole[i].RecordID, batch.Events[i].RecordID)
				require.True(t, sessiontest.SameContent(&whole[i], &batch.Events[i]), cut)
			}
		}
	}
	require.Error(t, newRecordParser(options()).Restore(0, []byte("{"), false))
}

// A driver may send bytes that are not UTF-8 as its name; after a restart the logout has the same ones.
func TestNamesThatAreNotUTF8AreRememberedAsTheyAre(t *testing.T) {
	p, batch := newRecordParser(options()), &logformat.EventBatch{}
	login := strings.Replace(succeeded(1, 7, "NAME", "admin"), "NAME", "a\xff\\u0000", 1)
	require.NoError(t, p.Parse(login, 0, batch))
	at, state := p.ResumeOffset(), p.ResumeState()
	next := newRecordParser(options())
	require.NoError(t, next.Restore(at, state, false))
	require.NoError(t, next.Parse(ended(2, 7), at, batch))
	require.Equal(t, []string{"a\xff\x00", "a\xff\x00"}, []string{batch.Events[0].User, batch.Events[1].User})
	require.Equal(t, batch.Events[0].SessionKey, batch.Events[1].SessionKey)
}

// Connections that never end, as with systemLog.quiet, take bounded memory, and the latest of them keep their logouts.
func TestConnectionsAreBounded(t *testing.T) {
	p, batch := newRecordParser(options()), &logformat.EventBatch{}
	for i := range 40_000 {
		batch.Cut(0)
		require.NoError(t, p.Parse(succeeded(1, 1+i, "alice", "admin"), 1, batch))
	}
	state := p.ResumeState()
	require.Less(t, len(state), 4<<20)
	batch.Cut(0)
	require.NoError(t, p.Parse(ended(5, 40_000), 1, batch))
	require.Len(t, batch.Events, 1)
}

func TestNeighboursOfBadLinesPass(t *testing.T) {
	good := succeeded(1, 7, "alice", "admin")
	for _, torn := range []string{
		good[:len(good)/2] + "\n", good[20:], strings.TrimSuffix(good, "\n") + "x\n", strings.TrimSuffix(good, "\n") + good, "mongodb-1  | " + good, "garbage\n",
		"2020-01-01T00:00:00.000+0000 I  ACCESS   [conn7] Successfully authenticated as principal alice\n", "\x00\n", "[]\n", "{}\n", `{"t":1,"id":5286306}` + "\n",
		strings.Replace(good, "2026-11-21T", "21.11.2026 ", 1), strings.Replace(good, `"client":"192.0.2.7:40007",`, "", 1), strings.Replace(good, "conn7", "main", 1),
	} {
		events, bad := parse(newRecordParser(options()), good+torn+succeeded(2, 8, "alice", "admin"))
		require.Len(t, events, 2, "%q", torn)
		require.Len(t, bad, 1, "%q", torn)
		require.True(t, strings.HasPrefix(bad[0], strconv.Itoa(len(good))+": "))
		require.NotContains(t, bad[0], "alice")
	}
}

func TestDetect(t *testing.T) {
	for head, want := range map[string]logformat.Verdict{
		sample(t): logformat.VerdictYes, succeeded(1, 7, "a", "x"): logformat.VerdictYes, `{"t":{"$da`: logformat.VerdictWait, "": logformat.VerdictWait, "hello\n": logformat.VerdictNo, "{}\n": logformat.VerdictNo,
		`{"timestamp":"2026-11-21 22:01:32.123 UTC","pid":1,"session_id":"x","error_severity":"LOG"}` + "\n":  logformat.VerdictNo,
		`{"type":"LoginSuccess","auth_id":"x","event_time_microseconds":"2026-11-21 22:01:32.123456"}` + "\n": logformat.VerdictNo,
	} {
		_, verdict := logformat.Detect(mongodblog.Formats(), []byte(head), false)
		require.Equal(t, want, verdict, head)
	}
}

// conditions keeps what was raised and cleared last.
type conditions map[string]string

func (c conditions) Raise(condition, message string) { c[condition] = message }
func (c conditions) Clear(condition, _ string)       { delete(c, condition) }

func TestALogWithoutLoginsIsWarnedOf(t *testing.T) {
	minute := int64(time.Minute)
	flush := func(text string, once bool) (conditions, logformat.Parser) {
		c := conditions{}
		o := options()
		o.Conditions, o.Once = c, once
		p := newRecordParser(o)
		_, bad := parse(p, text)
		require.Empty(t, bad)
		p.FlushDue(p.LogTime()+11*minute, &logformat.EventBatch{})
		return c, p
	}
	c, p := flush(accepted(1, 7)+ended(2, 7), false)
	require.Contains(t, c["mongodb logins"], "enableDetailedConnectionHealthMetricLogLines")
	require.NoError(t, p.Parse(succeeded(3, 8, "a", "x"), 1, &logformat.EventBatch{}))
	require.Empty(t, c)
	c, p = flush(succeeded(3, 8, "a", "x"), false)
	require.Contains(t, c["mongodb connections"], "systemLog.quiet")
	require.NoError(t, p.Parse(ended(4, 8), 1, &logformat.EventBatch{}))
	require.Empty(t, c)
	c, _ = flush(sample(t), true)
	require.Empty(t, c)
	c, _ = flush("", true)
	require.Empty(t, c)
}

// BenchmarkParse reads the real log over and over. One op is one record.
func BenchmarkParse(b *testing.B) {
	text := sample(b)
	all := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	p, batch := newRecordParser(options()), &logformat.EventBatch{}
	b.SetBytes(int64(len(text) / len(all)))
	b.ReportAllocs()
	for n := 0; n < b.N; n++ {
		batch.Cut(0)
		if err := p.Parse(all[n%len(all)], 1, batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
