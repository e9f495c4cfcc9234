package postgresql

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
)

const benchBatch = 8192

// BenchmarkWrite is the backend beside its limit: PostgreSQL's own binary COPY of the same rows in the same batches, made
// beforehand, into a table without an index and into one with the indexes of ours; nobody looks for repetitions there.
// The three take turns, so that whatever else the machine does slows them alike.
func BenchmarkWrite(b *testing.B) {
	for _, version := range []int{15, 18} {
		b.Run(fmt.Sprintf("PostgreSQL %d", version), func(b *testing.B) {
			cfg := testConfig(b, postgresql.Start(b, postgresql.Version(version)))
			s := startStore(b, cfg)
			bare, indexed := newPlain(b, s, "bare", ""), newPlain(b, s, "indexed", " INCLUDING INDEXES")
			var ours clock
			events := 0
			for b.Loop() {
				batch := typical(events, events+benchBatch)
				ours.measure(b, func() error {
					res, err := s.Write(b.Context(), batch)
					if err == nil && res.Written != benchBatch {
						return fmt.Errorf("%+v", res)
					}
					return err
				})
				bare.write(b, batch)
				indexed.write(b, batch)
				events += benchBatch
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ours.rate(events), "records/s")
			b.ReportMetric(bare.rate(events), "bare-COPY/s")
			b.ReportMetric(indexed.rate(events), "indexed-COPY/s")
			b.ReportMetric(ours.rate(events)/bare.rate(events), "of-bare")
			b.ReportMetric(ours.rate(events)/indexed.rate(events), "of-indexed")
		})
	}
}

// BenchmarkRepeat writes a batch that is there already.
func BenchmarkRepeat(b *testing.B) {
	s := startStore(b, testConfig(b, postgresql.Start(b)))
	write1(b, s, typical(0, benchBatch))
	for b.Loop() {
		if res := write1(b, s, typical(0, benchBatch)); res.Duplicates != benchBatch {
			b.Fatal(res)
		}
	}
	b.ReportMetric(float64(b.N)*benchBatch/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkStaged writes new records through the staging table, as after a repetition.
func BenchmarkStaged(b *testing.B) {
	cfg := testConfig(b, postgresql.Start(b))
	cfg.MaxConnections = 1
	s := startStore(b, cfg)
	var direct, staged clock
	events := 0
	for b.Loop() {
		for _, way := range []struct {
			*clock
			repeats bool
		}{{&direct, false}, {&staged, true}} {
			require.NoError(b, s.pool.Do(b.Context(), func(_ context.Context, l *serverConn) error {
				l.repeats = way.repeats
				return nil
			}))
			way.measure(b, func() error {
				_, err := s.Write(b.Context(), typical(events, events+benchBatch))
				return err
			})
			events += benchBatch
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(staged.rate(events/2), "records/s")
	b.ReportMetric(staged.rate(events/2)/direct.rate(events/2), "of-direct")
}

// BenchmarkEncode is our own part of a write, and that of making the events.
func BenchmarkEncode(b *testing.B) {
	batch := &copyBatch{}
	b.ReportAllocs()
	for b.Loop() {
		batch.truncateBuffer()
		batch.appendAll(b, typical(0, benchBatch))
	}
	b.ReportMetric(float64(b.N)*benchBatch/b.Elapsed().Seconds(), "records/s")
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

// plain is a table into which rows are copied by nothing but COPY.
type plain struct {
	clock
	link *serverConn
	rows copyBatch
	name string
}

func newPlain(b *testing.B, s *eventStore, name, including string) *plain {
	l := newServerConn(s)
	require.NoError(b, l.ensureConnected(b.Context()))
	b.Cleanup(l.closeConn)
	require.NoError(b, execStatements(b.Context(), l.conn, "CREATE TABLE "+name+" (LIKE session_events"+including+")"))
	return &plain{link: l, name: name}
}

func (p *plain) write(b *testing.B, batch func(func(int, *session.Event) bool)) {
	p.rows.truncateBuffer()
	p.rows.appendAll(b, batch)
	p.measure(b, func() error { return p.rows.sendRows(b.Context(), p.link.conn, p.rows.copyInto(p.name)) })
}

// appendAll makes rows of events that all fit into the columns of the last of them.
func (c *copyBatch) appendAll(b *testing.B, batch func(func(int, *session.Event) bool)) {
	hash := backend.NewContentHash()
	for widened := true; widened; {
		widened = false
		c.truncateBuffer()
		batch(func(i int, e *session.Event) bool {
			reason, isWider := c.appendRow(i, e, hash)
			if reason != "" {
				b.Fatal(reason)
			}
			if isWider {
				c.widenColumns()
				widened = true
			}
			return true
		})
	}
}
