package poll

import "time"

const (
	// Everything is compared every so many reconcile intervals, and for no more than one part in so many of the time.
	fullScanEvery = 12
	fullScanShare = 20
)

// scanKind is what one poll scans; a greater one includes the lesser.
type scanKind uint8

const (
	overlapScan scanKind = iota // what may have come late since the poll before
	windowScan                  // all that is accounted for by the minute
	fullScan                    // all days
)

type pollSchedule struct {
	reconcileInterval time.Duration

	windowScanned time.Time // when such scans ended; zero: not since the start
	fullScanned   time.Time
	fullScanTook  time.Duration // by the server, to sum up all days
}

func (s *pollSchedule) nextScan(now time.Time, complete bool) scanKind {
	switch {
	case !complete:
		return fullScan
	case s.windowScanned.IsZero():
		return windowScan
	case s.fullScanned.IsZero() || now.Sub(s.fullScanned) >= max(fullScanEvery*s.reconcileInterval, fullScanShare*s.fullScanTook):
		return fullScan // before the lesser, which is always due where polls are as rare as it
	case now.Sub(s.windowScanned) >= s.reconcileInterval:
		return windowScan
	}
	return overlapScan
}

func (s *pollSchedule) noteSuccess(kind scanKind, now time.Time) {
	if kind >= windowScan {
		s.windowScanned = now
	}
	if kind == fullScan {
		s.fullScanned = now
	}
}
