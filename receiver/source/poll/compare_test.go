package poll

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

// In a bubble the clock begins at midnight UTC, so that a day is over after 24 hours.

func TestALateRowWithinTheOverlapIsDeliveredAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &memoryTable{rows: rowsNow(names("alice bob self carol")...)}
		p := poll(t, table, &sourcetest.Recorder{})
		time.Sleep(30 * time.Second)
		table.add(rowsAt(time.Now().Add(-20*time.Second), "dave")...)
		time.Sleep(time.Hour)
		p.stop()
		require.Equal(t, names("alice bob carol dave"), p.users())
		require.Zero(t, p.stats.Counts().Repeated)
		require.Equal(t, 1, p.stats.Counts().Excluded)
	})
}

// Ids of older minutes are not kept: all of such a minute comes again, with the same ids, and is counted as repeated.
func TestALaterRowBringsItsMinuteAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &memoryTable{rows: append(rowsNow(names("alice self bob")...), rowsAt(time.Now().Add(-time.Hour), "old")...)}
		p := poll(t, table, &sourcetest.Recorder{})
		time.Sleep(time.Hour)
		table.add(rowsAt(time.Now().Add(-time.Hour), "carol")...)
		time.Sleep(time.Hour)
		p.stop()
		require.Equal(t, map[string]int{"alice": 2, "bob": 2, "carol": 1, "old": 1}, p.timesDelivered())
		require.Equal(t, 2, p.stats.Counts().Repeated)
		require.Equal(t, 1, p.stats.Counts().Excluded, "what is excluded is counted once")
		require.Zero(t, p.stats.Counts().Vanished)
	})
}

func TestRowsOfAnyTimeAreFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &memoryTable{}
		p := poll(t, table, &sourcetest.Recorder{})
		time.Sleep(time.Minute)
		table.add(memoryRow{-40 * 365 * DayMicros, "1930"}, memoryRow{0, "1970"})
		table.add(rowsAt(time.Now().Add(1000*time.Hour), "future")...)
		time.Sleep(2 * time.Hour)
		p.stop()
		require.ElementsMatch(t, names("1930 1970 future"), p.users())
	})
}

func TestATruncatedTableIsCountedAndReadOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &memoryTable{rows: rowsNow(names("alice bob")...)}
		p := poll(t, table, &sourcetest.Recorder{})
		time.Sleep(3 * time.Minute)
		table.set(func() { table.rows = rowsNow("carol") })
		time.Sleep(time.Hour)
		p.stop()
		require.Equal(t, names("alice bob carol"), p.users())
		require.Equal(t, 2, p.stats.Counts().Vanished)
	})
}

func TestExpiredRowsHaveNotVanished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &memoryTable{rows: rowsNow(names("alice bob")...), retention: 2 * time.Hour}
		p := poll(t, table, &sourcetest.Recorder{})
		time.Sleep(3 * time.Hour)
		table.set(func() { table.rows = nil })
		time.Sleep(3 * time.Hour)
		p.stop()
		require.Zero(t, p.stats.Counts().Vanished)
		require.Zero(t, p.stats.Counts().Lost)
		require.Equal(t, names("alice bob"), p.users())
	})
}

// Who was away for longer than the server keeps its rows has lost some, and hears how many hours.
func TestHistoryThatExpiredWhileNobodyReadIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &memoryTable{rows: rowsNow("alice"), retention: 2 * time.Hour}
		p := poll(t, table, &sourcetest.Recorder{})
		time.Sleep(time.Hour)
		table.set(func() { table.away = errors.New("nobody answers") })
		time.Sleep(5 * time.Hour)
		table.set(func() { table.away, table.rows = nil, rowsNow("bob") })
		time.Sleep(time.Hour)
		p.stop()
		require.Equal(t, names("alice bob"), p.users())
		require.InDelta(t, 3*time.Hour, p.stats.Counts().Lost, float64(2*time.Minute))
		require.Equal(t, 1, p.logs.FilterMessageSnippet("history is lost").FilterLevelExact(zap.WarnLevel).Len())
	})
}

// An upgrade renames a table: what lies under the new name is found before anything is believed to be gone.
func TestARenamedTableLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &memoryTable{rows: rowsNow(names("alice bob")...)}
		p := poll(t, table, &sourcetest.Recorder{})
		time.Sleep(3 * time.Minute)
		table.set(func() {
			renamed := table.rows
			table.rows = rowsNow("carol")
			table.onRefresh = func() { table.rows, renamed = append(table.rows, renamed...), nil }
		})
		time.Sleep(time.Hour)
		p.stop()
		require.Equal(t, names("alice bob carol"), p.users())
		require.Zero(t, p.stats.Counts().Vanished)
	})
}

func TestARenamedTableOfOldDaysLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := DefaultConfig()
		cfg.CollectionInterval = time.Minute
		table := &memoryTable{rows: rowsNow(names("alice bob")...)}
		p := pollFrom(t, cfg, table, &sourcetest.Recorder{}, &sourcetest.Store{})
		time.Sleep(50 * time.Hour)
		table.set(func() {
			renamed := table.rows
			table.rows = nil
			table.onRefresh = func() { table.rows, renamed = append(table.rows, renamed...), nil }
		})
		time.Sleep(5 * time.Hour)
		p.stop()
		require.Equal(t, names("alice bob"), p.users())
		require.Zero(t, p.stats.Counts().Vanished)
	})
}

// Days that are over are one sum each: the delivery log does not grow with the rows. Where such a sum changes all of the day comes again.
func TestOldDaysAreCompacted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		table := &memoryTable{rows: append(rowsNow(names("alice self bob")...), rowsAt(began.Add(time.Hour), "carol")...)}
		store := &sourcetest.Store{}
		p := pollFrom(t, DefaultConfig(), table, &sourcetest.Recorder{}, store)
		time.Sleep(49*time.Hour + 10*time.Minute)
		minutes, err := store.Get(t.Context(), newStoreKeys(names("test")).minutesKey(floorToWidth(began.UnixMicro(), DayMicros)))
		require.NoError(t, err)
		require.Nil(t, minutes)

		table.add(rowsAt(began.Add(2*time.Hour), "dave")...)
		time.Sleep(24 * time.Hour)
		reads := table.reads
		time.Sleep(24 * time.Hour)
		p.stop()
		require.Equal(t, reads, table.reads, "a day that is as it was is not read again")
		require.Equal(t, map[string]int{"alice": 2, "bob": 2, "carol": 2, "dave": 1}, p.timesDelivered())
		require.Equal(t, 3, p.stats.Counts().Repeated)
		require.Equal(t, 1, p.stats.Counts().Excluded)
	})
}

// Of a day that expires bit by bit the rest is not delivered again with every bit.
func TestACompactedDayThatExpiresIsNotDeliveredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &memoryTable{rows: rowsNow(names("alice bob carol")...)}
		p := poll(t, table, &sourcetest.Recorder{})
		time.Sleep(50 * time.Hour)
		for range 3 {
			table.set(func() { table.rows = table.rows[1:] })
			time.Sleep(5 * time.Hour)
		}
		p.stop()
		require.Equal(t, names("alice bob carol"), p.users())
		require.Equal(t, 3, p.stats.Counts().Vanished)
	})
}

// The time of the first start is remembered although nothing was delivered since.
func TestInitialEndIsTheEndOfTheFirstStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := DefaultConfig()
		cfg.Initial = source.InitialEnd
		table := &memoryTable{rows: rowsAt(time.Now().Add(-time.Hour), "before")}
		store := &sourcetest.Store{}
		table.unreadable = errors.New("no rights yet")
		first := pollFrom(t, cfg, table, &sourcetest.Recorder{}, store)
		synctest.Wait()
		first.stop()
		time.Sleep(time.Hour)
		table.unreadable = nil
		table.add(rowsAt(time.Now().Add(-time.Minute), "meanwhile")...)
		p := pollFrom(t, cfg, table, &sourcetest.Recorder{}, store)
		time.Sleep(time.Hour)
		p.stop()
		require.Equal(t, names("meanwhile"), p.users())
	})
}

// A store that fails from the first start on does not move that start: what comes meanwhile is delivered when it is mended, and the
// log says what a restart before that would lose.
func TestInitialEndOutlivesAStoreThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := DefaultConfig()
		cfg.Initial = source.InitialEnd
		table := &memoryTable{rows: rowsAt(time.Now().Add(-time.Hour), "before")}
		began := time.Now()
		store := &sourcetest.Store{OnWrite: func(context.Context, int, string) error {
			if time.Since(began) < time.Hour {
				return errors.New("no space left")
			}
			return nil
		}}
		p := pollFrom(t, cfg, table, &sourcetest.Recorder{}, store)
		time.Sleep(10 * time.Minute)
		table.add(rowsNow("meanwhile")...)
		time.Sleep(2 * time.Hour)
		p.stop()
		require.Equal(t, names("meanwhile"), p.users())
		warnings := p.logs.FilterLevelExact(zap.WarnLevel).All()
		require.InDelta(t, 6, len(warnings), 1, "once, then every ten minutes")
		require.Contains(t, fmt.Sprint(warnings[0].ContextMap()["error"]), "initial: end: where this first start began cannot be stored")
	})
}

// A store that is full does not hold up logins, and says so.
func TestAStoreThatIsFullForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("no space left")
		var now sync.Map
		store := &sourcetest.Store{OnWrite: func(context.Context, int, string) error {
			if _, is := now.Load("full"); is {
				return full
			}
			return nil
		}}
		table := &memoryTable{rows: rowsNow("alice")}
		p := pollFrom(t, DefaultConfig(), table, &sourcetest.Recorder{}, store)
		time.Sleep(time.Minute)
		now.Store("full", true)
		table.add(rowsNow("bob")...)
		time.Sleep(24 * time.Hour)
		require.Equal(t, names("alice bob"), p.users())
		require.InDelta(t, 24*6, p.logs.FilterLevelExact(zap.WarnLevel).Len(), 2, "once, then every ten minutes")
		now.Clear()
		time.Sleep(time.Minute)
		p.stop()
		require.Equal(t, []error{nil, full, nil}, p.status)

		again := pollFrom(t, DefaultConfig(), table, &sourcetest.Recorder{}, store)
		time.Sleep(time.Hour)
		again.stop()
		require.Empty(t, again.users(), "everything is remembered in the end")
	})
}

// A receiver that stops for good, as with on_refused: stop, ends the source.
func TestAReceiverThatStopsEndsTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("refused for good")
		host := sourcetest.Host(t, &sourcetest.Recorder{}, &sourcetest.Store{}, nil)
		host.Emit = func(context.Context, []session.Event) error { return refused }
		require.ErrorIs(t, Run(t.Context(), DefaultConfig(), &memoryTable{rows: rowsNow("alice")}, host, "test"), refused)
	})
}

// A process is killed at a random save, of which any part may have reached the disk, while rows come, late ones too, and days are
// compacted. Together its lives deliver every row, with the same ids.
func TestKilledAtAnySaveItRepeatsAndNeverLoses(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			cfg := DefaultConfig()
			cfg.BatchSize, cfg.ReconcileWindow, cfg.CollectionInterval = 4, time.Hour, time.Minute
			table, written := &memoryTable{}, 0
			write := func(n int) {
				for range n {
					back := time.Duration(random.IntN(3)*random.IntN(90)) * time.Minute
					table.add(rowsAt(time.Now().Add(-back), strconv.Itoa(written))...)
					written++
				}
			}
			delivered, store := map[session.ID]string{}, &sourcetest.Store{}
			note := func(p *polling) {
				for _, e := range p.emit.Delivered() {
					if user, known := delivered[e.RecordID]; known {
						require.Equal(t, user, e.User)
					}
					delivered[e.RecordID] = e.User
				}
			}
			for range 6 {
				killed := newProcess(store, rand.New(rand.NewPCG(seed, random.Uint64())), random.IntN(40))
				note(killed.live(t, cfg, table, func() { write(random.IntN(20)) }))
				store = killed.store.Fork()
			}
			p := pollFrom(t, cfg, table, &sourcetest.Recorder{}, store)
			time.Sleep(3 * time.Hour)
			p.stop()
			note(p)
			require.Len(t, delivered, written, "seed %d", seed)
		})
	}
}

// process is one life, from its start to its death within a save of which a random part is written.
type process struct {
	store *sourcetest.Store
	dead  atomic.Bool
}

var errKilled = errors.New("the process was killed")

func newProcess(store *sourcetest.Store, random *rand.Rand, saves int) *process {
	p := &process{store: store.Fork()}
	p.store.OnWrite = func(_ context.Context, call int, _ string) error {
		switch {
		case p.dead.Load():
			return errKilled
		case call <= saves:
			return nil
		}
		p.dead.Store(true)
		return &sourcetest.TornWrite{Reason: errKilled, Writes: func(string) bool { return random.IntN(2) == 0 }}
	}
	return p
}

// live polls until the process dies: what it does after that reaches nobody.
func (s *process) live(t *testing.T, cfg Config, table *memoryTable, write func()) *polling {
	t.Helper()
	emit := &sourcetest.Recorder{Fate: func(context.Context, int, []session.Event) error {
		if s.dead.Load() {
			return errKilled
		}
		return nil
	}}
	p := &polling{emit: emit, stats: &sourcetest.Stats{}}
	host := source.Host{Emit: emit.Emit, Store: s.store, Stats: p.stats, Log: zap.NewNop(), Status: func(error) {}, Now: time.Now}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = Run(ctx, cfg, table, host, "test") })
	for range 200 {
		if s.dead.Load() {
			break
		}
		write()
		time.Sleep(7 * time.Minute)
	}
	cancel()
	running.Wait()
	return p
}

func TestDaysOfABacklogAreReadTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &memoryTable{}
		for day := range 1000 {
			table.add(rowsAt(time.Now().Add(-time.Duration(day)*24*time.Hour), strconv.Itoa(day))...)
		}
		p := poll(t, table, &sourcetest.Recorder{})
		time.Sleep(time.Minute)
		p.stop()
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(p.users()))), 1000)
		require.Less(t, table.reads, 10)
	})
}
