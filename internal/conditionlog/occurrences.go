package conditionlog

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

// OccurrencesInterval is the least time between two lines of one message.
const OccurrencesInterval = time.Minute

// Occurrences logs what befalls records: the first at once, then a line a minute with how many it were since the last one, so that a
// source that sends nothing but bad records does not fill the log. It is safe for concurrent use.
type Occurrences struct {
	log *zap.Logger
	now func() time.Time

	mu        sync.Mutex
	byMessage map[string]*countedOccurrence
}

type countedOccurrence struct {
	loggedAt time.Time
	count    int
	unit     string
	fields   []zap.Field
}

// NewOccurrences has logged nothing yet; now is the clock that OccurrencesInterval is measured with.
func NewOccurrences(log *zap.Logger, now func() time.Time) *Occurrences {
	return &Occurrences{log: log, now: now, byMessage: map[string]*countedOccurrence{}}
}

// Count logs at WARN when this message was quiet for a while, and else counts; unit is the name of the field with the count. The other
// fields are those of the last call.
func (o *Occurrences) Count(message, unit string, n int, fields ...zap.Field) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.byMessage[message]
	if c == nil {
		c = &countedOccurrence{}
		o.byMessage[message] = c
	}
	c.count, c.unit, c.fields = c.count+n, unit, fields
	if now := o.now(); now.Sub(c.loggedAt) >= OccurrencesInterval {
		c.loggedAt = now
		o.writeOccurrence(message, c)
	}
}

// Flush logs what was only counted.
func (o *Occurrences) Flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for message, c := range o.byMessage {
		if c.count > 0 {
			o.writeOccurrence(message, c)
		}
	}
}

func (o *Occurrences) writeOccurrence(message string, c *countedOccurrence) {
	o.log.Warn(message, append([]zap.Field{zap.Int(c.unit, c.count)}, c.fields...)...)
	c.count = 0
}
