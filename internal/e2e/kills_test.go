package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

const (
	thousand = 1000
	kills    = 5
	arrival  = time.Minute // how long rows may take to arrive on a busy machine
	quick    = 100 * time.Millisecond
)

// TestEveryLoginOnceOverFiveKills is the main story: a thousand mixed logins, and half as many into two receivers, while the collector is killed five times, and
// every row of system.session_log stands in SQLite exactly once, equal field by field.
func TestEveryLoginOnceOverFiveKills(t *testing.T) {
	for _, c := range []struct {
		name, scheme, zone string
		receivers, logins  int
	}{
		{"native, UTC", "clickhouse", "UTC", 1, thousand},
		{"two receivers at once, HTTP, Asia-Kolkata", "http", "Asia/Kolkata", 2, thousand / 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := testengine.ClickHouse(t, testengine.Timezone(c.zone))
			address := s.Native
			if c.scheme == "http" {
				address = s.HTTP
			}
			receivers, names := clickhouseReceivers(c.receivers, c.scheme+"://"+address)
			col := newCollector(t, receivers, names)
			col.start(t)
			work(t, s, col, c.logins)
			require.Greater(t, compare(t, s, col), c.logins)
			pairs(t, col)
			col.stop(t)
		})
	}
}

func clickhouseReceivers(n int, endpoint string) (receivers, names string) {
	var list []string
	for i := range n {
		name := fmt.Sprintf("sessionlog/%d", i)
		list = append(list, name)
		receivers += fmt.Sprintf(`  %s:
    clickhouse: {endpoints: [%q], username: %s, password: %s, collection_interval: 200ms}
    instance: e2e
    storage: file_storage
    dead_letter: {directory: '$DIR/dead_letter'}
`, name, endpoint, server.Audit.Name, server.Audit.Password)
	}
	return receivers, strings.Join(list, ", ")
}

// work logs in so many times and kills the collector whenever another share of the logins is done. A few logins of the
// collector's own user come from elsewhere: those are not its own, and must be told.
func work(t *testing.T, s *testengine.Server, col *collector, times int) {
	t.Helper()
	client := logins.New(s.Native, s.HTTP)
	defer client.Close()
	plan := logins.Plan(times, 7)
	for i := 0; i < 10; i++ {
		own := &plan[i*times/10]
		own.User, own.Password, own.From = server.Audit.Name, server.Audit.Password, netip.MustParseAddr("127.0.0.9")
	}
	share := times / (kills + 1)
	for k := range kills + 1 {
		before := countRows(t, col.database(), "session_events")
		end := (k + 1) * share
		if k == kills {
			end = times
		}
		_, err := client.Run(context.Background(), plan[k*share:end], 8)
		require.NoError(t, err)
		if k == kills {
			return
		}
		// Kill it while rows arrive, not before and not after.
		require.Eventually(t, func() bool { return countRows(t, col.database(), "session_events") > before }, arrival, quick/2)
		col.kill(t)
		col.start(t)
	}
}

func compare(t *testing.T, s *testengine.Server, col *collector) (rows int) {
	t.Helper()
	var want, got []string
	require.Eventually(t, func() bool {
		if want = truth(t, s); countRows(t, col.database(), "session_events") < len(want) {
			return false // to read all of them costs more than all else here
		}
		got = stored(t, col.database())
		return len(got) >= len(want)
	}, arrival, 300*time.Millisecond, "rows do not arrive")
	require.Equal(t, want, got)
	return len(want)
}

// pairs: whoever logged in has logged out, and each session is there once. The server tells of a last logout a moment
// after its client has gone.
func pairs(t *testing.T, col *collector) {
	t.Helper()
	var rows [][]string
	require.Eventually(t, func() bool {
		rows = query(t, col.database(), `SELECT
			(SELECT count(*) FROM session_log`+watched+` AND type = 'LoginSuccess' AND interface <> 'Local'),
			(SELECT count(DISTINCT auth_id) FROM session_log`+watched+` AND type = 'LoginSuccess'
				AND session_key IN (SELECT session_key FROM session_log WHERE type = 'Logout'))`)
		return rows[0][0] == rows[0][1]
	}, arrival, 300*time.Millisecond, "logins, and logins with their logout: %v", rows)
}
