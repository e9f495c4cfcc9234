package delivery

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/internal/writesize"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// numbered is a batch of consecutive events, whose position is the number of the last one.
type numbered struct {
	events    []session.Event
	textBytes int
	onCommit  func(n int)
}

func (b *numbered) Events() []session.Event { return b.events }
func (b *numbered) TextBytes() int          { return b.textBytes }
func (b *numbered) Reset()                  { b.events, b.textBytes = b.events[:0], 0 }

func (b *numbered) Commit(changes map[string][]byte) {
	n := number(b.events[len(b.events)-1])
	b.onCommit(n)
	changes["position"] = []byte(strconv.Itoa(n))
	if n == 3 {
		changes["gone"] = nil
	}
}

func number(e session.Event) int {
	n, _ := strconv.Atoi(e.User)
	return n
}

// rig is a queue over a pipeline and a store in memory.
type rig struct {
	*Queue[*numbered]

	store     *sourcetest.Store
	logs      *observer.ObservedLogs
	status    chan error
	committed []int // positions
	next      int
}

type pipeline func(ctx context.Context, events []session.Event) error

func start(ctx context.Context, store *sourcetest.Store, emit pipeline) *rig {
	core, logs := observer.New(zap.InfoLevel)
	r := &rig{store: store, logs: logs, status: make(chan error, 10)}
	host := source.Host{
		Emit: source.Emit(emit), Store: store, Log: zap.New(core), Now: time.Now,
		Status: func(err error) { r.status <- err },
	}
	commit := func(n int) { r.committed = append(r.committed, n) }
	r.Queue = New(ctx, host, NewStatus(host), 10, func() *numbered { return &numbered{onCommit: commit} })
	return r
}

// submit sends so many events as one batch.
func (r *rig) submit(n, textBytes int) error {
	b, err := r.Acquire()
	if err != nil {
		return err
	}
	b.textBytes = textBytes
	for range n {
		r.next++
		b.events = append(b.events, session.Event{User: strconv.Itoa(r.next)})
	}
	r.Submit(b)
	return nil
}

func position(t *testing.T, store *sourcetest.Store) int {
	t.Helper()
	value, err := store.Get(t.Context(), "position")
	require.NoError(t, err)
	n, _ := strconv.Atoi(string(value))
	return n
}

func randomDelay(context.Context, []session.Event) error {
	time.Sleep(rand.N(time.Second))
	return nil
}

func taken(context.Context, []session.Event) error { return nil }

func TestCommitsAreInTheOrderOfSubmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var busy, most atomic.Int32
		r := start(t.Context(), &sourcetest.Store{}, func(ctx context.Context, events []session.Event) error {
			now := busy.Add(1)
			defer busy.Add(-1)
			for before := most.Load(); now > before && !most.CompareAndSwap(before, now); before = most.Load() {
			}
			return randomDelay(ctx, events)
		})
		var want []int
		for i := range 200 {
			require.NoError(t, r.submit(1, 0))
			want = append(want, i+1)
		}
		require.NoError(t, r.Drain())
		require.Equal(t, want, r.committed)
		r.Close()
		require.Equal(t, 200, position(t, r.store))
		require.EqualValues(t, maxInFlight, most.Load(), "several are under way, and no more")
	})
}

// TestSmallBatchesMakeLargeWrites: as many are under way as make two writes of the size that the exporter likes, and no more bytes than twice
// the events of those.
func TestSmallBatchesMakeLargeWrites(t *testing.T) {
	for name, c := range map[string]struct{ wanted, textBytes, want int }{
		"smaller than four batches": {wanted: 15, want: maxInFlight},
		"larger":                    {wanted: 80, want: 16},
		"huge":                      {wanted: 1_000_000, want: mostSmallInFlight},
		"of large texts":            {wanted: 80, textBytes: maxBytesInFlight / 8, want: 8},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				var calls atomic.Int32
				r := start(t.Context(), &sourcetest.Store{}, func(ctx context.Context, _ []session.Event) error {
					writesize.ReportWanted(ctx, c.wanted)
					if calls.Add(1) > 1 {
						<-release
					}
					return nil
				})
				require.NoError(t, r.submit(10, c.textBytes))
				require.NoError(t, r.Drain())
				var source sync.WaitGroup
				source.Go(func() {
					for range 100 {
						require.NoError(t, r.submit(10, c.textBytes))
					}
				})
				synctest.Wait()
				require.EqualValues(t, 1+c.want, calls.Load())
				close(release)
				source.Wait()
				r.Close()
				require.EqualValues(t, 101, calls.Load())
			})
		})
	}
}

func TestAPipelineGetsNoMoreEventsAtOnceThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		r := start(t.Context(), &sourcetest.Store{}, func(_ context.Context, events []session.Event) error {
			sizes = append(sizes, len(events))
			return nil
		})
		require.NoError(t, r.submit(25, 0))
		r.Close()
		require.Equal(t, []int{10, 10, 5}, sizes)
		require.Equal(t, []int{25}, r.committed)
	})
}

func TestMemoryInFlightIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		r := start(t.Context(), &sourcetest.Store{}, func(context.Context, []session.Event) error {
			<-gate
			return nil
		})
		require.NoError(t, r.submit(1, maxBytesInFlight))
		acquired := make(chan error, 1)
		go func() { acquired <- r.submit(1, 0) }()
		synctest.Wait()
		require.Empty(t, acquired, "one large batch is enough")
		close(gate)
		require.NoError(t, <-acquired)
		r.Close()
		require.Len(t, r.free, 1, "a buffer that came back is filled again")
	})
}

func TestAFailedDeliveryHoldsBackAllThatFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("the receiver stops")
		r := start(t.Context(), &sourcetest.Store{}, func(_ context.Context, events []session.Event) error {
			if number(events[0]) == 3 {
				time.Sleep(time.Second)
				return refused
			}
			return nil
		})
		for range 4 {
			require.NoError(t, r.submit(1, 0))
		}
		require.ErrorIs(t, r.Drain(), refused)
		_, err := r.Acquire()
		require.ErrorIs(t, err, refused)
		r.Close()
		require.Equal(t, []int{1, 2}, r.committed, "4 was taken, and is delivered again with 3")
		require.Equal(t, 2, position(t, r.store))
	})
}

func TestAnEndedContextEndsTheWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := start(ctx, &sourcetest.Store{}, func(ctx context.Context, events []session.Event) error {
			if number(events[0]) == 1 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})
		for range maxInFlight + 1 {
			require.NoError(t, r.submit(1, 0))
		}
		time.AfterFunc(time.Minute, cancel)
		require.ErrorIs(t, r.submit(1, 0), context.Canceled)
		r.Close()
		require.Equal(t, 1, position(t, r.store), "what was taken is remembered, although the context has ended")
	})
}

func TestWhatIsTakenWhileStoppingIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		store := &sourcetest.Store{OnWrite: func(ctx context.Context, _ int, _ string) error { return ctx.Err() }}
		r := start(ctx, store, func(context.Context, []session.Event) error {
			cancel()
			time.Sleep(300 * time.Millisecond)
			return nil
		})
		require.NoError(t, r.submit(1, 0))
		require.NoError(t, r.Drain())
		r.Close()
		require.Equal(t, 1, position(t, r.store))
	})
}

// A store that fails holds nothing up, and gets everything in one write when it is back.
func TestSavingCoalescesAndIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("no space left")
		began := time.Now()
		store := &sourcetest.Store{}
		require.NoError(t, store.Set(t.Context(), "gone", []byte("1")))
		store.OnWrite = func(context.Context, int, string) error {
			if time.Since(began) < time.Hour {
				return full
			}
			return nil
		}
		r := start(t.Context(), store, taken)
		for range 1000 {
			require.NoError(t, r.submit(1, 0))
		}
		require.NoError(t, r.Drain())
		require.Zero(t, time.Since(began), "nothing waits for the store")
		time.Sleep(2 * time.Hour)
		require.Equal(t, 1000, position(t, store))
		gone, err := store.Get(t.Context(), "gone")
		require.NoError(t, err)
		require.Nil(t, gone)
		require.InDelta(t, 3600, store.Writes(), 3, "a try every second, then one that writes all")
		require.Len(t, r.status, 2)
		require.ErrorIs(t, <-r.status, full)
		require.NoError(t, <-r.status)
		require.Equal(t, 6, r.logs.FilterLevelExact(zap.WarnLevel).Len(), "once, then every ten minutes")
		require.Equal(t, 1, r.logs.FilterMessage("what was delivered is remembered again").Len())
		r.Close()
	})
}

// What is newer than a write that fails is not overwritten by it.
func TestAFailedWriteDoesNotUndoALaterOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &sourcetest.Store{OnWrite: func(_ context.Context, call int, _ string) error {
			if call == 1 {
				time.Sleep(time.Second)
				return errors.New("no space left")
			}
			return nil
		}}
		r := start(t.Context(), store, taken)
		require.NoError(t, r.submit(1, 0))
		time.Sleep(time.Millisecond)
		require.NoError(t, r.submit(1, 0))
		time.Sleep(time.Minute)
		require.Equal(t, 2, position(t, store))
		r.Close()
	})
}

// dependent stores the numbers of its events by key, each with a "whole" that must not be without it.
type dependent struct{ numbered }

func (b *dependent) Commit(changes map[string][]byte) {
	changes["part"] = []byte(b.events[0].User)
}

func (b *dependent) CommitLast(changes map[string][]byte) {
	changes["whole"] = []byte(b.events[0].User)
}

// A store that writes any part of several keys never has what depends on others without them, nor newer than them.
func TestWhatDependsOnOthersIsStoredLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &sourcetest.Store{}
		stored := func(key string) int {
			value, err := store.Get(t.Context(), key)
			require.NoError(t, err)
			n, _ := strconv.Atoi(string(value))
			return n
		}
		store.OnWrite = func(_ context.Context, call int, _ string) error {
			require.GreaterOrEqual(t, stored("part"), stored("whole"))
			return []error{nil, errors.New("full"), sourcetest.TearHalf(errors.New("torn"), call), nil}[rand.IntN(4)]
		}
		core, _ := observer.New(zap.InfoLevel)
		host := source.Host{Emit: taken, Store: store, Log: zap.New(core), Now: time.Now, Status: func(error) {}}
		q := New(t.Context(), host, NewStatus(host), 10, func() *dependent { return &dependent{} })
		for n := range 100 {
			b, err := q.Acquire()
			require.NoError(t, err)
			b.events = append(b.events, session.Event{User: strconv.Itoa(n + 1)})
			q.Submit(b)
			time.Sleep(rand.N(2 * time.Second))
		}
		time.Sleep(time.Minute)
		q.Close()
		require.Equal(t, 100, stored("part"))
		require.Equal(t, 100, stored("whole"))
	})
}

func TestAStoreThatHangsDoesNotHoldUpTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t.Context(), &sourcetest.Store{OnWrite: func(ctx context.Context, _ int, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		}}, taken)
		require.NoError(t, r.submit(1, 0))
		require.NoError(t, r.Drain())
		began := time.Now()
		r.Close()
		require.Equal(t, closeLimit, time.Since(began))
	})
}

// Killed at any moment, a process leaves a position behind which everything was delivered.
func TestAKillRepeatsAndNeverLoses(t *testing.T) {
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			store := &sourcetest.Store{OnWrite: func(context.Context, int, string) error {
				time.Sleep(rand.N(300 * time.Millisecond))
				return nil
			}}
			delivered := make(chan int, 1000)
			r := start(t.Context(), store, func(ctx context.Context, events []session.Event) error {
				_ = randomDelay(ctx, events)
				delivered <- number(events[0])
				return nil
			})
			var reading sync.WaitGroup
			reading.Go(func() {
				for range 50 {
					_ = r.submit(1, 0)
				}
			})
			time.Sleep(rand.N(10 * time.Second))
			left := position(t, store) // of a process that is gone now
			before := map[int]bool{}
			for range len(delivered) {
				before[<-delivered] = true
			}
			for n := 1; n <= left; n++ {
				require.True(t, before[n], "%d is passed over by %d and was not delivered", n, left)
			}
			reading.Wait()
			r.Close()
		})
	}
}

func TestReleaseGivesABatchBackEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t.Context(), &sourcetest.Store{}, taken)
		b, err := r.Acquire()
		require.NoError(t, err)
		b.events = append(b.events, session.Event{User: "1"})
		r.Release(b)
		again, err := r.Acquire()
		require.NoError(t, err)
		require.Same(t, b, again)
		require.Empty(t, again.events)
		require.NoError(t, r.Drain())
		r.Close()
		require.Empty(t, r.committed)
	})
}

func TestStatusJoinsWhatPartsSay(t *testing.T) {
	var told []string
	s := NewStatus(source.Host{Status: func(err error) {
		if err == nil {
			told = append(told, "well")
			return
		}
		told = append(told, err.Error())
	}})
	s.Set("storage", nil)
	s.Set("storage", errors.New("full"))
	s.Set("storage", errors.New("full"))
	s.Set("files", errors.New("unreadable"))
	s.Set("storage", nil)
	s.Set("files", nil)
	require.Equal(t, []string{"well", "full", "unreadable\nfull", "unreadable", "well"}, told)
}
