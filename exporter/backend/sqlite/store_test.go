package sqlite

import (
	"context"
	"iter"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// testConfig is the default on a fresh path.
func testConfig(t testing.TB) Config {
	cfg := DefaultConfig()
	cfg.Path = filepath.Join(t.TempDir(), "made", "for", "it", "session_log.db")
	return cfg
}

// newStore is not started; what the test leaves running is stopped.
func newStore(t testing.TB, cfg Config) *eventStore {
	require.NoError(t, cfg.Validate())
	b, err := New(cfg, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	return b.(*eventStore)
}

func startStore(t testing.TB, cfg Config) *eventStore {
	s := newStore(t, cfg)
	require.NoError(t, s.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, s.Shutdown(context.Background())) })
	return s
}

func seq(events ...*session.Event) iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		for i, e := range events {
			if !yield(i, e) {
				return
			}
		}
	}
}

// typical yields the events of these numbers in one reused event, as decoders do.
func typical(from, to int) iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		var e session.Event
		for n := from; n < to; n++ {
			sessiontest.Typical(&e, n)
			if !yield(n-from, &e) {
				return
			}
		}
	}
}

func readAll(t testing.TB, cfg Config) (all []*session.Event) {
	for e, err := range backendtest.StoredEvents(context.Background(), OpenQueryStore, cfg, "arrival") {
		require.NoError(t, err)
		c := &session.Event{}
		e.CopyTo(c)
		all = append(all, c)
	}
	return all
}

func TestRoundTrip(t *testing.T) {
	cfg := testConfig(t)
	s := startStore(t, cfg)
	res, err := s.Write(t.Context(), seq(sessiontest.Full(), sessiontest.Minimal()))
	require.NoError(t, err)
	require.Equal(t, 2, res.Written)
	got := readAll(t, cfg)
	require.Len(t, got, 2)
	require.Equal(t, sessiontest.Full(), got[0])
	require.Equal(t, sessiontest.Minimal(), got[1])
	res, err = s.Write(t.Context(), seq(sessiontest.Full(), sessiontest.Minimal()))
	require.NoError(t, err)
	require.Equal(t, 2, res.Duplicates, "%+v", res)
}

// TestCallerGoneKeepsNeighbours: of two batches that wait for one transaction, one caller leaves while its events are walked.
func TestCallerGoneKeepsNeighbours(t *testing.T) {
	cfg := testConfig(t)
	s := startStore(t, cfg)
	ctx, leave := context.WithCancel(t.Context())
	leaving := func(yield func(int, *session.Event) bool) {
		for i, e := range typical(100, 200) {
			if i == 50 {
				leave()
			}
			if !yield(i, e) {
				return
			}
		}
	}
	type outcome struct {
		res backend.Result
		err error
	}
	left, stayed := make(chan outcome, 1), make(chan outcome, 1)
	_, err := s.Write(t.Context(), func(yield func(int, *session.Event) bool) {
		// The writer is here: what is queued now makes the next transaction.
		go func() { res, err := s.Write(t.Context(), typical(200, 300)); stayed <- outcome{res, err} }()
		require.Eventually(t, func() bool { return len(s.queue) == 1 }, time.Minute, time.Millisecond)
		go func() { res, err := s.Write(ctx, leaving); left <- outcome{res, err} }()
		require.Eventually(t, func() bool { return len(s.queue) == 2 }, time.Minute, time.Millisecond)
		typical(0, 100)(yield)
	})
	require.NoError(t, err)
	require.ErrorIs(t, (<-left).err, context.Canceled)
	require.Equal(t, outcome{backend.Result{Written: 100}, nil}, <-stayed)
	var want session.Event
	for i, e := range readAll(t, cfg) {
		sessiontest.Typical(&want, i+i/100*100)
		require.Equal(t, want.RecordID, e.RecordID)
	}
}

// TestInvalidUTF8 is a BLOB for clients that would fail to decode it, in a column of text and in one of JSON.
func TestInvalidUTF8(t *testing.T) {
	cfg := testConfig(t)
	s := startStore(t, cfg)
	e := sessiontest.Minimal()
	e.System, e.User, e.Roles, e.ClientAddress = session.SystemRedshift, "\xff", []string{"\xfe", "reader"}, "10.0.0.1"
	e.Extra = []session.Attr{{Key: session.SourceField + "remotehost", Value: "\xfd"}}
	_, err := s.Write(t.Context(), seq(e))
	require.NoError(t, err)
	require.Equal(t, []*session.Event{e}, readAll(t, cfg))
	got := file{cfg}.Query(t, "SELECT typeof(user_name), typeof(roles), typeof(attributes), typeof(client_address) FROM session_events")
	require.Equal(t, [][]string{{"blob", "blob", "blob", "text"}}, got.Cells)
	require.Equal(t, [][]string{{"10.0.0.1"}}, file{cfg}.Query(t, "SELECT remotehost FROM stl_connection_log").Cells, "as good as it can be told in text")
}

// TestEveryCallerOfAFailedCommitIsTold: several callers share a transaction that fails. None of them may believe that its records are
// there.
func TestEveryCallerOfAFailedCommitIsTold(t *testing.T) {
	const callers = 5
	cfg := testConfig(t)
	s := newStore(t, cfg)
	s.extra = []string{"PRAGMA max_page_count = 100"}
	require.NoError(t, s.Start(t.Context()))
	defer func() { require.NoError(t, s.Shutdown(context.Background())) }()
	told := make(chan error, callers)
	_, err := s.Write(t.Context(), func(yield func(int, *session.Event) bool) {
		for caller := range callers { // queued while the writer is here: they make the next transaction
			go func() {
				_, err := s.Write(t.Context(), typical(10_000*(caller+1), 10_000*(caller+1)+2000))
				told <- err
			}()
		}
		require.Eventually(t, func() bool { return len(s.queue) == callers }, time.Minute, time.Millisecond)
		typical(0, 10)(yield)
	})
	require.NoError(t, err)
	for range callers {
		requireFault(t, <-told, ErrFull, cfg)
	}
	require.Len(t, readAll(t, cfg), 10, "what was confirmed, and nothing of what was not")
}
