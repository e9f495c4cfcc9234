package input

import (
	"cmp"
	"regexp"
	"slices"
	"time"
)

// value writes what stands in one place of a row.
type value func(to []byte, of *session, at time.Time) []byte

// place is where a recorded row has a value of its session: what the pattern's only group matches, each time that it does.
type place struct {
	pattern *regexp.Regexp
	value   value
}

// piece is a text that stays as it was recorded, and the value behind it (nil at the end of a row).
type piece struct {
	text  string
	value value
}

// cutRow cuts a recorded row at all places.
func cutRow(row string, places []place) []piece {
	type found struct {
		begin, end int
		value      value
	}
	var all []found
	for _, p := range places {
		for _, m := range p.pattern.FindAllStringSubmatchIndex(row, -1) {
			all = append(all, found{m[2], m[3], p.value})
		}
	}
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.begin, b.begin) })
	var pieces []piece
	at := 0
	for _, f := range all {
		pieces = append(pieces, piece{row[at:f.begin], f.value})
		at = f.end
	}
	return append(pieces, piece{text: row[at:] + "\n"})
}
