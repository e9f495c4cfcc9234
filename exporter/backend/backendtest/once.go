package backendtest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

func sameBatchTwice(t *testing.T, h Harness) {
	s := h.New(t)
	b := openBackend(t, s)
	all := typicalEvents(0, 500)
	require.Equal(t, backend.Result{Written: 500}, writeEvents(t, b, all...))
	require.Equal(t, backend.Result{Duplicates: 500}, writeEvents(t, b, all...))
	twice := typicalEvents(500, 510)
	require.Equal(t, backend.Result{Written: 10, Duplicates: 10}, writeEvents(t, b, append(twice, twice...)...), "within one batch")
	requireEvents(t, s, typicalEvents(0, 510)...)
	require.Equal(t, [][]string{{"510"}}, s.Query(t, "SELECT count(*) FROM session_log").Cells, "each record once in the view, at once")
}

func testRegrouped(t *testing.T, h Harness) {
	s := h.New(t)
	b := openBackend(t, s)
	all := typicalEvents(0, 60) // the groups overlap at other borders each time
	for _, size := range []int{7, 40, 60} {
		for group := range slices.Chunk(all, size) {
			res := writeEvents(t, b, group...)
			require.Equal(t, len(group), res.Written+res.Duplicates)
		}
		slices.Reverse(all)
	}
	requireEvents(t, s, all...)
}

func forgedVersion(t *testing.T, h Harness) {
	s := h.New(t)
	b := openBackend(t, s)
	truth := sessiontest.Full()
	forgery := sessiontest.Full()
	forgery.Outcome, forgery.User = session.OutcomeSuccess, "somebody else"
	writeEvents(t, b, truth)
	require.Equal(t, backend.Result{Conflicts: 1}, writeEvents(t, b, forgery))
	require.Equal(t, backend.Result{Conflicts: 1, Duplicates: 1}, writeEvents(t, b, forgery, truth), "again, beside the truth")
	requireEvents(t, s, truth)
	require.Equal(t, [][]string{{"somebody else"}}, s.Query(t, "SELECT user_name FROM session_conflicts").Cells, "kept aside, once")

	versions := 1
	for _, change := range []func(*session.Event){
		func(e *session.Event) { e.User = "yet another" },
		func(e *session.Event) { e.Time++ },
		func(e *session.Event) { e.SourceEvent = "" },
		func(e *session.Event) { e.Roles = e.Roles[:1] },
		func(e *session.Event) { e.Extra[0].Value = "9000" },
		func(e *session.Event) { e.Extra[0].Type = session.AttrInt },
		func(e *session.Event) { e.Extra = append(e.Extra, session.Attr{Key: "one", Value: "more"}) },
	} {
		change(forgery)
		require.Equal(t, backend.Result{Conflicts: 1}, writeEvents(t, b, forgery))
		versions++
		require.Equal(t, [][]string{{formatInt(int64(versions))}}, s.Query(t, "SELECT count(*) FROM session_conflicts").Cells, "each version")
	}
	requireEvents(t, s, truth)
}

// forgeriesAmongNewOnes: a batch holds new records, versions of known ones, and two versions of one new record, of which the first counts.
func forgeriesAmongNewOnes(t *testing.T, h Harness) {
	s := h.New(t)
	b := openBackend(t, s)
	known := typicalEvents(0, 10)
	writeEvents(t, b, known...)
	fresh, forged := typicalEvents(10, 30), typicalEvents(3, 6)
	for _, e := range forged {
		e.User = "forged"
	}
	second := typicalEvents(20, 21)
	second[0].User = "a second version"
	batch := slices.Concat(fresh[:5], forged, fresh[5:], second, known[8:])
	require.Equal(t, backend.Result{Written: 20, Duplicates: 2, Conflicts: 4}, writeEvents(t, b, batch...))
	require.Equal(t, backend.Result{Duplicates: 22, Conflicts: 4}, writeEvents(t, b, batch...))
	requireEvents(t, s, typicalEvents(0, 30)...)
	require.Equal(t, [][]string{{"a second version", "1"}, {"forged", "3"}},
		s.Query(t, "SELECT user_name, count(*) FROM session_conflicts GROUP BY user_name ORDER BY user_name").Cells, "each version once")
}

// otherReading: the same event read again, at another time and with its trace found meanwhile.
func otherReading(t *testing.T, h Harness) {
	s := h.New(t)
	b := openBackend(t, s)
	first := sessiontest.Full()
	second := sessiontest.Full()
	second.Observed++
	second.TraceID, second.SpanID, second.Correlation = [16]byte{1}, [8]byte{2}, "query_log"
	slices.Reverse(second.Extra)
	writeEvents(t, b, first)
	require.Equal(t, backend.Result{Duplicates: 1}, writeEvents(t, b, second))
	requireEvents(t, s, first)
}

// viewsOfRedshift: an event that both views and the audit log have is one record, whichever was first, and no conflict. A second
// version that comes either way is one.
func viewsOfRedshift(t *testing.T, h Harness) {
	s := h.New(t)
	b := openBackend(t, s)
	for n, first := range waysToRedshift {
		from, to := 40*n, 40*n+40
		require.Equal(t, backend.Result{Written: 40}, writeEvents(t, b, eventsByWay(first, from, to)...))
		for _, way := range waysToRedshift {
			require.Equal(t, backend.Result{Duplicates: 40}, writeEvents(t, b, eventsByWay(way, from, to)...))
		}
	}
	together := slices.Concat(eventsByWay(waysToRedshift[0], 120, 160), eventsByWay(waysToRedshift[1], 120, 160), eventsByWay(waysToRedshift[2], 120, 160))
	require.Equal(t, backend.Result{Written: 40, Duplicates: 80}, writeEvents(t, b, together...), "within one batch")
	stored := slices.Concat(eventsByWay(waysToRedshift[0], 0, 40), eventsByWay(waysToRedshift[1], 40, 80), eventsByWay(waysToRedshift[2], 80, 120), eventsByWay(waysToRedshift[0], 120, 160))
	requireEvents(t, s, stored...)
	require.Equal(t, [][]string{{"0"}}, s.Query(t, "SELECT count(*) FROM session_conflicts").Cells)

	forgeries := []func(*session.Event){
		func(e *session.Event) { e.User = "somebody else" },
		func(e *session.Event) { e.ClientAddress = "192.0.2.99" },
		func(e *session.Event) { e.Outcome = session.OutcomeUnknown },
		func(e *session.Event) { e.AuthMethod = session.AuthIAM },
		func(e *session.Event) { e.Database = "another" },
		func(e *session.Event) { e.PID++ },
		func(e *session.Event) { e.ClientPort++ },
		func(e *session.Event) { e.Time += 1_000_000 },
	}
	for _, way := range waysToRedshift {
		again := eventsByWay(way, 0, 40)
		for i, forge := range forgeries {
			forge(again[i])
		}
		for range 2 {
			require.Equal(t, backend.Result{Duplicates: 40 - len(forgeries), Conflicts: len(forgeries)}, writeEvents(t, b, again...))
		}
	}
	require.Equal(t, [][]string{{formatInt(int64(len(forgeries)))}}, s.Query(t, "SELECT count(*) FROM session_conflicts").Cells,
		"each version once, whichever way it came")
	requireEvents(t, s, stored...)
}

// waysToRedshift add what only STL_CONNECTION_LOG, only SYS_CONNECTION_LOG and only a line of the audit log has.
var waysToRedshift = []func(*session.Event){
	func(e *session.Event) {
		e.Time += 456_000
		e.Extra = append(e.Extra, session.Attr{Key: session.SourceField + "compression", Value: "lz4"})
	},
	func(e *session.Event) {
		e.Time += 456_000
		e.SessionID, e.SessionKey, e.OS, e.Driver, e.Plugin, e.ApplicationName = "guid", session.ID{1, 6: 0x80, 8: 0x80}, "Linux", "JDBC", "none", "psql"
		e.Extra = append(e.Extra, session.Attr{Key: session.SourceField + "protocol_version", Value: "2", Type: session.AttrInt})
	},
	func(e *session.Event) {
		e.Host, e.OS, e.Driver, e.Original = "cluster", "JDBC", "Linux", "the|line"
		e.Extra = append(e.Extra, session.Attr{Key: "cloud.region", Value: "eu-west-1"})
	},
}

// eventsByWay are the events of these numbers as one way to Redshift has them.
func eventsByWay(way func(*session.Event), from, to int) []*session.Event {
	all := typicalEvents(from, to)
	for _, e := range all {
		e.System, e.Host, e.SessionID, e.PID, e.Database, e.Time = session.SystemRedshift, "", "", 4711, "dev", e.Time/1_000_000*1_000_000
		e.Extra = append(e.Extra, session.Attr{Key: session.SourceField + "mtu", Value: "1500", Type: session.AttrInt})
		way(e)
	}
	return all
}

// hashOfStoredRow: whoever reads a row can tell whether it is what was written.
func hashOfStoredRow(t *testing.T, h Harness) {
	s := h.New(t)
	b := openBackend(t, s)
	redshift := eventsByWay(waysToRedshift[2], 0, 1)
	writeEvents(t, b, append(redshift, sessiontest.Full())...)
	hash := "lower(hex(content_hash))"
	if h.Dialect == PostgreSQL {
		hash = "encode(content_hash, 'hex')"
	}
	var want []string
	for _, e := range s.Events(t) {
		var hasher session.Hasher
		want = append(want, fmt.Sprintf("%x", e.ContentHash(&hasher)))
	}
	var got []string
	for _, row := range s.Query(t, "SELECT "+hash+" FROM session_events").Cells {
		got = append(got, row[0])
	}
	require.Len(t, got, 2)
	require.ElementsMatch(t, want, got)
}

// poisonRecords are refused by name and take no neighbour along.
func poisonRecords(t *testing.T, h Harness) {
	s := h.New(t)
	b := openBackend(t, s)
	all := typicalEvents(0, 5)
	all[1].RecordID = session.ID{}
	all[3].Kind = session.KindUnknown
	res := writeEvents(t, b, all...)
	require.Equal(t, 3, res.Written)
	require.Len(t, res.Rejected, 2)
	require.Equal(t, 1, res.Rejected[0].Index)
	require.Contains(t, res.Rejected[0].Reason, "id")
	require.Equal(t, 3, res.Rejected[1].Index)
	require.Contains(t, res.Rejected[1].Reason, "kind")
	requireEvents(t, s, all[0], all[2], all[4])
}

// concurrentWriters write overlapping batches: each event counts as written once, whoever was first.
func concurrentWriters(t *testing.T, h Harness) {
	const writers, each, step = 6, 100, 25 // half of a batch: what two neighbours write at a time overlaps
	s := h.New(t)
	b := openBackend(t, s)
	var all [][]*session.Event
	for w := range writers {
		all = append(all, typicalEvents(w*step, w*step+each))
	}
	total := writeAtOnce(t, b, all)
	distinct := (writers-1)*step + each
	require.Equal(t, backend.Result{Written: distinct, Duplicates: writers*each - distinct}, total)
	requireEvents(t, s, typicalEvents(0, distinct)...)
}

// writeAtOnce has each of several writers write its events in batches, at the same time, and sums up what became of them.
func writeAtOnce(t *testing.T, b backend.Backend, eventsOfWriters [][]*session.Event) (total backend.Result) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w, events := range eventsOfWriters {
		wg.Go(func() {
			for group := range slices.Chunk(events, 50) {
				res, err := b.Write(t.Context(), reusedEvents(group))
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
				mu.Lock()
				total.Written += res.Written
				total.Duplicates += res.Duplicates
				total.Conflicts += res.Conflicts
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return total
}

// concurrentVersions: writers disagree about the same new ids at the same time. One version of each is stored, and each other one is kept
// aside once.
func concurrentVersions(t *testing.T, h Harness) {
	const writers, records = 4, 100
	s := h.New(t)
	b := openBackend(t, s)
	var all [][]*session.Event
	for w := range writers {
		version := typicalEvents(0, records)
		for _, e := range version {
			e.User = fmt.Sprint("version ", w)
		}
		if w%2 == 1 {
			slices.Reverse(version)
		}
		all = append(all, version)
	}
	total := writeAtOnce(t, b, all)
	require.Equal(t, backend.Result{Written: records, Conflicts: (writers - 1) * records}, total)
	require.Len(t, s.Events(t), records)
	require.Equal(t, [][]string{{formatInt(int64((writers - 1) * records))}}, s.Query(t, "SELECT count(*) FROM session_conflicts").Cells)
	require.Equal(t, [][]string{{formatInt(int64(writers * records))}},
		s.Query(t, "SELECT count(*) FROM (SELECT DISTINCT record_id, user_name FROM (SELECT record_id, user_name FROM session_events UNION ALL SELECT record_id, user_name FROM session_conflicts) v) d").Cells)
}
