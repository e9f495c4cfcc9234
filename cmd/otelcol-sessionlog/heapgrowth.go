package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// heapGrowth is by how much the heap may grow before what is dead in it is collected. Go's default is by as much as lives. That is little where
// little lives, and each collection has a part that does not depend on it; and it is much where much is under way to a table.
const heapGrowth = 24 << 20

const (
	// quietTime with fewer than quietBytes allocated is after a start, or after the last events: what the heap has grown by goes back to the
	// system, once it can be as much as grownBytes, and with it the binary's pages. Go itself keeps it for the next events.
	quietTime  = 10 * time.Second
	quietBytes = 2 << 20
	grownBytes = 8 << 20
)

// startTime is when the start is over: what of the binary only it needed goes at once, also where a backlog leaves no quiet.
const startTime = 3 * time.Second

func boundHeapGrowth() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		adjustAfterCollection(new(int))
	}
	time.AfterFunc(startTime, unmapBinary)
	releaseWhileQuiet(quietTime)
}

// adjustAfterCollection is called anew after each collection, which finds sentinel unreachable.
func adjustAfterCollection(percent *int) {
	live := readRuntime("/gc/heap/live:bytes")
	if next := growthPercent(live); next != *percent {
		*percent = next
		debug.SetGCPercent(next)
	}
	sentinel := new([16]byte) // too large to share its memory with others
	runtime.AddCleanup(sentinel, adjustAfterCollection, percent)
}

func growthPercent(live uint64) int {
	// Steps of ten, since setting GOGC stops the program for a moment. At most 300, since what lives may have grown before it is set anew; at
	// least 50, or collecting would be all that is done.
	const least, most = 50, 300
	return int(max(least, min(most, heapGrowth*10/max(live, 1)*10)))
}

func releaseWhileQuiet(quiet time.Duration) { releaseIfQuiet(quiet, allocatedBytes(), 0) }

// releaseIfQuiet looks after quiet, and goes on. Before is what was allocated until now, and released what was when memory was last given back.
func releaseIfQuiet(quiet time.Duration, before, released uint64) {
	time.AfterFunc(quiet, func() {
		now := allocatedBytes()
		if now-before < quietBytes && now-released >= grownBytes {
			released = now
			debug.FreeOSMemory()
			unmapBinary()
		}
		releaseIfQuiet(quiet, now, released)
	})
}

func allocatedBytes() uint64 { return readRuntime("/gc/heap/allocs:bytes") }

func readRuntime(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
