package sessionlogexporter

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

const writeTime = 80 * time.Millisecond

var errWrite = errors.New("the write failed")

// recordedWrites is a backend that takes its time. It keeps how many records each call of each write had.
type recordedWrites struct {
	mu     sync.Mutex
	writes [][]int
	answer func(ctx context.Context, records int) ([]backend.Rejection, error)
}

func (w *recordedWrites) write(ctx context.Context, all []plog.Logs) ([]backend.Rejection, error) {
	var calls []int
	records := 0
	for _, ld := range all {
		calls = append(calls, ld.LogRecordCount())
		records += ld.LogRecordCount()
	}
	w.mu.Lock()
	w.writes = append(w.writes, calls)
	w.mu.Unlock()
	if w.answer != nil {
		return w.answer(ctx, records)
	}
	time.Sleep(writeTime)
	return nil, nil
}

func (w *recordedWrites) shared() *sharedWrites {
	return &sharedWrites{writeRecords: w.write, WriteSize: backend.WriteSize{Enough: 100, AtOnce: 2}}
}

// callAll makes calls of so many records, one after the other.
func callAll(t *testing.T, s *sharedWrites, records ...int) (results []<-chan error) {
	t.Helper()
	for _, n := range records {
		done := make(chan error, 1)
		go func() {
			rejected, err := s.writeTogether(t.Context(), testEvents(0, n))
			for _, r := range rejected {
				err = errors.Join(err, errors.New(r.Reason))
				if r.Index < 0 || r.Index >= n {
					err = errors.Join(err, errors.New("a place that the call has not"))
				}
			}
			done <- err
		}()
		synctest.Wait()
		results = append(results, done)
	}
	return results
}

func TestCallsThatWaitShareTheNextWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &recordedWrites{}
		begun := time.Now()
		for _, done := range callAll(t, w.shared(), 1, 2, 3, 4) {
			require.NoError(t, <-done)
		}
		require.Equal(t, [][]int{{1}, {2, 3, 4}}, w.writes, "the first one waits for nobody")
		require.Equal(t, 2*writeTime+writeTime/holdPart, time.Since(begun))
	})
}

// TestSendersThatAreAnsweredTogetherComeTogether: without a pause, the first one would have a write to itself each time.
func TestSendersThatAreAnsweredTogetherComeTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &recordedWrites{}
		s := w.shared()
		var senders sync.WaitGroup
		for range 4 {
			senders.Go(func() {
				for range 5 {
					_, err := s.writeTogether(t.Context(), testEvents(0, 10))
					require.NoError(t, err)
					time.Sleep(time.Millisecond)
				}
			})
			synctest.Wait()
		}
		senders.Wait()
		require.Len(t, w.writes, 6)
		for _, calls := range w.writes[2:5] {
			require.Len(t, calls, 4)
		}
	})
}

func TestALoneSenderNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &recordedWrites{}
		s, begun := w.shared(), time.Now()
		for range 5 {
			require.NoError(t, <-callAll(t, s, 1)[0])
		}
		require.Equal(t, 5*writeTime, time.Since(begun))
	})
}

func TestEnoughRecordsDoNotWaitForTheWriteUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &recordedWrites{}
		begun := time.Now()
		for _, done := range callAll(t, w.shared(), 10, 60, 60, 500) {
			require.NoError(t, <-done)
		}
		require.Equal(t, [][]int{{10}, {60, 60}, {500}}, w.writes, "two at a time")
		require.Equal(t, 2*writeTime, time.Since(begun))
	})
}

func TestAWriteThatHangsHoldsUpTheOthersForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang, writes := make(chan struct{}), 0
		w := &recordedWrites{answer: func(context.Context, int) ([]backend.Rejection, error) {
			if writes++; writes == 1 {
				<-hang
			}
			return nil, nil
		}}
		begun := time.Now()
		results := callAll(t, w.shared(), 1, 2)
		require.NoError(t, <-results[1])
		require.Equal(t, longestStay, time.Since(begun))
		close(hang)
		require.NoError(t, <-results[0])
	})
}

func TestEachCallOfASharedWriteHearsOfItsOwnRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &recordedWrites{answer: func(_ context.Context, records int) ([]backend.Rejection, error) {
			time.Sleep(writeTime)
			if records < 6 {
				return nil, nil
			}
			return []backend.Rejection{{Index: 5, Reason: "bad"}}, &backend.PartialError{Err: errWrite, Remaining: []int{0, 1}}
		}}
		results := callAll(t, w.shared(), 1, 2, 3, 2)
		require.NoError(t, <-results[0])
		err := <-results[1]
		var partial *backend.PartialError
		require.ErrorAs(t, err, &partial)
		require.Equal(t, []int{0, 1}, partial.Remaining)
		require.NoError(t, <-results[2])
		require.EqualError(t, <-results[3], "bad")
	})
}

// TestOneBadCallIsNoFaultOfTheOthers: an error for good is that of whoever causes it; one that passes is everybody's.
func TestOneBadCallIsNoFaultOfTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &recordedWrites{answer: func(_ context.Context, records int) ([]backend.Rejection, error) {
			time.Sleep(writeTime)
			if records == 3 || records == 9 {
				return nil, consumererror.NewPermanent(errWrite)
			}
			return nil, nil
		}}
		results := callAll(t, w.shared(), 1, 2, 3, 4)
		require.NoError(t, <-results[1])
		require.ErrorIs(t, <-results[2], errWrite)
		require.NoError(t, <-results[3])

		w.answer = func(context.Context, int) ([]backend.Rejection, error) {
			time.Sleep(writeTime)
			return nil, errWrite
		}
		for _, done := range callAll(t, w.shared(), 1, 2, 3) {
			require.ErrorIs(t, <-done, errWrite)
		}
	})
}

// TestACallThatIsGivenUp is withdrawn as long as it waits; a write goes on for the others, and ends when nobody waits for it.
func TestACallThatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &recordedWrites{answer: func(ctx context.Context, records int) ([]backend.Rejection, error) {
			select {
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			case <-time.After(writeTime):
				return nil, nil
			}
		}}
		s := w.shared()
		first := callAll(t, s, 1)[0]
		call := func(limit time.Duration) <-chan error {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			done := make(chan error, 1)
			go func() {
				defer cancel()
				_, err := s.writeTogether(ctx, testEvents(0, 10))
				done <- err
			}()
			synctest.Wait()
			return done
		}
		withdrawn, shortened, patient := call(writeTime/2), call(writeTime*3/2), call(time.Minute)
		require.ErrorIs(t, <-withdrawn, context.DeadlineExceeded)
		require.NoError(t, <-first)
		require.NoError(t, <-shortened)
		require.NoError(t, <-patient)
		require.Equal(t, [][]int{{1}, {10, 10}}, w.writes)

		s = w.shared()
		first = callAll(t, s, 1)[0]
		a, b := call(writeTime*3/2), call(writeTime*7/4)
		require.NoError(t, <-first)
		require.ErrorIs(t, <-a, context.DeadlineExceeded)
		require.ErrorIs(t, <-b, context.DeadlineExceeded)
	})
}
