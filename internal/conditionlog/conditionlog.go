// Package conditionlog logs a condition that lasts (a server that is away, a table that does not exist yet): once when it begins,
// again every ten minutes while it lasts, and once when it is over.
package conditionlog

import (
	"regexp"
	"sync"
	"time"

	"go.uber.org/zap"
)

// RepeatEvery is how often a condition that lasts is logged again.
const RepeatEvery = 10 * time.Minute

// minClearTime is how long a condition must be over to be logged as new when it comes back: one that comes and goes with every batch is
// logged like one that lasts.
const minClearTime = time.Minute

// maxReasons is how many reasons of one condition are logged separately. More of them count as one.
const maxReasons = 8

// changingNumbers matches ports, counts and ids, which change from try to try.
var changingNumbers = regexp.MustCompile(`[0-9][0-9a-fA-F-]*`)

// Logger knows which conditions hold now. It is safe for concurrent use.
type Logger struct {
	log *zap.Logger
	now func() time.Time

	mu         sync.Mutex
	conditions map[string]*conditionState
}

type conditionState struct {
	active   bool
	warned   bool                 // since it holds
	warnings map[string]time.Time // the last one of each reason
	cleared  time.Time            // when it was over last
}

// New makes a logger without conditions; now is the clock that RepeatEvery is measured with.
func New(log *zap.Logger, now func() time.Time) *Logger {
	return &Logger{log: log, now: now, conditions: map[string]*conditionState{}}
}

// Raise says that a condition holds. It is called as often as the caller likes, and logs a WARN at the first call and
// every RepeatEvery after that. A clock that was put back does not silence it.
func (l *Logger) Raise(name, message string, fields ...zap.Field) {
	l.raiseCondition(name, "", message, fields)
}

// RaiseReason is Raise for a condition whose reason may change, as where a server is away, then there but
// refuses the password: each reason is logged as if it were a condition of its own. Numbers make no other reason.
func (l *Logger) RaiseReason(name string, reason error, message string, fields ...zap.Field) {
	l.raiseCondition(name, changingNumbers.ReplaceAllString(reason.Error(), "0"), message, append(fields, zap.Error(reason)))
}

func (l *Logger) raiseCondition(name, reason, message string, fields []zap.Field) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	c := l.conditions[name]
	if c == nil {
		c = &conditionState{}
		l.conditions[name] = c
	}
	if !c.active && !withinInterval(now, c.cleared, minClearTime) {
		c.warnings = map[string]time.Time{} // it starts again
	}
	c.active = true
	if _, known := c.warnings[reason]; !known && len(c.warnings) >= maxReasons {
		reason = ""
	}
	if withinInterval(now, c.warnings[reason], RepeatEvery) {
		return
	}
	c.warned, c.warnings[reason] = true, now
	l.log.Warn(message, fields...)
}

// Clear says that a condition is over, whatever its reasons. It logs an INFO if a WARN was logged while it held, and nothing otherwise.
func (l *Logger) Clear(name, message string, fields ...zap.Field) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.conditions[name]
	if c == nil || !c.active {
		return
	}
	if c.warned {
		l.log.Info(message, fields...)
	}
	c.active, c.warned, c.cleared = false, false, l.now()
}

// withinInterval is false for a clock that was put back.
func withinInterval(now, then time.Time, d time.Duration) bool {
	age := now.Sub(then)
	return age >= 0 && age < d
}
