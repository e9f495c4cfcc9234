package group

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEachGetsItsOwnError(t *testing.T) {
	odd := errors.New("odd")
	var groups atomic.Int64
	q := New(8, func(items []int) []error {
		groups.Add(1)
		errs := make([]error, len(items))
		for i, n := range items {
			if n%2 == 1 {
				errs[i] = odd
			}
		}
		return errs
	})
	var all sync.WaitGroup
	for n := range 1000 {
		all.Go(func() {
			if err := q.Do(t.Context(), n); (err == odd) != (n%2 == 1) { //nolint:errorlint // it is that very error
				t.Errorf("%d: %v", n, err)
			}
		})
	}
	all.Wait()
	q.Close()
	<-q.Done()
	require.LessOrEqual(t, groups.Load(), int64(1000))
	require.GreaterOrEqual(t, groups.Load(), int64(1000/8))
}

// TestEveryCallerOfAFailedGroupIsTold, each its own error: the first group is held until all the others wait for the second.
func TestEveryCallerOfAFailedGroupIsTold(t *testing.T) {
	const callers = 8
	begun, goOn := make(chan int, 9), make(chan struct{})
	q := New(callers, func(items []int) []error {
		begun <- len(items)
		<-goOn
		errs := make([]error, len(items))
		for i, n := range items {
			errs[i] = refusedItem(n)
		}
		return errs
	})
	var all sync.WaitGroup
	caller := func(n int) {
		all.Go(func() {
			if err := q.Do(t.Context(), n); err != refusedItem(n) { //nolint:errorlint // it is that very error
				t.Errorf("%d: %v", n, err)
			}
		})
	}
	caller(0)
	require.Equal(t, 1, <-begun)
	for n := 1; n <= callers; n++ {
		caller(n)
	}
	require.Eventually(t, func() bool { return len(q.incoming) == callers }, time.Minute, time.Millisecond)
	close(goOn)
	require.Equal(t, callers, <-begun, "they are one group")
	all.Wait()
	q.Close()
	<-q.Done()
}

// refusedItem is the error of one item.
type refusedItem int

func (r refusedItem) Error() string { return "item " + strconv.Itoa(int(r)) + " is refused" }

// TestWhoeverComesMeanwhileSharesTheNext: the first group is held until three callers wait.
func TestWhoeverComesMeanwhileSharesTheNext(t *testing.T) {
	begun, goOn := make(chan []int, 9), make(chan struct{})
	q := New(8, func(items []int) []error {
		begun <- slices.Clone(items)
		<-goOn
		return nil
	})
	var all sync.WaitGroup
	all.Go(func() { _ = q.Do(t.Context(), 0) })
	require.Equal(t, []int{0}, <-begun)
	withdrawn, withdraw := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() { gone <- q.Do(withdrawn, 99) }()
	require.Eventually(t, func() bool { return len(q.incoming) == 1 }, time.Minute, time.Millisecond)
	withdraw()
	require.ErrorIs(t, <-gone, context.Canceled)
	for n := 1; n <= 3; n++ {
		all.Go(func() { _ = q.Do(t.Context(), n) })
	}
	require.Eventually(t, func() bool { return len(q.incoming) == 4 }, time.Minute, time.Millisecond)
	close(goOn)
	next := <-begun
	slices.Sort(next)
	require.Equal(t, []int{1, 2, 3}, next, "and not what was withdrawn")
	all.Wait()
	q.Close()
	<-q.Done()
}

func TestClosedWhileSomebodyWaits(t *testing.T) {
	begun, goOn := make(chan struct{}, 9), make(chan struct{})
	q := New(1, func([]int) []error {
		begun <- struct{}{}
		<-goOn
		return nil
	})
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- q.Do(t.Context(), 1) }()
	<-begun
	go func() { second <- q.Do(t.Context(), 2) }()
	require.Eventually(t, func() bool { return len(q.incoming) == 1 }, time.Minute, time.Millisecond)
	q.Close()
	q.Close()
	close(goOn)
	require.NoError(t, <-first, "it was under way")
	require.ErrorIs(t, <-second, ErrClosed)
	require.ErrorIs(t, q.Do(t.Context(), 3), ErrClosed)
	<-q.Done()
}

// TestAnItemUnderWayIsNotWaitedForBeyondTheContext: fsync on a dying disk may hang.
func TestAnItemUnderWayIsNotWaitedForBeyondTheContext(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	q := New(1, func([]int) []error {
		close(begun)
		<-goOn
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- q.Do(ctx, 1) }()
	<-begun
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	close(goOn)
	q.Close()
	<-q.Done()
}
