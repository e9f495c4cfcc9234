package sqlite

import (
	"context"
	"iter"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

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
func newStore(t testing.TB, cfg Config) *store {
	require.NoError(t, cfg.Validate())
	b, err := New(cfg, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	return b.(*store)
}

func startStore(t testing.TB, cfg Config) *store {
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
	r, err := OpenReader(cfg)
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	require.NoError(t, r.Each(context.Background(), func(e *session.Event) error {
		c := &session.Event{}
		e.CopyTo(c)
		all = append(all, c)
		return nil
	}))
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
