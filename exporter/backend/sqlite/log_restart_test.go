package sqlite

import (
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

const shortLog = 1 << 20

// newWithShortLog is a store whose log is long at 1 MiB, and whose clock runs by a minute a look.
func newWithShortLog(t *testing.T, cfg Config) *eventStore {
	t.Helper()
	s := newStore(t, cfg)
	var looks atomic.Int64
	s.longLog, s.extra = shortLog, []string{"PRAGMA journal_size_limit = 1048576"}
	s.elapsed = func() time.Duration { return time.Duration(looks.Add(1)) * time.Minute }
	return s
}

// beginReading holds a snapshot until the connection is closed.
func beginReading(t *testing.T, cfg Config) *sqlite.Conn {
	t.Helper()
	conn, err := sqlite.OpenConn(cfg.Path, sqlite.OpenReadOnly)
	require.NoError(t, err)
	takeSnapshot(t, conn)
	return conn
}

func takeSnapshot(t *testing.T, conn *sqlite.Conn) {
	t.Helper()
	for _, sql := range []string{"BEGIN", "SELECT time FROM session_events LIMIT 1"} {
		require.NoError(t, sqlitex.Execute(conn, sql, nil))
	}
}

// keepReading has readers of whom each begins before the one before has ended.
func keepReading(t *testing.T, cfg Config) (end func()) {
	var readers sync.WaitGroup
	var ended atomic.Bool
	for n := range 3 {
		readers.Go(func() {
			time.Sleep(time.Duration(n) * 10 * time.Millisecond)
			conn := beginReading(t, cfg)
			for !ended.Load() {
				time.Sleep(30 * time.Millisecond)
				require.NoError(t, sqlitex.Execute(conn, "COMMIT", nil))
				takeSnapshot(t, conn)
			}
			require.NoError(t, conn.Close())
		})
	}
	return func() {
		ended.Store(true)
		readers.Wait()
	}
}

// TestLogIsBoundedWhileOthersThanCallersWrite: what has expired is deleted while somebody always reads and nobody writes.
func TestLogIsBoundedWhileOthersThanCallersWrite(t *testing.T) {
	cfg := testConfig(t)
	s := newStore(t, cfg)
	require.NoError(t, s.Start(t.Context()))
	for n := range 30 {
		_, err := s.Write(t.Context(), typical(500*n, 500*n+500))
		require.NoError(t, err)
	}
	stop(t, s)
	cfg.TTL, cfg.TTLConfirm = time.Hour, true
	s = newWithShortLog(t, cfg)
	defer keepReading(t, cfg)()
	require.NoError(t, s.Start(t.Context()))
	defer stop(t, s)
	longest := int64(0)
	asked := 0
	require.Eventually(t, func() bool {
		info, err := os.Stat(cfg.Path + "-wal")
		require.NoError(t, err)
		longest = max(longest, info.Size())
		asked++
		return asked%20 == 0 && len(file{cfg}.queryTB(t, "SELECT 1 FROM session_events LIMIT 1")) == 0
	}, 20*time.Second, 2*time.Millisecond)
	t.Logf("at most %d bytes", longest)
	require.Less(t, longest, int64(4*shortLog))
}

// TestLogIsBoundedWhileReadersOverlap: there is always somebody who reads, each for a moment.
func TestLogIsBoundedWhileReadersOverlap(t *testing.T) {
	cfg := testConfig(t)
	s := newWithShortLog(t, cfg)
	require.NoError(t, s.Start(t.Context()))
	defer stop(t, s)
	endReading := keepReading(t, cfg)
	longest := int64(0)
	for n := range 60 {
		_, err := s.Write(t.Context(), typical(250*n, 250*n+250))
		require.NoError(t, err)
		info, err := os.Stat(cfg.Path + "-wal")
		require.NoError(t, err)
		longest = max(longest, info.Size())
	}
	endReading()
	t.Logf("at most %d bytes", longest)
	require.Less(t, longest, int64(4*shortLog), "of %d bytes of rows and more", 60*250*400)
}

// TestReaderThatStaysIsTold: the log grows, writing goes on, and a warning names the log.
func TestReaderThatStaysIsTold(t *testing.T) {
	cfg := testConfig(t)
	s := newWithShortLog(t, cfg)
	core, logs := observer.New(zapcore.WarnLevel)
	s.log = zap.New(core)
	require.NoError(t, s.Start(t.Context()))
	defer stop(t, s)
	_, err := s.Write(t.Context(), typical(0, 10))
	require.NoError(t, err)
	reader := beginReading(t, cfg)
	write := func(from int) {
		_, err := s.Write(t.Context(), typical(from, from+500))
		require.NoError(t, err)
	}
	n := 1
	for ; logs.Len() == 0 && n < 60; n++ {
		write(1000 * n)
	}
	require.Len(t, logs.All(), 1)
	require.Contains(t, logs.All()[0].Message, "write-ahead log cannot be restarted")
	require.Equal(t, cfg.Path+"-wal", logs.All()[0].ContextMap()["log"])
	require.NoError(t, reader.Close())
	require.Eventually(t, func() bool {
		n++
		write(1000 * n)
		info, err := os.Stat(cfg.Path + "-wal")
		return err == nil && info.Size() <= shortLog
	}, 10*time.Second, time.Millisecond)
}
