package poll

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

// However long a server is away, its rows are delivered when it is back; meanwhile there is a warning every ten minutes and a status.
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
		require.InDelta(t, 24*360, p.stats.Counts().Failed, 900, "a try every ten seconds")
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
		table.set(func() { table.rows, table.vary = rowsNow("carol"), several })
		time.Sleep(10 * time.Minute)
		require.Zero(t, p.stats.Counts().Vanished)
		table.set(func() { table.vary, table.rows = nil, nil })
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
