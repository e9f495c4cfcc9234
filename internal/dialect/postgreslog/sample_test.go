package postgreslog_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/postgreslog"
	"github.com/otel-sessionlog/sessionlog/session"
)

// samplePrefix is the log_line_prefix of the recorded servers.
const samplePrefix = "%m [%p] %q%u@%d %h %a "

var samples = []struct{ format, file string }{{"jsonlog", "log.jsonl"}, {"csvlog", "log.csv"}, {"stderr", "stderr.log"}}

func options() logformat.Options {
	return logformat.Options{Instance: "pg", LinePrefix: samplePrefix}
}

func newTextParser(t testing.TB, format string, o logformat.Options) logformat.Parser {
	t.Helper()
	f, ok := logformat.FindFormat(postgreslog.Formats(), format)
	require.True(t, ok, format)
	return f.New(o)
}

func content(t testing.TB, version, file string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + version + "/" + file)
	require.NoError(t, err)
	return string(text)
}

// records cuts a text as a reader does.
func records(p logformat.Parser, text string) (out []string) {
	raw := []byte(text)
	for text != "" {
		n := p.Frame(raw, true)
		out = append(out, text[:n])
		text, raw = text[n:], raw[n:]
	}
	return out
}

// parse reads a whole text up to a time long after it, and gives its events and the errors of its bad records.
func parse(t testing.TB, p logformat.Parser, text string) (events []session.Event, bad []string) {
	t.Helper()
	batch := &logformat.EventBatch{}
	at := int64(0)
	for _, record := range records(p, text) {
		if err := p.Parse(record, at, batch); err != nil {
			bad = append(bad, fmt.Sprintf("%d: %s", at, err))
		}
		at += int64(len(record))
	}
	p.FlushDue(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano(), batch)
	return batch.Events, bad
}

// brief is what a test compares.
func brief(e *session.Event) string {
	s := e.Kind.String() + " " + e.Outcome.String() + " " + strings.ReplaceAll(e.User, "\n", `\n`) + "@" + e.Database
	if e.ApplicationName != "" {
		s += " app=" + e.ApplicationName
	}
	if e.AuthMethod != "" && e.Kind == session.KindLogin {
		s += " by " + e.AuthMethod
	}
	if e.ErrorType != "" {
		s += " " + e.ErrorType
	}
	return s + " from " + e.ClientAddress
}

// done is what the clients of the recorded servers did (testdata/*/clients.txt), login by login.
var done = []string{
	"login success postgres@postgres app=psql by password from 127.0.0.1",
	"logout success postgres@postgres app=psql from 127.0.0.1",
	`login success alice@app app=billing "app", v1 by password from 127.0.0.1`,
	`logout success alice@app app=billing "app", v1 from 127.0.0.1`,
	"login success bob@postgres by password from 127.0.0.1",
	"logout success bob@postgres from 127.0.0.1",
	"login failure alice@app by password invalid_credentials from 127.0.0.1",
	"login failure mallory@postgres by password user_unknown from 127.0.0.1",
	"login failure alice@nodb app=loader by password database_unknown from 127.0.0.1",
	"login failure bob@app app=loader by password not_permitted from 127.0.0.1",
	"login failure alice@noconn app=loader by password not_permitted from 127.0.0.1",
	"login failure locked@postgres app=loader by password not_permitted from 127.0.0.1",
	"login failure expired@postgres by password password_expired from 127.0.0.1",
	`login failure o"dd,na\nme@postgres by password user_unknown from 127.0.0.1`,
	// no password given: nothing was tried
	"login success bob@postgres app=first by password from 127.0.0.1",
	"login failure bob@postgres app=second by password connection_limit from 127.0.0.1",
	"logout success bob@postgres app=first from 127.0.0.1",
	"login success postgres@postgres by password from 127.0.0.1",
	"logout success postgres@postgres from 127.0.0.1",
	"login success postgres@postgres by password from 127.0.0.1",
	"logout success postgres@postgres from 127.0.0.1",
	"login success alice@app app=many by password from 127.0.0.1",
	"logout success alice@app app=many from 127.0.0.1",
	"login success alice@app app=many by password from 127.0.0.1",
	"logout success alice@app app=many from 127.0.0.1",
	"login success alice@app app=many by password from 127.0.0.1",
	"logout success alice@app app=many from 127.0.0.1",
	"login failure alice@app app=many by password connection_limit from 127.0.0.1",
	"login failure alice@app app=many by password connection_limit from 127.0.0.1",
	"login failure alice@app app=many by password connection_limit from 127.0.0.1",
	"login success alice@app app=sock%TRUST% from [local]",
	"logout success alice@app app=sock from [local]",
	"login success alice@app app=q by password from 127.0.0.1",
	"logout success alice@app app=q from 127.0.0.1",
	"login success alice@app app=victim by password from 127.0.0.1",
	"login success postgres@postgres app=admin by password from 127.0.0.1",
	"logout success postgres@postgres app=admin from 127.0.0.1",
	"logout success alice@app app=victim from 127.0.0.1",
	"login success alice@app app=psql by password from 127.0.0.1",
	"logout success alice@app app=psql from 127.0.0.1",
}

// What the clients did is what the records say: of both servers, in all three formats.
func TestRealLogs(t *testing.T) {
	for _, version := range []string{"15", "18"} {
		want := append([]string(nil), done...)
		for i := range want {
			method := ""
			if version == "18" {
				method = " by none" // 15 writes nothing of trust
			}
			want[i] = strings.Replace(want[i], "%TRUST%", method, 1)
		}
		for _, f := range samples {
			events, bad := parse(t, newTextParser(t, f.format, options()), content(t, version, f.file))
			require.Empty(t, bad, "%s %s", version, f.format)
			var got []string
			ids := map[session.ID]bool{}
			logins := map[session.ID]bool{}
			for i := range events {
				e := &events[i]
				line := brief(e)
				if n := strings.Index(line, "app=many"); n >= 0 {
					line = line[:n+8] + line[n+9:] // which of six clients was refused is chance
				}
				got = append(got, line)
				ids[e.RecordID] = true
				if e.Kind == session.KindLogin {
					logins[e.SessionKey] = true
				} else {
					require.True(t, logins[e.SessionKey], "%s %s: a logout without login: %s", version, f.format, brief(e))
				}
				require.Equal(t, "postgresql", e.System)
				require.Equal(t, "pg", e.Instance)
				require.NotZero(t, e.PID)
			}
			require.ElementsMatch(t, want, got, "%s %s", version, f.format)
			require.Len(t, ids, len(events))
		}
	}
}

// The formats tell the same of one connection: those with a session id have the same records, ids and all.
func TestFormatsAgree(t *testing.T) {
	for _, version := range []string{"15", "18"} {
		json, _ := parse(t, newTextParser(t, "jsonlog", options()), content(t, version, "log.jsonl"))
		csv, _ := parse(t, newTextParser(t, "csvlog", options()), content(t, version, "log.csv"))
		require.Len(t, csv, len(json))
		for i := range json {
			require.Equal(t, json[i], csv[i])
		}
		text, _ := parse(t, newTextParser(t, "stderr", options()), content(t, version, "stderr.log"))
		require.Len(t, text, len(json))
		byTime := map[string]session.Event{}
		for _, e := range json {
			byTime[fmt.Sprint(e.Time, e.PID, e.Kind)] = e
		}
		for _, e := range text {
			same, ok := byTime[fmt.Sprint(e.Time, e.PID, e.Kind)]
			require.True(t, ok)
			require.Equal(t, brief(&same), brief(&e))
			require.Equal(t, same.ClientPort, e.ClientPort)
			require.Equal(t, same.FailureReason, e.FailureReason)
			require.Equal(t, same.Duration, e.Duration)
			require.Equal(t, same.Extra, e.Extra)
		}
	}
}

func TestOneRecordInFull(t *testing.T) {
	events, _ := parse(t, newTextParser(t, "jsonlog", options()), content(t, "15", "log.jsonl"))
	login, failed := events[2], events[7]
	require.Equal(t, time.Date(2026, 11, 21, 21, 47, 39, 890e6, time.UTC).UnixNano(), login.Time)
	require.Equal(t, "6b02117b.1b7e", login.SessionID)
	require.Equal(t, int64(7038), login.PID)
	require.Equal(t, int32(45932), login.ClientPort)
	require.Equal(t, "scram-sha-256", login.AuthType)
	require.Equal(t, []session.Attr{{Key: session.SourceField + "hba", Value: "/etc/postgresql/15/main/pg_hba.conf:91"}}, login.Extra)
	require.Equal(t, int64(12*time.Millisecond), events[3].Duration)
	require.Equal(t, login.SessionKey, events[3].SessionKey)
	require.Equal(t, "mallory", failed.User)
	require.Equal(t, "28P01", failed.StatusCode)
	require.Equal(t, `password authentication failed for user "mallory"`, failed.FailureReason)
	require.Equal(t, session.SourceField+"detail", failed.Extra[0].Key)
	require.True(t, strings.HasPrefix(failed.Extra[0].Value, "Role \"mallory\" does not exist.\nConnection matched pg_hba.conf line 91"))
}
