package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/session"
)

// now is when the tests ask.
var now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// asked is what a command has written, and its exit status.
type asked struct {
	out, errors string
	status      int
}

// caller runs commands as a shell would.
type caller struct {
	width     int
	variables map[string]string
}

func (c caller) run(t *testing.T, args ...string) asked {
	t.Helper()
	return c.runContext(t.Context(), args...)
}

func (c caller) runContext(ctx context.Context, args ...string) asked {
	var out, errors bytes.Buffer
	status := runCommand(ctx, args, commandEnvironment{
		out: &out, errors: &errors, width: c.width, now: func() time.Time { return now },
		variable: func(name string) string { return c.variables[name] },
	})
	return asked{out.String(), errors.String(), status}
}

// run is one call in a pipe.
func run(t *testing.T, args ...string) asked {
	t.Helper()
	return caller{}.run(t, args...)
}

// well is the output of a call that must succeed.
func well(t *testing.T, args ...string) string {
	t.Helper()
	a := run(t, args...)
	require.Equal(t, 0, a.status, a.errors)
	return a.out
}

// object is the output of a call with --output json.
func object(t *testing.T, args ...string) map[string]any {
	t.Helper()
	var o map[string]any
	require.NoError(t, json.Unmarshal([]byte(well(t, append(args, "--output", "json")...)), &o))
	return o
}

const aliceSession = "0123456789ab8def8123456789abcdef"

// story is a day of logins: alice fails three times and comes in, bob works, somebody hostile tries names.
func story() (events []session.Event) {
	at := func(clock string) int64 {
		moment, err := time.Parse(time.DateTime, "2026-11-29 "+clock)
		if err != nil {
			panic(err)
		}
		return moment.UnixNano()
	}
	add := func(clock, user, address string, outcome session.Outcome) *session.Event {
		n := len(events)
		events = append(events, session.Event{
			Kind: session.KindLogin, Outcome: outcome, Time: at(clock) + int64(n), Observed: at(clock) + 1e9, System: "postgresql", Instance: "db-1",
			User: user, ClientAddress: address, ClientName: "psql", AuthMethod: "password", RecordID: session.ID{0x01, 0x9a, 6: 0x80, 8: 0x80, 15: byte(n + 1)},
		})
		e := &events[n]
		if outcome == session.OutcomeFailure {
			e.ErrorType, e.Severity = "invalid_credentials", 0
		}
		return e
	}
	for _, clock := range []string{"08:00:01", "08:00:02", "08:00:03"} {
		add(clock, "alice", "192.0.2.7", session.OutcomeFailure)
	}
	key, err := parseKey(aliceSession)
	if err != nil {
		panic(err)
	}
	login := add("08:01:00", "alice", "192.0.2.7", session.OutcomeSuccess)
	login.SessionKey, login.Roles, login.Driver = key, []string{"reader", "writer"}, "libpq 18"
	logout := add("09:01:00", "alice", "192.0.2.7", session.OutcomeSuccess)
	logout.Kind, logout.SessionKey, logout.Duration = session.KindLogout, key, int64(time.Hour)
	for _, clock := range []string{"08:30:00", "09:30:00", "10:30:00"} {
		add(clock, "bob", "10.1.2.3", session.OutcomeSuccess)
	}
	events[len(events)-1].SessionKey = session.ID{15: 1}
	for _, name := range hostileNames {
		add("11:00:00", name, "203.0.113.9", session.OutcomeFailure)
	}
	return events
}

var hostileNames = []string{
	"\x1b[2J\x1b[1;1Hroot", "bob\n2026-11-29 11:00:00.000  login  success  root", "\u202egnp.exe", "a\x00b", "not UTF-8 \xff", "=cmd|' /C calc'!A0",
	"<script>alert(1)</script>", "'; DROP TABLE session_events; --", "trailing ", "\u200bzero", "CORP\\eve", "日本語",
}

// storyFile is a database with the story.
func storyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "session_log.db")
	writeStory(t, path)
	return path
}

func writeStory(t *testing.T, path string) {
	t.Helper()
	writeEvents(t, path, story())
}

func writeEvents(t *testing.T, path string, events []session.Event) {
	t.Helper()
	cfg := sqlite.DefaultConfig()
	cfg.Path = path
	store, err := sqlite.New(cfg, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	writeInto(t, store, events)
}

func writeInto(t *testing.T, store backend.Backend, events []session.Event) {
	t.Helper()
	require.NoError(t, store.Start(t.Context()))
	defer func() { require.NoError(t, store.Shutdown(context.Background())) }()
	result, err := store.Write(t.Context(), func(yield func(int, *session.Event) bool) {
		for i := range events {
			if !yield(i, &events[i]) {
				return
			}
		}
	})
	require.NoError(t, err)
	require.Equal(t, len(events), result.Written, "%+v", result)
}

// lockedText is written and read by several goroutines.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}
