package clickhouse

import (
	"testing"
	"time"

	"github.com/otel-sessionlog/sessionlog/testengine"
)

// What BenchmarkConsume needs, which stands outside since the exporter imports this package.
const BenchBatch = benchBatch

// DiskConfig is the default with a database of its own.
func DiskConfig(tb testing.TB, server *testengine.Server) Config {
	cfg := testConfig(tb, server, "native")
	cfg.Fsync = true
	return cfg
}

// Prebuilt sends the events from a number on as one block that is made before the clock runs, and tells how long that took.
func Prebuilt(b *testing.B, server *testengine.Server) func(from int) time.Duration {
	l := newLimit(b, server, "native")
	return func(from int) time.Duration {
		var c clock
		l.write(b, &c, from)
		return c.spent
	}
}

// ProcessorTime is what this process has used.
var ProcessorTime = processorTime
