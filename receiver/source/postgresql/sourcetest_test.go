package postgresql_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	engine "github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// The suite's logins are at times of its own, so they are lines in a file of the log folder: of the server's format, but not of
// its own writing. The server itself writes in another format.
func TestSource(t *testing.T) {
	s := engine.Start(t, engine.LogFormats(server.Stderr), engine.Setting("log_filename", "postgresql-%s.log"))
	install(t, s)
	var pids atomic.Int64
	sourcetest.Run(t, func(t testing.TB) sourcetest.Place {
		path := filepath.Join(s.LogDir(), fmt.Sprintf("postgresql-%d.json", time.Now().UnixNano()))
		t.Cleanup(func() { _ = os.Remove(path) })
		return sourcetest.Place{
			Source: func(t testing.TB, o sourcetest.Options) source.Source {
				cfg := config(s)
				cfg.Format, cfg.BatchSize = server.JSONLog, o.BatchSize
				return newSource(t, cfg)
			},
			Add: func(t testing.TB, rows ...sourcetest.Row) {
				text := ""
				for _, r := range rows {
					text += connection(r, pids.Add(1))
				}
				appendTo(t, path, text)
			},
			Bad: func(t testing.TB, _ time.Time) { appendTo(t, path, `{"timestamp":"2026-11-21 2`+"\n") },
		}
	})
}

// connection is a login as a PostgreSQL 18 writes it, but for the times: the suite wants microseconds.
func connection(r sourcetest.Row, pid int64) (text string) {
	for i, message := range []string{
		"connection received: host=10.0.0.7 port=40000", "connection authorized: user=" + r.User + " database=app",
		"connection ready: setup total=9.743 ms, fork=2.870 ms, authentication=1.150 ms",
	} {
		text += fmt.Sprintf(`{"timestamp":%q,"user":%q,"dbname":"app","pid":%d,"remote_host":"10.0.0.7","remote_port":40000,"session_id":"%x.%x",`+
			`"line_num":%d,"error_severity":"LOG","message":%q}`+"\n",
			r.Time.UTC().Format("2006-01-02 15:04:05.000000 UTC"), r.User, pid, r.Time.Unix(), pid, i+1, message)
	}
	return text
}

func appendTo(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // the server is another user
	require.NoError(t, err)
	_, err = f.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}
