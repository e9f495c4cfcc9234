package sessionlogreceiver

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/internal/redaction"
	"github.com/otel-sessionlog/sessionlog/session"
)

const redactKey = "0123456789abcdef"

func failure(name string) session.Event {
	return session.Event{
		Kind: session.KindLogin, Outcome: session.OutcomeFailure, Time: 1, System: session.SystemClickHouse, User: name, UserID: name, Database: name,
		FailureReason: name + ": Authentication failed: password is incorrect, or there is no user with such name.",
		Message:       "login of " + name + " failed", Original: name, ErrorType: session.ErrorInvalidCredentials,
	}
}

// The bytes that leave the receiver, and those on the disk, are searched as they are.
func TestNoNameLeavesTheReceiver(t *testing.T) {
	var sent bytes.Buffer
	next := &testPipeline{respond: func(_ context.Context, _ int, logs plog.Logs) error {
		text, err := (&plog.JSONMarshaler{}).MarshalLogs(logs)
		sent.Write(text)
		if err != nil {
			return err
		}
		return consumererror.NewPermanent(errPoison)
	}}
	e := newTestEmitter(t, next, func(c *Config) {
		c.Redact = redaction.Config{Preset: redaction.PresetNone, Users: redaction.ModeHash, Key: redactKey}
	})
	require.NoError(t, e.emitBatch(t.Context(), []session.Event{failure("hunter2"), failure("correct horse")}))
	onDisk := readFolder(t, letterDir(e))
	require.Equal(t, 2, strings.Count(onDisk, "\n"))
	for _, text := range []string{sent.String(), onDisk} {
		require.Contains(t, text, "user.hash")
		require.NotContains(t, text, "hunter2")
		require.NotContains(t, text, "correct horse")
	}
}
