package session

// The bounds of a time that is given as a number: from 1973 to 2128 in seconds, to 2262 in nanoseconds. The ranges of the four units do
// not meet, so its magnitude shows the unit.
const (
	earliestMoment = 100_000_000
	latestMoment   = 5_000_000_000
)

// Nanoseconds reads a time since 1970 whose unit (seconds, milliseconds, microseconds or nanoseconds) only its magnitude shows. ok is
// false for a number that is a time of our days in none of them.
func Nanoseconds(n int64) (nanos int64, ok bool) {
	for unit := int64(1_000_000_000); unit > 0; unit /= 1000 {
		from := earliestMoment * (1_000_000_000 / unit)
		if n < from {
			return 0, false
		}
		if unit == 1 || n < latestMoment*(1_000_000_000/unit) {
			return n * unit, true
		}
	}
	return 0, false
}
