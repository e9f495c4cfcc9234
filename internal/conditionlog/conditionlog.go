// Package conditionlog logs a condition that lasts (a server that is away, a table that does not exist yet): once when it begins,
// again every ten minutes while it lasts, and once when it is over.
package conditionlog

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

// RepeatEvery is how often a condition that lasts is logged again.
const RepeatEvery = 10 * time.Minute

// Logger knows which conditions hold now. It is safe for concurrent use.
type Logger struct {
	log *zap.Logger
	now func() time.Time

	mu       sync.Mutex
	lastLogs map[string]time.Time // by condition
}

// New makes a logger without conditions; now is the clock that RepeatEvery is measured with.
func New(log *zap.Logger, now func() time.Time) *Logger {
	return &Logger{log: log, now: now, lastLogs: map[string]time.Time{}}
}

// Raise says that a condition holds. It is called as often as the caller likes, and logs a WARN at the first call and
// every RepeatEvery after that. A clock that was put back does not silence it.
func (l *Logger) Raise(condition, message string, fields ...zap.Field) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	last, raised := l.lastLogs[condition]
	if age := now.Sub(last); raised && age >= 0 && age < RepeatEvery {
		return
	}
	l.lastLogs[condition] = now
	l.log.Warn(message, fields...)
}

// Clear says that a condition is over. It logs an INFO if the condition held, and nothing otherwise.
func (l *Logger) Clear(condition, message string, fields ...zap.Field) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, raised := l.lastLogs[condition]; !raised {
		return
	}
	delete(l.lastLogs, condition)
	l.log.Info(message, fields...)
}
