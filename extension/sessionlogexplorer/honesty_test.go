package sessionlogexplorer

import (
	"encoding/binary"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/query/findings"
	"github.com/otel-sessionlog/sessionlog/session"
)

// A connection pool may hold thousands of sessions: more than SQLite takes alternatives in a statement.
func TestNowHasThousandsOfOpenSessions(t *testing.T) {
	const open = 1500
	cfg := sqliteConfig(filepath.Join(t.TempDir(), "pool.db"))
	store, err := sqlite.New(cfg, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	require.NoError(t, store.Start(t.Context()))
	now := time.Now()
	result, err := store.Write(t.Context(), func(yield func(int, *session.Event) bool) {
		for i := range open {
			e := session.Event{
				Kind: session.KindLogin, Outcome: session.OutcomeSuccess, Time: now.Add(-time.Duration(i) * time.Second).UnixNano(), Observed: now.UnixNano(),
				System: "postgresql", Instance: "pool", User: "pool", RecordID: session.ID{1, 6: 0x80, 8: 0x80}, SessionKey: session.ID{2, 6: 0x80, 8: 0x80},
			}
			binary.BigEndian.PutUint32(e.RecordID[12:], uint32(i))
			binary.BigEndian.PutUint32(e.SessionKey[12:], uint32(i))
			if !yield(i, &e) {
				return
			}
		}
	})
	require.NoError(t, err)
	require.Empty(t, result.Rejected)
	require.NoError(t, store.Shutdown(t.Context()))
	s := startServer(t, func(c *Config) { c.SQLite, c.AnswerTime = configoptional.Some(cfg), maxAnswerTime })
	var answer nowAnswer
	s.readInto("/now", &answer)
	require.Len(t, answer.OpenSessions, shownOpenSessions)
	require.Equal(t, open, *answer.OpenTotal)
	reader, err := sqlite.OpenQueryStore(t.Context(), cfg)
	require.NoError(t, err)
	all, _, err := query.OpenSessions(t.Context(), reader, query.Filter{}, 2*open, query.Limits{})
	require.NoError(t, err)
	require.Len(t, all, open)
	require.NoError(t, reader.Close())
}

// What is before the records that there was time for may hold the pair.
func TestNothingIsFirstSeenInHalfAHistory(t *testing.T) {
	reader, err := sqlite.OpenQueryStore(t.Context(), sqliteConfig(samplePath(t)))
	require.NoError(t, err)
	found, covered, err := findings.DefaultQuestions[0].Ask(t.Context(), reader, query.Filter{}, query.Limits{Time: 2})
	require.NoError(t, err)
	require.False(t, covered.Complete)
	require.Empty(t, found)
	require.NoError(t, reader.Close())
}
