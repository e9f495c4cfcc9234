package clickhouse

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// jumping is a table of a server whose clock is ahead.
type jumping struct {
	*logTable
	ahead atomic.Int64
	asked atomic.Int64
}

func (j *jumping) Now(ctx context.Context) (int64, error) {
	now, err := j.logTable.Now(ctx)
	j.asked.Add(1)
	return now + j.ahead.Load(), err
}

// A clock that was hours ahead and is put right must not leave the rows of those hours to the rare look at everything.
func TestAClockThatIsPutBackFarIsFollowed(t *testing.T) {
	s := quiet.Get(t)
	name := newLog(t, s)
	cfg := config(endpoint(s, "native"), server.Admin)
	cfg.Table, cfg.ReconcileInterval = name, time.Hour
	cfg.TraceCorrelation = TraceConfig{Enabled: true, Settle: time.Millisecond}
	emit, store := &sourcetest.Recorder{}, &sourcetest.Store{}
	host := sourcetest.Host(t, emit, store, &sourcetest.Stats{})
	r, ok := newSource(t, cfg).(*clickhouseSource)
	require.True(t, ok)
	c, err := r.newConnection(t.Context(), cfg, nil)
	require.NoError(t, err)
	j := &jumping{logTable: r.newTable(cfg, c, r.newTracer(host, ""), host.Log)}
	j.ahead.Store(3 * time.Hour.Microseconds())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- poll.Run(ctx, cfg.Config, j, host, "test") }()
	polls := func() {
		from := j.asked.Load()
		eventually(t, "polls", func() bool { return j.asked.Load() > from+3 })
	}
	polls()
	j.ahead.Store(0)
	polls()
	rows := rowsOf("after", 3, time.Now().UTC(), time.Millisecond)
	insert(t, s, name, rows...)
	eventually(t, "the rows", func() bool { return len(emit.Delivered()) == len(rows) })
	cancel()
	require.NoError(t, <-done)
	j.closeConnection()
}
