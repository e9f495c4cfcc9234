package export

import (
	"errors"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

var errNoTime = errors.New("not a time that ClickHouse writes (YYYY-MM-DD hh:mm:ss[.ffffff], ISO 8601, or seconds since 1970)")

// serverClock reads times as ClickHouse writes them. Those without a zone are local times of the server (or of the setting
// session_timezone), which the export does not name.
type serverClock struct{ local localtime.Clock }

// newServerClock takes nil where no zone is configured.
func newServerClock(zone *time.Location) serverClock { return serverClock{local: localtime.New(zone)} }

// parseTimeMicros reads a time in microseconds since 1970 UTC. before is the time of the row before, 0 if there is none: when
// clocks go back, an hour of local times comes twice, and the earlier reading is taken that does not lie before it.
func (c *serverClock) parseTimeMicros(s string, before int64) (int64, error) {
	if len(s) < 19 || s[4] != '-' || s[7] != '-' {
		return parseEpochMicros(s)
	}
	local, ok := localtime.ParseCivil(s[:19])
	if !ok {
		return 0, errNoTime
	}
	fraction, rest, ok := parseFractionMicros(s[19:])
	if !ok {
		return 0, errNoTime
	}
	switch offset, isOffset := localtime.ParseOffset(rest); {
	case isOffset || rest == "Z":
		return (local-offset)*1e6 + fraction, nil
	case rest != "":
		return 0, errNoTime
	}
	unix, err := c.local.Unix(local, before/1e6)
	return unix*1e6 + fraction, err
}

// parseFractionMicros reads ".ffffff" of any length up to 9 as microseconds, cutting what is finer, and gives what follows it.
func parseFractionMicros(s string) (micros int64, rest string, ok bool) {
	if strings.HasPrefix(s, ",") {
		return 0, s, true // another program's point
	}
	nanos, rest, ok := localtime.ParseFraction(s)
	return nanos / 1000, rest, ok
}

func parseEpochMicros(s string) (int64, error) {
	whole := 0
	for whole < len(s) && s[whole]-'0' <= 9 {
		whole++
	}
	micros, rest, ok := parseFractionMicros(s[whole:])
	if !ok || rest != "" || whole == 0 || whole > 17 {
		return 0, errNoTime
	}
	n, _ := localtime.ParseDigits(s[:whole])
	if whole == len(s) && n >= 1e13 { // as toUnixTimestamp64Micro gives
		return n, nil
	}
	if n >= 1e11 {
		return 0, errNoTime
	}
	return n*1e6 + micros, nil
}
