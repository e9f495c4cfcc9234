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

// maxReasons is how many reasons of one condition are told apart. More of them count as one.
const maxReasons = 8

// numbers are ports, counts and ids: they change from try to try.
var numbers = regexp.MustCompile(`[0-9][0-9a-fA-F-]*`)

// Logger knows which conditions hold now. It is safe for concurrent use.
type Logger struct {
	log *zap.Logger
	now func() time.Time

	mu       sync.Mutex
	lastLogs map[string]map[string]time.Time // by condition and reason
}

// New makes a logger without conditions; now is the clock that RepeatEvery is measured with.
func New(log *zap.Logger, now func() time.Time) *Logger {
	return &Logger{log: log, now: now, lastLogs: map[string]map[string]time.Time{}}
}

// Raise says that a condition holds. It is called as often as the caller likes, and logs a WARN at the first call and
// every RepeatEvery after that. A clock that was put back does not silence it.
func (l *Logger) Raise(condition, message string, fields ...zap.Field) {
	l.raise(condition, "", message, fields)
}

// RaiseReason is Raise for a condition that holds for one reason and then for another, as where a server is away, then there but
// refuses the password: each reason is logged as if it were a condition of its own. Numbers make no other reason.
func (l *Logger) RaiseReason(condition string, reason error, message string, fields ...zap.Field) {
	l.raise(condition, numbers.ReplaceAllString(reason.Error(), "0"), message, append(fields, zap.Error(reason)))
}

func (l *Logger) raise(condition, reason, message string, fields []zap.Field) {
	l.mu.Lock()
	defer l.mu.Unlock()
	reasons := l.lastLogs[condition]
	if reasons == nil {
		reasons = map[string]time.Time{}
		l.lastLogs[condition] = reasons
	}
	if _, known := reasons[reason]; !known && len(reasons) >= maxReasons {
		reason = ""
	}
	now := l.now()
	last, raised := reasons[reason]
	if age := now.Sub(last); raised && age >= 0 && age < RepeatEvery {
		return
	}
	reasons[reason] = now
	l.log.Warn(message, fields...)
}

// Clear says that a condition is over, whatever its reasons. It logs an INFO if the condition held, and nothing otherwise.
func (l *Logger) Clear(condition, message string, fields ...zap.Field) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, raised := l.lastLogs[condition]; !raised {
		return
	}
	delete(l.lastLogs, condition)
	l.log.Info(message, fields...)
}
