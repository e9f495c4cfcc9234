package logformattest

import "time"

// zones are those that a target reads local times with: none, one without clock changes, and ones whose clocks change by an
// hour and by half an hour, in both halves of the year.
var zones = []*time.Location{nil, time.UTC, loadZone("Europe/Berlin"), loadZone("Australia/Lord_Howe"), loadZone("America/St_Johns")}

// Zone is one of them for each number.
func Zone(n uint8) *time.Location { return zones[int(n)%len(zones)] }

func loadZone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // a machine without a zone database cannot run these tests
	}
	return zone
}
