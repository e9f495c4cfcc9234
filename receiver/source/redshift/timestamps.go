package redshift

import (
	"errors"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
)

var errTime = errors.New("the server sent a time that is not of the form 2026-01-31 23:59:59.123456")

// timestampParser reads times in UTC such as "2026-01-31 23:59:59.12", "+00" may follow. Rows come in the order of time, so the last
// date is kept.
type timestampParser struct {
	date       [10]byte
	dateMicros int64 // of that date
}

// parseTimestamp returns microseconds since 1970.
func (c *timestampParser) parseTimestamp(b []byte) (int64, error) {
	if n := len(b); n > 3 && string(b[n-3:]) == "+00" {
		b = b[:n-3]
	}
	if len(b) < 19 || len(b) > 26 || b[10] != ' ' || b[13] != ':' || b[16] != ':' {
		return 0, errTime
	}
	if string(b[:10]) != string(c.date[:]) {
		day, err := time.Parse(time.DateOnly, string(b[:10]))
		if err != nil {
			return 0, errTime
		}
		copy(c.date[:], b)
		c.dateMicros = day.UnixMicro()
	}
	h, ok1 := parseDigits(b[11:13])
	m, ok2 := parseDigits(b[14:16])
	s, ok3 := parseDigits(b[17:19])
	f, ok4 := parseFraction(b[19:])
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return 0, errTime
	}
	return c.dateMicros + (h*60+m)*poll.MinuteMicros + s*poll.SecondMicros + f, nil
}

func parseDigits(b []byte) (n int64, ok bool) {
	for _, d := range b {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = n*10 + int64(d-'0')
	}
	return n, len(b) > 0
}

func parseFraction(b []byte) (int64, bool) {
	if len(b) == 0 {
		return 0, true
	}
	n, ok := parseDigits(b[1:])
	for range 7 - len(b) {
		n *= 10
	}
	return n, ok && b[0] == '.'
}

// The times of queries. Within them every year has four digits.
var (
	earliestTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	latestTime   = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1
)

func timestampLiteral(micros int64) string {
	micros = min(max(micros, earliestTime), latestTime)
	return "TIMESTAMP '" + time.UnixMicro(micros).UTC().Format("2006-01-02 15:04:05.000000") + "'"
}
