package conditionlog

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestAConditionIsLoggedOnceThenEveryTenMinutes(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	now := time.Unix(1_800_000_000, 0)
	l := New(zap.New(core), func() time.Time { return now })

	for range 25 { // 0 to 24 minutes
		l.Raise("table", "the table does not exist yet")
		now = now.Add(time.Minute)
	}
	require.Equal(t, 3, logs.FilterMessage("the table does not exist yet").FilterLevelExact(zapcore.WarnLevel).Len(), "at 0, 10 and 20 minutes")

	l.Clear("table", "the table is there")
	l.Clear("table", "the table is there")
	require.Equal(t, 1, logs.FilterMessage("the table is there").FilterLevelExact(zapcore.InfoLevel).Len())

	now = now.Add(minClearTime)
	l.Raise("table", "the table does not exist yet")
	require.Equal(t, 4, logs.FilterMessage("the table does not exist yet").Len(), "a new beginning is news")
}

func TestConditionsDoNotSilenceEachOther(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	l := New(zap.New(core), time.Now)
	l.Raise("a", "a holds")
	l.Raise("b", "b holds")
	require.Equal(t, 2, logs.Len())
}

func TestAClockPutBackDoesNotSilence(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	now := time.Unix(1_800_000_000, 0)
	l := New(zap.New(core), func() time.Time { return now })
	l.Raise("a", "a holds")
	now = now.Add(-24 * time.Hour)
	l.Raise("a", "a holds")
	require.Equal(t, 2, logs.Len())
}

func TestAnotherReasonIsNewsAndTheSameOneIsNot(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	now := time.Unix(1_800_000_000, 0)
	l := New(zap.New(core), func() time.Time { return now })
	away, refused := errors.New("read 127.0.0.1:4711: reset"), errors.New("wrong password")

	l.RaiseReason("backend", away, "cannot write")
	l.RaiseReason("backend", errors.New("read 127.0.0.1:4712: reset"), "cannot write")
	require.Equal(t, 1, logs.Len(), "another port is no other reason")
	l.RaiseReason("backend", refused, "cannot write")
	require.Equal(t, 1, logs.FilterField(zap.Error(refused)).Len(), "what the operator must mend next is told at once")
	l.RaiseReason("backend", away, "cannot write")
	require.Equal(t, 2, logs.Len())
	now = now.Add(RepeatEvery)
	l.RaiseReason("backend", refused, "cannot write")
	require.Equal(t, 3, logs.Len())

	for i := range 100 {
		l.RaiseReason("backend", errors.New(strings.Repeat("x", i)), "cannot write")
	}
	require.LessOrEqual(t, logs.Len(), 3+maxReasons, "reasons without end do not flood")
	l.Clear("backend", "can write")
	require.Equal(t, 1, logs.FilterMessage("can write").Len())
	now = now.Add(minClearTime)
	l.RaiseReason("backend", refused, "cannot write")
	require.Equal(t, 3, logs.FilterField(zap.Error(refused)).Len(), "a new beginning is news")
}

func TestAConditionThatComesAndGoesIsLoggedLikeOneThatLasts(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	now := time.Unix(1_800_000_000, 0)
	l := New(zap.New(core), func() time.Time { return now })
	for range 25 * 60 { // seconds
		l.Raise("zone", "half of the times lie ahead")
		l.Clear("zone", "no time lies ahead")
		now = now.Add(time.Second)
	}
	require.Equal(t, 3, logs.FilterLevelExact(zapcore.WarnLevel).Len())
	require.Equal(t, 3, logs.FilterLevelExact(zapcore.InfoLevel).Len())
}
