// Package backendtest is the acceptance test of every backend: what it promises to the exporter, and what the documented
// queries of both systems return from it. A backend calls Run from its own tests, on a real store.
package backendtest

import (
	"context"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// Dialect names the SQL of a store. It decides how arrays are spelled in results, and whether the column user needs quotes.
type Dialect string

// The dialects.
const (
	SQLite     Dialect = "sqlite"
	ClickHouse Dialect = "clickhouse"
	PostgreSQL Dialect = "postgresql"
)

// Harness connects the suite with a kind of store.
type Harness struct {
	Dialect Dialect
	// New gives an empty storage, which lives until the test ends.
	New func(t *testing.T) Storage
}

// Storage is one place where events are kept.
type Storage interface {
	// Backend makes another backend on this storage, not started yet, with the backend's default configuration.
	Backend(t *testing.T) backend.Backend
	// Events reads everything that session_events holds, in any order.
	Events(t *testing.T) []*session.Event
	// Ask opens the storage for package query.
	Ask(t *testing.T) query.Store
	// Query runs SQL and gives every cell as the store's command line client prints it; NULL is the word NULL.
	Query(t *testing.T, sql string) Rows
}

// Rows is a result.
type Rows struct {
	Columns []string
	Cells   [][]string
}

// Part is what can differ between two ways to stores of one kind, of which one has passed Run.
type Part uint8

// The parts.
const (
	Wire   Part = 1 << iota // protocols: records and ids go there and come back
	Spread                  // clusters: records lie on several nodes
)

var cases = []struct {
	name string
	of   Part
	test func(*testing.T, Harness)
}{
	{"EveryFieldComesBack", Wire | Spread, everyField},
	{"EveryAttributeComesBack", Wire, everyAttribute},
	{"HostileText", Wire, hostileText},
	{"SameBatchTwice", Wire | Spread, sameBatchTwice},
	{"Regrouped", 0, testRegrouped},
	{"ForgedVersion", 0, forgedVersion},
	{"ForgeriesAmongNewOnes", Wire | Spread, forgeriesAmongNewOnes},
	{"OtherReadingIsNoForgery", 0, otherReading},
	{"ViewsOfRedshiftAreNoForgery", 0, viewsOfRedshift},
	{"HashOfStoredRow", Wire, hashOfStoredRow},
	{"PoisonRecords", Wire, poisonRecords},
	{"CallerGone", Wire, callerGone},
	{"CallerGoneMidway", Wire | Spread, callerGoneMidway},
	{"ConcurrentWriters", Wire, concurrentWriters},
	{"ConcurrentVersions", 0, concurrentVersions},
	{"Reopen", 0, testReopen},
	{"TwoStartAtOnce", Wire, twoStartAtOnce},
	{"AfterShutdown", Wire, afterShutdown},
	{"DocumentedSessionLog", Spread, documentedSessionLog},
	{"DocumentedConnectionLog", Spread, documentedConnectionLog},
	{"SessionLogColumns", 0, sessionLogColumns},
	{"SessionLogRows", 0, sessionLogRows},
	{"ConnectionLogRows", 0, connectionLogRows},
	{"Sessions", Spread, sessions},
	{"SessionsOfAnotherReading", 0, sessionsOfAnotherReading},
	{"ViewsOfExtremes", 0, viewsOfExtremes},
	{"Questions", 0, questions},
	{"Findings", 0, findingsOfQuestions},
}

// Run checks the contract of backend.Backend and the views.
func Run(t *testing.T, h Harness) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.test(t, h) })
	}
}

// RunPart checks one part of it.
func RunPart(t *testing.T, h Harness, part Part) {
	for _, c := range cases {
		if c.of&part != 0 {
			t.Run(c.name, func(t *testing.T) { c.test(t, h) })
		}
	}
}

// openBackend starts a backend that is shut down when the test ends.
func openBackend(t *testing.T, s Storage) backend.Backend {
	t.Helper()
	b := s.Backend(t)
	require.NoError(t, b.Start(t.Context()))
	t.Cleanup(func() { shutdownBackend(t, b) })
	return b
}

func shutdownBackend(t *testing.T, b backend.Backend) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.NoError(t, b.Shutdown(ctx))
}

func writeEvents(t *testing.T, b backend.Backend, events ...*session.Event) backend.Result {
	t.Helper()
	res, err := b.Write(t.Context(), reusedEvents(events))
	require.NoError(t, err)
	return res
}

// reusedEvents yields one reused event, as decoders do, so that a backend which keeps it is found out.
func reusedEvents(events []*session.Event) iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		var e session.Event
		for i, from := range events {
			from.CopyTo(&e)
			if !yield(i, &e) {
				return
			}
		}
	}
}

// typicalEvents makes the events of these numbers.
func typicalEvents(from, to int) []*session.Event {
	all := make([]*session.Event, to-from)
	for i := range all {
		all[i] = &session.Event{}
		sessiontest.Typical(all[i], from+i)
	}
	return all
}

// requireEvents compares what is stored with what should be, whatever the order.
func requireEvents(t *testing.T, s Storage, want ...*session.Event) {
	t.Helper()
	got := s.Events(t)
	byID := func(a, b *session.Event) int { return slices.Compare(a.RecordID[:], b.RecordID[:]) }
	want = slices.Clone(want)
	slices.SortFunc(got, byID)
	slices.SortFunc(want, byID)
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, normalizeEvent(want[i]), normalizeEvent(got[i]))
		require.Equal(t, want[i].AppendCanonical(nil), got[i].AppendCanonical(nil), "canonical bytes")
	}
}

// normalizeEvent makes slices that mean nothing nil, and puts attributes, whose order a store need not keep, in order.
func normalizeEvent(e *session.Event) session.Event {
	var n session.Event
	e.CopyTo(&n)
	slices.SortStableFunc(n.Extra, func(a, b session.Attr) int { return slices.Compare([]byte(a.Key), []byte(b.Key)) })
	return n
}
