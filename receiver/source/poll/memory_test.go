package poll

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
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
	mu         sync.Mutex
	rows       []memoryRow
	away       error // of every call
	unreadable error // of all but Now
	vary       error
	retention  time.Duration
	onRefresh  func() // an upgrade has renamed something
	hangs      chan struct{}
	reads      int // calls of Read
}

type memoryRow struct {
	micros int64
	user   string // without one the row is bad; rows of "self" are excluded
}

const rowsOfBlock = 3

func (m *memoryTable) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

func (m *memoryTable) add(rows ...memoryRow) { m.set(func() { m.rows = append(m.rows, rows...) }) }

func (m *memoryTable) Now(ctx context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hangs != nil {
		close(m.hangs)
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return time.Now().UnixMicro(), m.away
}

func (m *memoryTable) within(r TimeRange) (memoryRows, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rows memoryRows
	for _, row := range m.rows {
		if row.micros >= r.From && row.micros < r.To {
			rows = append(rows, row)
		}
	}
	slices.SortStableFunc(rows, func(a, b memoryRow) int { return int(a.micros - b.micros) })
	return rows, errors.Join(m.away, m.unreadable)
}

func (m *memoryTable) Sums(_ context.Context, r TimeRange, width int64, yield func(Sum)) error {
	rows, err := m.within(r)
	if err != nil {
		return err
	}
	var sums []Sum
	for i, row := range rows {
		start := floorToWidth(row.micros, width)
		if len(sums) == 0 || sums[len(sums)-1].Start != start {
			sums = append(sums, Sum{Start: start})
		}
		last := &sums[len(sums)-1]
		last.Tally = last.sumWith(Tally{1, rows.Hash(i)})
	}
	for _, s := range sums {
		yield(s)
	}
	return nil
}

func (m *memoryTable) Read(_ context.Context, r TimeRange, yield func(Rows) error) error {
	rows, err := m.within(r)
	if err != nil {
		return err
	}
	m.set(func() { m.reads++ })
	for len(rows) > 0 && err == nil {
		n := min(len(rows), rowsOfBlock)
		err = yield(rows[:n])
		rows = rows[n:]
	}
	return err
}

func (m *memoryTable) Refresh() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.onRefresh != nil {
		m.onRefresh()
	}
}

func (m *memoryTable) ServersVary() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.vary
}

func (m *memoryTable) Retention() time.Duration { return m.retention }

// memoryRows are a block of rows.
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
	switch r[i].user {
	case "":
		return VerdictBad
	case "self":
		return VerdictExclude
	}
	e.Reset()
	var h session.Hasher
	h.Start("memory", "test", "one").Str(r[i].user)
	e.Kind, e.Outcome, e.SourceEvent, e.System, e.Instance = session.KindLogin, session.OutcomeSuccess, "login", "test", "one"
	e.User, e.Time = r[i].user, r[i].micros*1000
	e.RecordID, e.SessionKey = h.RecordID(e.Time), h.Key()
	return VerdictDeliver
}

func (r memoryRows) DescribeBad(int) (place string, reason error) {
	return "row in memory", errors.New("no user")
}

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
	return pollFrom(t, DefaultConfig(), table, emit, &sourcetest.Store{})
}

func pollFrom(t *testing.T, cfg Config, table Table, emit *sourcetest.Recorder, store *sourcetest.Store) *polling {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	p := &polling{emit: emit, stats: &sourcetest.Stats{}, logs: logs}
	var mu sync.Mutex
	host := source.Host{
		Emit: emit.Emit, Store: store, Stats: p.stats, Log: zap.New(core), Now: time.Now,
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
	go func() { done <- Run(ctx, cfg, table, host, "test") }()
	p.stop = func() {
		cancel()
		require.NoError(t, <-done)
	}
	return p
}

// rowsNow are rows of this microsecond and those that follow.
func rowsNow(names ...string) (rows []memoryRow) { return rowsAt(time.Now(), names...) }

func rowsAt(at time.Time, names ...string) (rows []memoryRow) {
	for i, name := range names {
		rows = append(rows, memoryRow{at.UnixMicro() + int64(i), name})
	}
	return rows
}

func names(text string) []string { return strings.Fields(text) }

func (p *polling) users() (users []string) {
	for _, e := range p.emit.Delivered() {
		users = append(users, e.User)
	}
	return users
}

// timesDelivered is by user.
func (p *polling) timesDelivered() map[string]int {
	n := map[string]int{}
	for _, user := range p.users() {
		n[user]++
	}
	return n
}
