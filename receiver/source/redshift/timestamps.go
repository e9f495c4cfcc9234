package redshift

import (
	"bytes"
	"errors"
	"time"
)

var errTime = errors.New("the server sent a time that is not of the form 2026-01-31 23:59:59.123456")

// parseTimestamp reads a time in UTC such as "2026-01-31 23:59:59.12", "+00" may follow, as microseconds since 1970.
func parseTimestamp(b []byte) (int64, error) {
	at, err := time.Parse(time.DateTime, string(bytes.TrimSuffix(b, []byte("+00"))))
	if err != nil {
		return 0, errTime
	}
	return at.UnixMicro(), nil
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
