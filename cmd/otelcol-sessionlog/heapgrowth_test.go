package main

import (
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheHeapGrowsByTheSame(t *testing.T) {
	const mega = 1 << 20
	require.Equal(t, 300, growthPercent(0))
	require.Equal(t, 300, growthPercent(5*mega))
	require.Equal(t, 200, growthPercent(12*mega))
	require.Equal(t, 100, growthPercent(24*mega))
	require.Equal(t, 50, growthPercent(500*mega))
}

// kept is alive.
var kept []byte

func TestGrowthFollowsWhatLives(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	boundHeapGrowth()
	kept = make([]byte, 4*heapGrowth)
	defer func() { kept = nil }()
	require.Eventually(t, func() bool {
		debug.FreeOSMemory() // collects and sweeps
		return readRuntime("/gc/gogc:percent") == 50
	}, 10*time.Second, 10*time.Millisecond)
}

func TestWhatTheUserSetCounts(t *testing.T) {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Run(name, func(t *testing.T) {
			before := debug.SetGCPercent(77)
			defer debug.SetGCPercent(before)
			t.Setenv(name, "1GiB")
			boundHeapGrowth()
			require.Equal(t, 77, debug.SetGCPercent(77))
		})
	}
}

// TestAQuietProgramGivesMemoryBack once, and again after it has been busy.
func TestAQuietProgramGivesMemoryBack(t *testing.T) {
	const quiet, busy = 200 * time.Millisecond, 64 << 20
	releaseWhileQuiet(quiet)
	for range 2 {
		kept = make([]byte, busy)
		kept = nil
		grown := residentHeap()
		require.Greater(t, grown, uint64(busy))
		require.Eventually(t, func() bool { return residentHeap() < grown-busy/2 }, 10*time.Second, quiet/10)
	}
	time.Sleep(2 * quiet)
	forced := readRuntime("/gc/cycles/forced:gc-cycles")
	time.Sleep(2 * quiet)
	require.Equal(t, forced, readRuntime("/gc/cycles/forced:gc-cycles"), "there is nothing more to give back")
}

func residentHeap() uint64 {
	return readRuntime("/memory/classes/heap/free:bytes") + readRuntime("/memory/classes/heap/objects:bytes") + readRuntime("/memory/classes/heap/unused:bytes")
}
