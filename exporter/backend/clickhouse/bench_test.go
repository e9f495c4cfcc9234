package clickhouse

import (
	"fmt"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

const benchBatch = 20_000 // the largest that the exporter makes

// BenchmarkWrite is the backend beside its limit: the same rows in the same columns, as blocks made beforehand, into the same table,
// where nobody asks which are there already. The two take turns, so that whatever else the machine does slows them alike.
func BenchmarkWrite(b *testing.B) {
	server := testengine.ClickHouse(b, testengine.LogsOnDemand())
	for _, protocol := range protocols {
		b.Run(protocol, func(b *testing.B) {
			cfg := testConfig(b, server, protocol)
			s := startStore(b, cfg)
			limit := newLimit(b, server, protocol)
			var ours, theirs clock
			var cpu time.Duration
			events := 0
			for b.Loop() {
				batch := typical(events, events+benchBatch)
				used := processorTime()
				ours.measure(b, func() error {
					res, err := s.Write(b.Context(), batch)
					if err == nil && res.Written != benchBatch {
						return fmt.Errorf("%+v", res)
					}
					return err
				})
				cpu += processorTime() - used
				limit.write(b, &theirs, events)
				events += benchBatch
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ours.rate(events), "records/s")
			b.ReportMetric(theirs.rate(events), "prebuilt/s")
			b.ReportMetric(ours.rate(events)/theirs.rate(events), "of-prebuilt")
			b.ReportMetric(cpu.Seconds()*1e6/float64(events), "cpu-s/million")
		})
	}
}

// limit sends blocks of columns that are made before the clock runs.
type limit struct {
	store *eventStore
	link  *serverConn
}

func newLimit(b *testing.B, server *testengine.Server, protocol string) *limit {
	cfg := testConfig(b, server, protocol)
	s := startStore(b, cfg)
	l := &limit{s, &serverConn{eventStore: s, rows: newRowBlock()}}
	b.Cleanup(l.link.closeConn)
	return l
}

func (l *limit) write(b *testing.B, c *clock, from int) {
	l.link.rows.resetColumns()
	for _, e := range typical(from, from+benchBatch) {
		l.link.rows.appendRow(e, [16]byte{})
	}
	c.measure(b, func() error {
		return l.link.insertBlocks(b.Context(), l.store.sql.insert, l.link.rows.all, func() error {
			l.link.rows.resetColumns()
			return io.EOF
		})
	})
}

// BenchmarkRepeat writes a batch that is there already.
func BenchmarkRepeat(b *testing.B) {
	s := startStore(b, testConfig(b, testengine.ClickHouse(b, testengine.LogsOnDemand()), "native"))
	write1(b, s, typical(0, benchBatch))
	for b.Loop() {
		require.Equal(b, benchBatch, write1(b, s, typical(0, benchBatch)).Duplicates)
	}
	b.ReportMetric(float64(b.N)*benchBatch/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkRows is what becomes of an event until it is sent.
func BenchmarkRows(b *testing.B) {
	events, block := readyEvents(10_000), newRowBlock()
	b.ReportAllocs()
	var hasher session.Hasher
	n := 0
	for b.Loop() {
		e := &events[n%len(events)]
		block.appendRow(e, e.ContentHash(&hasher))
		if n++; n%len(events) == 0 {
			block.resetColumns()
		}
	}
}

type clock struct{ spent time.Duration }

func (c *clock) measure(b *testing.B, f func() error) {
	begun := time.Now()
	if err := f(); err != nil {
		b.Fatal(err)
	}
	c.spent += time.Since(begun)
}

func (c *clock) rate(events int) float64 { return float64(events) / c.spent.Seconds() }

// processorTime is what this process has used: another machine's load does not blur it.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
