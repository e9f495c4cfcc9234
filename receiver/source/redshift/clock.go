package redshift

import (
	"errors"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
)

var errTime = errors.New("the server sent a time that is not of the form 2026-01-31 23:59:59.123456")

// clock reads times as both servers write them, in UTC: "2026-01-31 23:59:59.12", perhaps with "+00" behind. Rows come in
// the order of time, so the day is reckoned once a day.
type clock struct {
	date   [10]byte
	micros int64 // of that date
}

// micros since 1970 of a text.
func (c *clock) read(b []byte) (int64, error) {
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
		c.micros = day.UnixMicro()
	}
	h, ok1 := digits(b[11:13])
	m, ok2 := digits(b[14:16])
	s, ok3 := digits(b[17:19])
	f, ok4 := fraction(b[19:])
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return 0, errTime
	}
	return c.micros + (h*60+m)*poll.Minute + s*poll.Second + f, nil
}

func digits(b []byte) (n int64, ok bool) {
	for _, d := range b {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = n*10 + int64(d-'0')
	}
	return n, len(b) > 0
}

// fraction is that of a second, in microseconds: nothing, or a dot and up to six digits.
func fraction(b []byte) (int64, bool) {
	if len(b) == 0 {
		return 0, true
	}
	n, ok := digits(b[1:])
	for range 7 - len(b) {
		n *= 10
	}
	return n, ok && b[0] == '.'
}

// The times that are asked for. Neither has a log rows outside of them, and within them every year has four digits.
var (
	firstTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	lastTime  = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1
)

// timestamp is a literal.
func timestamp(micros int64) string {
	micros = min(max(micros, firstTime), lastTime)
	return "TIMESTAMP '" + time.UnixMicro(micros).UTC().Format("2006-01-02 15:04:05.000000") + "'"
}
