package loginmetrics

import "slices"

// DurationBounds are the upper bounds of [SessionDurationMetric]'s buckets, in seconds: from a query's connection to a week.
var DurationBounds = []float64{.01, .1, 1, 10, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600}

const bucketCount = 12 // len(DurationBounds)+1

type durationHistogram struct {
	buckets [bucketCount]uint64
	count   uint64
	sum     float64 // seconds
}

func (h *durationHistogram) observeDuration(nanoseconds int64) {
	seconds := float64(nanoseconds) / 1e9
	i, _ := slices.BinarySearch(DurationBounds, seconds) // a bucket includes its upper bound
	h.buckets[i]++
	h.count++
	h.sum += seconds
}
