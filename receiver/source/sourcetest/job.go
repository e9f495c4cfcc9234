package sourcetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Job is a source at work, and what it tells.
type Job struct {
	*Recorder
	Stats Stats
	Logs  *observer.ObservedLogs // warnings and worse

	cancel context.CancelFunc
	done   chan error
}

// StartJob runs a source until Stop or the end of the test. Its instance is not written in a configuration, but for what changes say.
func StartJob(t testing.TB, src source.Source, store *Store, changes ...func(*source.Host)) *Job {
	t.Helper()
	j := &Job{Recorder: &Recorder{}, done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	j.cancel = cancel
	host := Host(t, j.Recorder, store, &j.Stats)
	core, logs := observer.New(zapcore.WarnLevel)
	j.Logs, host.Log, host.InstanceSet = logs, zap.New(core), false
	for _, change := range changes {
		change(&host)
	}
	go func() { j.done <- src.Run(ctx, host) }()
	t.Cleanup(func() { j.Stop(t) })
	return j
}

// Stop returns when the source has ended.
func (j *Job) Stop(t testing.TB) {
	t.Helper()
	j.cancel()
	select {
	case err := <-j.done:
		require.NoError(t, err)
		j.done <- nil
	case <-time.After(10 * time.Second):
		t.Fatal("the source does not end")
	}
}

// AwaitWords waits for what is delivered, in words ([Words]), and finds no more.
func (j *Job) AwaitWords(t testing.TB, want ...string) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) { require.GreaterOrEqual(c, len(j.Delivered()), len(want)) }, 20*time.Second, 2*time.Millisecond)
	require.ElementsMatch(t, want, Words(j.Delivered()))
}

// Words says of each event its instance, kind, outcome, user and status code.
func Words(events []session.Event) (lines []string) {
	for i := range events {
		e := &events[i]
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", e.Instance, e.Kind, e.Outcome, e.User, e.StatusCode)))
	}
	slices.Sort(lines)
	return lines
}

// Warned tells whether this text is part of a warning, or of a field of one.
func (j *Job) Warned(part string) bool {
	return slices.ContainsFunc(j.Logs.All(), func(e observer.LoggedEntry) bool {
		return strings.Contains(e.Message+fmt.Sprint(e.ContextMap()), part)
	})
}

// AwaitWarning waits until it is.
func (j *Job) AwaitWarning(t testing.TB, part string) {
	t.Helper()
	require.Eventually(t, func() bool { return j.Warned(part) }, 20*time.Second, 2*time.Millisecond, "no warning %q among %v", part, j.Logs.All())
}
