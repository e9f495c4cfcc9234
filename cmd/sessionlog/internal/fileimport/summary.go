package fileimport

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/otel-sessionlog/sessionlog/cmd/sessionlog/internal/printing"
	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

// importSummary is what became of everything that was read.
type importSummary struct {
	mu       sync.Mutex
	result   backend.Result // sums, without Rejected
	refused  map[string]*refusedCount
	bytes    int64
	skipped  int64
	events   int64
	duration time.Duration
}

// refusedCount is how many records or rows had one reason not to be written.
type refusedCount struct {
	kind   string // what it were: rows that cannot be read, records that the store refuses
	reason string
	place  string // of the first one
	count  int64
}

// mostReasons bounds the reasons that are listed.
const mostReasons = 1000

func newImportSummary() *importSummary {
	return &importSummary{refused: map[string]*refusedCount{}}
}

func (s *importSummary) countWritten(r backend.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.result.Written += r.Written
	s.result.Duplicates += r.Duplicates
	s.result.Conflicts += r.Conflicts
	s.result.Expired += r.Expired
	s.result.LeftOut += r.LeftOut
	for _, rejection := range r.Rejected {
		s.addRefusal("record in the dead letter", rejection.Reason, "", 1)
	}
}

func (s *importSummary) countBad(rows int, place string, reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addRefusal("row not read", reason.Error(), place, int64(rows))
}

func (s *importSummary) addRefusal(kind, reason, place string, count int64) {
	key := kind + "\x00" + reason
	if s.refused[key] == nil && len(s.refused) >= mostReasons {
		key, reason, place = kind, "further reasons", ""
	}
	if s.refused[key] == nil {
		s.refused[key] = &refusedCount{kind: kind, reason: reason, place: place}
	}
	s.refused[key].count += count
}

func (s *importSummary) takeProgress(p *importProgress) {
	s.bytes, s.skipped, s.events, s.duration = p.read.Load(), p.skipped.Load(), p.events.Load(), time.Since(p.begun)
}

// Answer is what became of the files; nil before the import has begun.
func (i *FileImport) Answer() *printing.Answer {
	s := i.summary
	if s.duration == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rate := int64(float64(s.events) / max(s.duration.Seconds(), 0.001))
	a := &printing.Answer{Listings: []printing.Listing{s.refusalListing()}}
	a.Facts = []printing.NamedValue{
		{Name: "bytes", Value: s.bytes},
		{Name: "bytes_of_runs_before", Value: s.skipped},
		{Name: "seconds", Value: s.duration.Seconds()},
		{Name: "events", Title: "Events", Value: s.events},
		{Name: "written", Title: "Written", Value: int64(s.result.Written)},
		{Name: "duplicates", Title: "There before", Value: int64(s.result.Duplicates)},
		{Name: "conflicts", Title: "Other content", Value: nonZero(s.result.Conflicts)},
		{Name: "expired", Title: "Older than ttl", Value: nonZero(s.result.Expired)},
		{Name: "left_out", Title: "Left out", Value: nonZero(s.result.LeftOut)},
	}
	a.Notes = append(a.Notes, fmt.Sprintf("Read %s in %s, %s events a second.", formatMegabytes(s.bytes), s.duration.Round(time.Millisecond), groupDigits(rate)))
	if s.result.Conflicts > 0 {
		a.Notes = append(a.Notes, "Records with a known id and other content are kept aside in the store: the first version counts, and one of the two may be forged.")
	}
	if s.result.Expired > 0 {
		a.Notes = append(a.Notes, "Records older than the exporter's ttl were left out: a longer ttl would keep them.")
	}
	return a
}

func (s *importSummary) refusalListing() printing.Listing {
	refusals := slices.SortedFunc(maps.Values(s.refused), func(a, b *refusedCount) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.kind+a.reason, b.kind+b.reason))
	})
	columns := []string{"count", "what", "reason", "first"}
	return printing.Listing{Name: "refused", Title: "Refused", Columns: columns, AllColumns: columns, Count: len(refusals), DropEmpty: true, Value: func(row int, column string) any {
		r := refusals[row]
		switch column {
		case "count":
			return r.count
		case "what":
			return r.kind
		case "reason":
			return r.reason
		}
		return printing.TextOrNil(r.place)
	}}
}

// nonZero is absent for people where there are none.
func nonZero(n int) any {
	if n == 0 {
		return nil
	}
	return int64(n)
}
