package poll

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Where polls are as rare as reconcile_interval the window is due at each of them, and everything must have its turn all the same.
func TestEverythingIsScannedHoweverRarePollsAre(t *testing.T) {
	s := pollSchedule{reconcileInterval: time.Minute}
	var scans []scanKind
	for now, n := time.Unix(1, 0), 0; n < 2+fullScanEvery; n++ {
		kind := s.nextScan(now, true)
		s.noteSuccess(kind, now)
		scans, now = append(scans, kind), now.Add(s.reconcileInterval)
	}
	require.Equal(t, []scanKind{windowScan, fullScan}, scans[:2], "after a start the young minutes are first")
	require.Equal(t, fullScan, scans[1+fullScanEvery])
	require.NotContains(t, scans[2:1+fullScanEvery], fullScan)
}
