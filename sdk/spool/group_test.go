package spool

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/internal/group"
)

// failures counts the groups of which not everything was written, their records, and those of the largest.
type failures struct {
	groups, records, largest atomic.Int64
}

// watch has every group pass by before and counts those that fail. No record may have come yet.
func watch(p *Processor, before func(*segmentStore, [][]byte)) *failures {
	p.queue.Close()
	<-p.queue.Done()
	f := &failures{}
	p.queue = group.New(256, func(payloads [][]byte) []error {
		before(p.store, payloads)
		errs := p.store.appendPayloads(payloads)
		if slices.ContainsFunc(errs, func(err error) bool { return err != nil }) {
			f.groups.Add(1)
			f.records.Add(int64(len(payloads)))
			f.largest.Store(max(f.largest.Load(), int64(len(payloads))))
		}
		return errs
	})
	return f
}

// waitForOthers lets callers come, whom a disk would let come by being slow.
func waitForOthers(*segmentStore, [][]byte) { time.Sleep(3 * time.Millisecond) }

// logInBy has many callers log users in at once, most times each, until one of them is refused: each ends what it has begun. It gives the
// names that were granted, all of one length, and the errors.
func (a *testApp) logInBy(t *testing.T, callers, most int, opts ...sessionlog.Option) (granted []string, refused []error) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	var over atomic.Bool
	for c := range callers {
		all.Go(func() {
			for i := 0; i < most && !over.Load(); i++ {
				name := fmt.Sprintf("caller-%02d-%02d", c, i)
				err := a.Login(t.Context(), append([]sessionlog.Option{sessionlog.User(name)}, opts...)...)
				mu.Lock()
				if err != nil {
					over.Store(true)
					refused = append(refused, err)
				} else {
					granted = append(granted, name)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return granted, refused
}

// TestEveryCallerOfAFullSpoolIsTold: callers who share a write for which the room does not last. Who is granted is in the table after a
// restart, and nobody else.
func TestEveryCallerOfAFullSpoolIsTold(t *testing.T) {
	const callers, size = 16, 1000
	dir, table := spoolDir(t), &memoryTable{}
	a := startApp(t, dir, table, WithMaxBytes(64<<10))
	failed := watch(a.processor, waitForOthers)
	table.setLocked(true)
	granted, refused := a.logInBy(t, callers, 100, sessionlog.UserAgent(strings.Repeat("x", size)), sessionlog.DurableWithin(time.Second))
	require.Len(t, refused, callers, "%d were granted", len(granted))
	for _, err := range refused {
		require.ErrorIs(t, err, sessionlog.ErrNotDurable)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	require.LessOrEqual(t, len(granted), 64<<10/size)
	require.Greater(t, failed.largest.Load(), int64(1), "no two callers shared a write that failed")
	a.shutdownNow(t)
	table.setLocked(false)
	startApp(t, dir, table).shutdownApp(t)
	require.ElementsMatch(t, granted, table.users)
}

// TestEveryCallerOfAFailedSyncIsTold: the first write that callers share goes into a pipe: it takes writes and refuses fsync.
func TestEveryCallerOfAFailedSyncIsTold(t *testing.T) {
	const callers = 16
	dir, table := spoolDir(t), &memoryTable{}
	a := startApp(t, dir, table)
	table.setLocked(true)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	var came atomic.Int64
	shared := 0
	failed := watch(a.processor, func(s *segmentStore, payloads [][]byte) {
		switch {
		case came.Load() == 0 || shared > 0:
		case len(payloads) > 1:
			shared = len(payloads)
			_ = s.activeFile.Close()
			s.activeFile = w
		default: // the others shall come meanwhile
			for began := time.Now(); came.Load() < callers && time.Since(began) < testTimeout; {
				time.Sleep(time.Millisecond)
			}
			time.Sleep(20 * time.Millisecond) // from where they were counted to the queue it is a step
		}
	})
	require.NoError(t, a.Login(t.Context(), sessionlog.User("first"), sessionlog.Durable())) // makes the segment
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(counter{came: &came}), sdklog.WithProcessor(a.processor))
	many := &testApp{Logger: sessionlog.NewLogger(provider)}
	granted, refused := many.logInBy(t, callers, 1, sessionlog.DurableWithin(testTimeout))
	require.Greater(t, shared, 1, "no two callers shared a write")
	require.Len(t, refused, shared)
	for _, err := range refused {
		require.ErrorIs(t, err, sessionlog.ErrNotDurable)
		require.ErrorContains(t, err, "the spool cannot be written")
	}
	require.Equal(t, int64(1), failed.groups.Load())
	a.shutdownNow(t)
	table.setLocked(false)
	startApp(t, dir, table).shutdownApp(t)
	require.ElementsMatch(t, append(granted, "first"), table.users)
}

// counter is a processor that counts the records that are on their way to the next one.
type counter struct {
	sdklog.Processor
	came *atomic.Int64
}

func (c counter) OnEmit(context.Context, *sdklog.Record) error { c.came.Add(1); return nil }
