package sessionlogexplorer

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/extension/sessionlogexplorer/internal/explorertest"
	"github.com/otel-sessionlog/sessionlog/session"
)

// TestLongEvents: a page of events with names of 1 MiB ends at 16 MiB and goes on in the next, and a tail says that it does not show all.
func TestLongEvents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "session_log.db")
	store, err := sqlite.New(sqliteConfig(path), componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	require.NoError(t, store.Start(t.Context()))
	all := explorertest.Generate(time.Now(), 40)[:40]
	for i := range all {
		all[i].Time = time.Now().Add(time.Duration(i-len(all)) * time.Second).UnixNano()
		all[i].UserAgent = strings.Repeat("a", 1<<20)
	}
	write := func(events []session.Event) {
		_, err := store.Write(t.Context(), explorertest.AllEvents(events))
		require.NoError(t, err)
	}
	write(all[:20])
	s := startServer(t, func(c *Config) {
		c.SQLite, c.AnswerTime = configoptional.Some(sqliteConfig(path)), 10*time.Second
	})
	tail := eventTail{explorerServer: s.explorerServer, seen: map[session.ID]int64{}}
	_, err = tail.pollEvents(t.Context())
	require.NoError(t, err)
	write(all[20:])
	text, err := tail.pollEvents(t.Context())
	require.NoError(t, err)
	require.Contains(t, string(text[:200]), "16 MiB")
	var counts []int
	for after := ""; ; {
		var page eventsAnswer
		s.readInto("/events?limit=1000"+after, &page)
		counts = append(counts, len(page.Events))
		if page.Next == nil {
			break
		}
		after = "&after=" + url.QueryEscape(*page.Next)
	}
	require.Equal(t, []int{16, 16, 8}, counts)
	require.NoError(t, store.Shutdown(t.Context()))
}
