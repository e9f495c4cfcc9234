package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// heapGrowth is by how much the heap may grow before what is dead in it is collected. Go's default is by as much as lives. That is little where
// little lives, and each collection has a part that does not depend on it; and it is much where much is under way to a table.
const heapGrowth = 24 << 20

// boundHeapGrowth applies heapGrowth unless the user has decided.
func boundHeapGrowth() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		adjustAfterCollection(new(int))
	}
}

// adjustAfterCollection is called anew after each collection, which finds sentinel unreachable.
func adjustAfterCollection(percent *int) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if next := growthPercent(live[0].Value.Uint64()); next != *percent {
		*percent = next
		debug.SetGCPercent(next)
	}
	sentinel := new([16]byte) // too large to share its memory with others
	runtime.AddCleanup(sentinel, adjustAfterCollection, percent)
}

// growthPercent is GOGC, in steps of ten, since setting it stops the program for a moment. No more than 300, since what lives may have grown
// before it is set anew; no less than 50, or collecting would be all that is done.
func growthPercent(live uint64) int {
	const least, most = 50, 300
	return int(max(least, min(most, heapGrowth*10/max(live, 1)*10)))
}
