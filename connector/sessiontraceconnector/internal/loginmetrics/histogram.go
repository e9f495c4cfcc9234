package loginmetrics

import "slices"

// DurationBounds are the upper bounds of [SessionDurationMetric]'s buckets, in seconds: from a query's connection to a week.
var DurationBounds = []float64{.01, .1, 1, 10, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600}

const bucketCount = 12 // len(Bounds)+1

// durationHistogram has the counts of now, those of the last Build, and those delivered.
type durationHistogram struct{ current, inLastBuild, sent histogramCounts }

type histogramCounts struct {
	buckets [bucketCount]uint64
	count   uint64
	sum     float64 // seconds
}

func (h *durationHistogram) observeDuration(nanoseconds int64) {
	seconds := float64(nanoseconds) / 1e9
	i, _ := slices.BinarySearch(DurationBounds, seconds) // a bucket includes its upper bound
	h.current.buckets[i]++
	h.current.count++
	h.current.sum += seconds
}

func (a histogramCounts) subtractCounts(b histogramCounts) histogramCounts {
	for i := range a.buckets {
		a.buckets[i] -= b.buckets[i]
	}
	a.count -= b.count
	a.sum -= b.sum
	return a
}
