package plogs

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
)

// In whichever order a sender's attributes come, fields of ours count more than another dialect's, and nothing is lost.
func TestOurFieldsCountMoreInAnyOrder(t *testing.T) {
	attrs := [][2]string{
		{"log.record.uid", "0197c4c1-8f52-8b5e-9d1b-7c1f0f3a5d10"},
		{"event.id", "e1"},
		{"error.type", "mine"},
		{"aspnetcore.identity.password_check_result", "user_missing"},
		{"aspnetcore.identity.sign_in.result", "failure"},
		{"log.record.original", "ours"},
		{"event.original", "theirs"},
		{"sessionlog.pid", "7"},
		{"process.pid", "8"},
		{"sessionlog.session.duration", "5"},
		{"event.duration", "6"},
		{"sessionlog.auth.type", "SCRAM"},
		{"authentication.type", "ldap"},
		{"sessionlog.auth.plugin", "mine"},
		{"aspnetcore.authentication.scheme", "Cookies"},
		{"db.response.status_code", "28P01"},
		{"event.code", "4625"},
		{"audit.outcome", "weird"},
		{"event.action", "login"},
		{"event.name", "UserLogin"},
	}
	for range 2 {
		e := decodeOne(t, senderLogs(func(_ plog.ScopeLogs, lr plog.LogRecord) {
			lr.SetEventName("user.login")
			for _, a := range attrs {
				lr.Attributes().PutStr(a[0], a[1])
			}
		}))
		require.Equal(t, "0197c4c1-8f52-8b5e-9d1b-7c1f0f3a5d10", e.RecordID.String())
		require.Equal(t, []any{"mine", "ours", int64(7), int64(5), "SCRAM", "ldap", "mine", "28P01", session.OutcomeFailure},
			[]any{e.ErrorType, e.Original, e.PID, e.Duration, e.AuthType, e.AuthMethod, e.Plugin, e.StatusCode, e.Outcome})
		kept := map[string]string{}
		for _, a := range e.Extra {
			kept[a.Key] = a.Value
		}
		for _, key := range []string{
			"event.id", "event.original", "process.pid", "event.duration", "authentication.type", "aspnetcore.authentication.scheme", "event.code", "audit.outcome",
			"event.action", "event.name",
		} {
			require.NotEmpty(t, kept[key], key)
		}
		slices.Reverse(attrs)
	}
}
