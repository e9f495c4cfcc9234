package loginmetrics

import "slices"

// Bounds are the upper bounds of [SessionDuration]'s buckets, in seconds: from a query's connection to a week.
var Bounds = []float64{.01, .1, 1, 10, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600}

const buckets = 12 // one more than bounds

// histogram counts durations: all, those in the metrics made last, and those delivered.
type histogram struct{ total, told, sent amounts }

type amounts struct {
	buckets [buckets]uint64
	count   uint64
	sum     float64 // seconds
}

func (h *histogram) add(nanoseconds int64) {
	seconds := float64(nanoseconds) / 1e9
	i, _ := slices.BinarySearch(Bounds, seconds) // a bucket includes its upper bound
	h.total.buckets[i]++
	h.total.count++
	h.total.sum += seconds
}

func (a amounts) minus(b amounts) amounts {
	for i := range a.buckets {
		a.buckets[i] -= b.buckets[i]
	}
	a.count -= b.count
	a.sum -= b.sum
	return a
}
