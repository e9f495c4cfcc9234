package poll

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

// memoryTable is a table of rows in memory, whose server can be away. The hash of a row is of its name.
type memoryTable struct {
	mu    sync.Mutex
	rows  []memoryRow // in the order of time
	away  error
	reads int
	shift error
}

type memoryRow struct {
	micros int64
	user   string
}

func (m *memoryTable) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

func (m *memoryTable) Now(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Now().UnixMicro(), m.away
}

func (m *memoryTable) within(r Range) (rows memoryRows) {
	for _, row := range m.rows {
		if row.micros >= r.From && row.micros < r.To {
			rows = append(rows, row)
		}
	}
	return rows
}

func (m *memoryTable) Sums(_ context.Context, r Range, width int64, yield func(Sum)) error {
	m.mu.Lock()
	rows, err := m.within(r), m.away
	m.mu.Unlock()
	var sums []Sum
	for i, row := range rows {
		start := floor(row.micros, width)
		if len(sums) == 0 || sums[len(sums)-1].Start != start {
			sums = append(sums, Sum{Start: start})
		}
		last := &sums[len(sums)-1]
		last.Tally = last.plus(Tally{1, rows.Hash(i)})
	}
	for _, s := range sums {
		yield(s)
	}
	return err
}

func (m *memoryTable) Read(_ context.Context, r Range, yield func(Rows) error) error {
	m.mu.Lock()
	rows, err := m.within(r), m.away
	m.reads++
	m.mu.Unlock()
	if err != nil || len(rows) == 0 {
		return err
	}
	return yield(rows)
}

func (m *memoryTable) Refresh() {}

func (m *memoryTable) Shifting() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.shift
}

type memoryRows []memoryRow

func (r memoryRows) Len() int           { return len(r) }
func (r memoryRows) Micros(i int) int64 { return r[i].micros }

func (r memoryRows) Hash(i int) (hash uint64) {
	for _, c := range r[i].user {
		hash = hash*31 + uint64(c)
	}
	return hash
}

func (r memoryRows) Event(i int, e *session.Event) Verdict {
	e.Reset()
	e.User, e.Time = r[i].user, r[i].micros*1000
	copy(e.RecordID[:], fmt.Sprintf("%016x", r.Hash(i)))
	return Deliver
}

func (r memoryRows) Complain(int) (place string, reason error) { return "", nil }

// polling is a source over a memoryTable, within a bubble whose clock jumps.
type polling struct {
	emit   *sourcetest.Recorder
	stats  *sourcetest.Stats
	logs   *observer.ObservedLogs
	status []error
	stop   func()
}

func poll(t *testing.T, table Table, emit *sourcetest.Recorder) *polling {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	p := &polling{emit: emit, stats: &sourcetest.Stats{}, logs: logs}
	var mu sync.Mutex
	host := source.Host{
		Emit: emit.Emit, Store: &sourcetest.Store{}, Stats: p.stats, Log: zap.New(core), Now: time.Now,
		Status: func(err error) {
			mu.Lock()
			defer mu.Unlock()
			if n := len(p.status); n == 0 || !errors.Is(err, p.status[n-1]) {
				p.status = append(p.status, err)
			}
		},
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, DefaultConfig(), table, host, "test") }()
	p.stop = func() {
		cancel()
		require.NoError(t, <-done)
	}
	return p
}

func rowsNow(names ...string) (rows []memoryRow) {
	for i, name := range names {
		rows = append(rows, memoryRow{time.Now().UnixMicro() + int64(i), name})
	}
	return rows
}

func (p *polling) users() (users []string) {
	for _, e := range p.emit.Delivered() {
		users = append(users, e.User)
	}
	return users
}

// However long a server is away, its rows are told when it is back; meanwhile there is a warning every ten minutes and a status.
func TestAServerThatIsAwayForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := errors.New("endpoints: nobody answers")
		table := &memoryTable{away: away}
		p := poll(t, table, &sourcetest.Recorder{})
		time.Sleep(24 * time.Hour)
		table.set(func() { table.away, table.rows = nil, rowsNow("alice", "bob") })
		time.Sleep(time.Minute)
		p.stop()
		require.Equal(t, []string{"alice", "bob"}, p.users())
		require.Equal(t, []error{away, nil}, p.status)
		require.Greater(t, p.stats.Counts().Failed, 2800, "a try every half a minute")
		warnings := p.logs.FilterLevelExact(zap.WarnLevel)
		require.InDelta(t, 24*6, warnings.Len(), 2, "once, then every ten minutes")
		require.Equal(t, away.Error(), warnings.All()[0].ContextMap()["error"])
		require.Equal(t, 1, p.logs.FilterMessage("connected, 2 rows read").FilterLevelExact(zap.InfoLevel).Len())
	})
}

// The same of a pipeline: nothing is given up, and what happened meanwhile comes, too.
func TestAPipelineThatIsAwayForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("the disk is full")
		began := time.Now()
		table := &memoryTable{rows: rowsNow("alice")}
		p := poll(t, table, &sourcetest.Recorder{Fate: func(context.Context, int, []session.Event) error {
			if time.Since(began) < 24*time.Hour {
				return full
			}
			return nil
		}})
		time.Sleep(12 * time.Hour)
		table.set(func() { table.rows = append(table.rows, rowsNow("bob")...) })
		time.Sleep(13 * time.Hour)
		p.stop()
		require.Equal(t, []string{"alice", "bob"}, p.users())
		require.Equal(t, []error{nil}, p.status, "the receiver says how the pipeline is")
	})
}

// A row that takes another's place leaves the number of its minute's rows as it is.
func TestAMinuteIsKnownByItsHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &memoryTable{rows: rowsNow("alice", "bob")}
		p := poll(t, table, &sourcetest.Recorder{})
		time.Sleep(time.Minute)
		table.set(func() { table.rows[1].user = "carol" })
		time.Sleep(10 * time.Minute)
		before := table.reads
		time.Sleep(time.Hour)
		p.stop()
		require.Equal(t, before, table.reads, "a minute that is as it was is not read again")
		require.Contains(t, p.users(), "carol")
	})
}

// Of a table behind several servers nothing is said to be gone, and the source is not well.
func TestRowsOfAnotherServerAreNotGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &memoryTable{rows: rowsNow("alice", "bob")}
		p := poll(t, table, &sourcetest.Recorder{})
		time.Sleep(time.Minute)
		several := errors.New("several servers")
		table.set(func() { table.rows, table.shift = rowsNow("carol"), several })
		time.Sleep(10 * time.Minute)
		require.Zero(t, p.stats.Counts().Vanished)
		table.set(func() { table.shift, table.rows = nil, nil })
		time.Sleep(10 * time.Minute)
		p.stop()
		require.Equal(t, 1, p.stats.Counts().Vanished)
		require.Equal(t, []string{"alice", "bob", "carol"}, p.users())
		require.Equal(t, []error{nil, several, nil}, p.status)
	})
}

// A table that is not there yet is a warning, not a line that the shipped level hides.
func TestWaitingIsAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waiting := &WaitError{Err: errors.New("table: system.session_log does not exist yet: switch it on")}
		table := &memoryTable{away: waiting}
		p := poll(t, table, &sourcetest.Recorder{})
		time.Sleep(25 * time.Minute)
		p.stop()
		warnings := p.logs.FilterLevelExact(zap.WarnLevel)
		require.Equal(t, 3, warnings.Len(), "at 0, 10 and 20 minutes")
		require.Contains(t, warnings.All()[0].ContextMap()["error"], "switch it on")
		require.Equal(t, []error{waiting}, p.status)
	})
}
