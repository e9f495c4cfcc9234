package seal

import (
	"fmt"
	"time"
)

// Loss is what somebody who has the key acknowledges to be lost: heads of a log that were kept elsewhere, and that the table does not have.
type Loss struct {
	Log      string
	From, To uint64 // pages of the heads
	Until    time.Time
	Heads    int
}

// Line is the loss in a statement.
func (l Loss) Line() string {
	return fmt.Sprintf("%s %d %d %s %d", l.Log, l.From, l.To, l.Until.UTC().Format(time.RFC3339), l.Heads)
}

// ParseLoss reads what Line has written.
func ParseLoss(line string) (l Loss, ok bool) {
	var until string
	if _, err := fmt.Sscanf(line, "%s %d %d %s %d", &l.Log, &l.From, &l.To, &until, &l.Heads); err != nil {
		return l, false
	}
	var err error
	l.Until, err = time.Parse(time.RFC3339, until)
	return l, err == nil
}

// Add takes up one more head.
func (l *Loss) Add(size uint64, signed time.Time) {
	if l.Heads == 0 || size < l.From {
		l.From = size
	}
	l.To = max(l.To, size)
	if signed.After(l.Until) {
		l.Until = signed
	}
	l.Heads++
}

// Has reports whether a head is among what was lost.
func (l Loss) Has(log string, size uint64, signed time.Time) bool {
	return log == l.Log && l.From <= size && size <= l.To && !signed.After(l.Until)
}
