package sessionlogreceiver

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/deadletter"
	"github.com/otel-sessionlog/sessionlog/session/deadletter/deadlettertest"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

var (
	errBusy   = errors.New("the backend is away")
	errPoison = errors.New("the backend does not understand")
)

// testPipeline is a consumer that decides about each call, and remembers the users of each.
type testPipeline struct {
	respond func(ctx context.Context, call int, logs plog.Logs) error

	mu    sync.Mutex
	calls [][]string
}

func (p *testPipeline) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

func (p *testPipeline) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	users := usersOf(logs)
	p.mu.Lock()
	p.calls = append(p.calls, users)
	call := len(p.calls)
	p.mu.Unlock()
	if p.respond == nil {
		return nil
	}
	return p.respond(ctx, call, logs)
}

// told are the users of every call so far.
func (p *testPipeline) told() [][]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([][]string(nil), p.calls...)
}

func usersOf(logs plog.Logs) (users []string) {
	for _, e := range plogs.NewDecoder().All(logs) {
		users = append(users, e.User)
	}
	return users
}

// only is logs without the records of other users.
func only(logs plog.Logs, users ...string) plog.Logs {
	out := plog.NewLogs()
	logs.CopyTo(out)
	for _, resource := range out.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			scope.LogRecords().RemoveIf(func(r plog.LogRecord) bool {
				name, _ := r.Attributes().Get("user.name")
				for _, user := range users {
					if name.Str() == user {
						return false
					}
				}
				return true
			})
		}
	}
	return out
}

// page is one full event of each user.
func page(users ...string) []session.Event {
	out := make([]session.Event, len(users))
	var h session.Hasher
	for i, user := range users {
		sessiontest.Full().CopyTo(&out[i])
		out[i].User, out[i].Message = user, "" // only foreign records bring a message
		out[i].RecordID = h.Start("record", "test", "one").Str(user).RecordID(out[i].Time)
	}
	return out
}

func newTestEmitter(t *testing.T, next consumer.Logs, change func(*Config)) *eventEmitter {
	t.Helper()
	config := createDefaultConfig().(*Config)
	config.DeadLetter.Directory = filepath.Join(t.TempDir(), "letters")
	if change != nil {
		change(config)
	}
	set := receivertest.NewNopSettings(componentType)
	stats, err := newReceiverTelemetry(set)
	require.NoError(t, err)
	e, err := newEventEmitter(set, config, "test", next, stats, &statusReporter{host: newTestHost()})
	require.NoError(t, err)
	e.retry = retryPolicy{firstPause: time.Millisecond, longestPause: 4 * time.Millisecond}
	e.stopReceiver = func(error) {}
	if config.OnRefused == RefusedDeadLetter {
		e.deadLetterWriter, err = deadletter.Open(config.DeadLetter.Directory, "receiver/sessionlog")
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, e.deadLetterWriter.Close()) })
	}
	return e
}

func letterDir(e *eventEmitter) string { return e.deadLetterWriter.Dir() }

// deadLetteredUsers are the users in a dead letter.
func deadLetteredUsers(t *testing.T, dir string) (users []string) {
	t.Helper()
	for entry, err := range deadlettertest.Read(dir) {
		require.NoError(t, err)
		users = append(users, usersOf(entry.Record)...)
	}
	return users
}
