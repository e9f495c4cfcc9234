package backendtest

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// questionedEvents is how many events the questions are about.
const questionedEvents = 3_000

// questions asks everything that package query asks, with filters of every kind, and holds the answers against a loop over the same events.
func questions(t *testing.T, h Harness) {
	storage := h.New(t)
	b := openBackend(t, storage)
	events := variedEvents()
	for chunk := range slices.Chunk(events, 2000) {
		pointers := make([]*session.Event, len(chunk))
		for i := range chunk {
			pointers[i] = &chunk[i]
		}
		result, err := b.Write(t.Context(), reusedEvents(pointers))
		require.NoError(t, err)
		require.Equal(t, len(chunk), result.Written)
	}
	store := storage.Ask(t)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	for i, text := range questionedFilters(events) {
		turn := i
		if asksFewOf(h.Dialect) {
			if i%8 != 0 {
				continue
			}
			turn = i / 8
		}
		t.Run(text, func(t *testing.T) {
			values, err := url.ParseQuery(text)
			require.NoError(t, err)
			f, err := query.ParseFilter(values, time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC), time.UTC)
			require.NoError(t, err)
			q := filterCheck{turn, store, f, slices.DeleteFunc(slices.Clone(events), func(e session.Event) bool { return !matchesFilter(f, &e) })}
			q.pages(t)
			counts := []func(*testing.T){q.histogram, q.groups, q.facets}
			counts[turn%len(counts)](t)
		})
	}
	t.Run("Extent", func(t *testing.T) {
		at := func(a, b session.Event) int { return cmp.Compare(a.Time, b.Time) }
		oldest, newest, found, err := store.Extent(t.Context())
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, slices.MinFunc(events, at).Time, oldest)
		require.Equal(t, slices.MaxFunc(events, at).Time, newest)
	})
	t.Run("Session", func(t *testing.T) {
		key := events[0].SessionKey
		want := slices.DeleteFunc(slices.Clone(events), func(e session.Event) bool { return e.SessionKey != key })
		slices.SortFunc(want, byPosition)
		got, covered, err := query.Session(t.Context(), store, key, query.Limits{})
		require.NoError(t, err)
		require.True(t, covered.Complete)
		require.Greater(t, len(want), 1)
		requireSameEvents(t, want, got)
		for _, at := range []int64{want[0].Time, want[len(want)-1].Time, want[0].Time - (1000 * time.Hour).Nanoseconds()} {
			got, covered, err = query.SessionAround(t.Context(), store, key, time.Unix(0, at), query.Limits{})
			require.NoError(t, err)
			require.True(t, covered.Complete)
			requireSameEvents(t, want, got)
		}
	})
	t.Run("TimeIsUp", func(t *testing.T) {
		for name, do := range interruptions(h.Dialect, store, events) {
			t.Run(name, do)
			bars, covered, err := query.Histogram(t.Context(), store, query.Filter{}, time.Hour, query.Limits{}) // the store is as before
			require.NoError(t, err)
			require.True(t, covered.Complete)
			require.Equal(t, int64(len(events)), countOf(bars))
		}
		bars, covered, err := query.Histogram(t.Context(), store, query.Filter{}, time.Hour, query.Limits{Time: time.Nanosecond})
		require.NoError(t, err)
		require.False(t, covered.Complete)
		require.Equal(t, eventsSince(events, covered.From), countOf(bars))
		require.Less(t, countOf(bars), int64(len(events)))
	})
	t.Run("BytesOfPage", func(t *testing.T) {
		const longName = 1 << 20 // of one event
		sorted := slices.Clone(events)
		slices.SortFunc(sorted, byPosition)
		slices.Reverse(sorted)
		long := slices.IndexFunc(sorted, func(e session.Event) bool { return len(e.ClientAddress) > longName })
		page, _, err := query.Events(t.Context(), store, query.Filter{}, nil, questionedEvents, query.Limits{Bytes: 1})
		require.NoError(t, err)
		require.Len(t, page, 1)
		after := query.PositionOf(&sorted[max(0, long-3)])
		page, covered, err := query.Events(t.Context(), store, query.Filter{}, &after, questionedEvents, query.Limits{Bytes: longName})
		require.NoError(t, err)
		require.True(t, covered.Full && !covered.Complete)
		requireSameEvents(t, sorted[max(0, long-3)+1:long+1], page)
		require.Equal(t, sorted[long].Time, covered.From.UnixNano())
		after = query.PositionOf(&page[len(page)-1])
		page, covered, err = query.Events(t.Context(), store, query.Filter{}, &after, questionedEvents, query.Limits{})
		require.NoError(t, err)
		require.True(t, covered.Complete && !covered.Full)
		requireSameEvents(t, sorted[long+1:], page)
	})
	t.Run("LongNames", func(t *testing.T) { pageOfLongNames(t, b, store) })
}

// pageOfLongNames reads a page of events of 1 MiB: what is held of them at a time is not much more than the page may have.
func pageOfLongNames(t *testing.T, b backend.Backend, store query.Store) {
	const count, pageBytes, mostHeld = 64, 4 << 20, 72 << 20
	begin := time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC)
	var h session.Hasher
	long := make([]*session.Event, count)
	for i := range long {
		e := &session.Event{}
		sessiontest.Typical(e, questionedEvents+i)
		e.Time, e.UserAgent = begin.Add(time.Duration(i)*time.Second).UnixNano(), strings.Repeat(string(rune('a'+i%26)), 1<<20)
		e.RecordID = h.Start("long names", e.System, e.Instance).Int(int64(i)).RecordID(e.Time)
		long[i] = e
	}
	writeEvents(t, b, long...)
	held := heapOf(func() {
		page, covered, err := query.Events(t.Context(), store, query.Filter{From: begin, Until: begin.Add(time.Hour)}, nil, 1000, query.Limits{Bytes: pageBytes})
		require.NoError(t, err)
		require.True(t, covered.Full)
		require.Equal(t, pageBytes>>20, len(page))
	})
	t.Logf("%d MiB held", held>>20)
	require.Less(t, held, uint64(mostHeld))
}

// heapOf is by how much the heap grows while something is done, with little garbage in it.
func heapOf(do func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	runtime.GC()
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, done, most := heap(), make(chan struct{}), make(chan uint64)
	go func() {
		for peak := uint64(0); ; time.Sleep(time.Millisecond) {
			peak = max(peak, heap())
			select {
			case <-done:
				most <- peak
				return
			default:
			}
		}
	}()
	do()
	close(done)
	return max(before, <-most) - before
}

// variedEvents have every kind of value that a filter can ask for: absent, empty and hostile texts, numbers, ids with and without a time, lists.
func variedEvents() []session.Event {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same events in every run
	users := []string{"alice", "alina", "al*", "bob", "O'Hara", `back\slash`, "'; DROP TABLE session_events; --", "nul\x00byte", "torn\xff\xc3", "ünï", "日本", "𝔘"}
	addresses := []string{"192.0.2.1", "192.0.2.10", "2001:db8::1", "[local]", ""}
	for i := range 20 {
		addresses = append(addresses, addresses[i%5])
	}
	addresses = append(addresses, oddAddresses...)
	pick := func(of []string) string { return of[random.IntN(len(of))] }
	events := make([]session.Event, questionedEvents)
	for i := range events {
		e := &events[i]
		sessiontest.Typical(e, i)
		e.Time = time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC).UnixNano() - random.Int64N(int64(400*24*time.Hour))
		switch i % 500 {
		case 1:
			e.Time = -random.Int64N(int64(time.Hour)) - 1
		case 2:
			e.Time = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano() + random.Int64N(1000)
		case 3, 4, 5:
			e.Time = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixNano() // several at one time
		}
		binaryID := sessiontest.Minimal().RecordID
		for b := range binaryID {
			binaryID[b] = byte(random.Uint32())
		}
		if i%10 > 0 {
			for b := range 6 {
				binaryID[b] = byte(e.Time / 1e6 >> (40 - 8*b))
			}
			binaryID[6] = binaryID[6]&0x0f | 0x80
		}
		binaryID[8] = binaryID[8]&0x3f | 0x80
		e.RecordID = binaryID
		e.SessionKey = session.ID{}
		if i%3 == 0 {
			e.SessionKey = session.ID{1, byte(i / 3 % 200), byte(i / 3 / 200 % 3)}
		}
		e.Kind = []session.Kind{session.KindLogin, session.KindLogin, session.KindLogin, session.KindLogout, session.KindSessionStart, session.KindSessionUpdate}[random.IntN(6)]
		e.Outcome = []session.Outcome{session.OutcomeUnknown, session.OutcomeSuccess, session.OutcomeFailure}[random.IntN(3)]
		e.User, e.UserEmpty = pick(users), false
		if i%17 == 0 {
			e.User, e.UserEmpty = "", i%34 == 0
		}
		e.ClientAddress, e.ClientPort = pick(addresses), int32(random.IntN(4)) //nolint:gosec // small
		e.ClientName, e.Driver = pick([]string{"psql", "", "client'"}), pick([]string{"JDBC 4.2", ""})
		e.Roles = nil
		for range random.IntN(3) {
			e.Roles = append(e.Roles, pick([]string{"reader", "o'role", "writer"}))
		}
		e.TraceID, e.SpanID = [16]byte{}, [8]byte{}
		if i%5 == 0 {
			e.TraceID, e.SpanID = [16]byte{9, byte(i % 7)}, [8]byte{8, byte(i % 3)}
		}
		e.PID = int64(i % 4)
		if i == 11 {
			e.ClientAddress = "192.0.2.1" + strings.Repeat(" ", 1<<20)
		}
	}
	return events
}

// oddAddresses look like addresses of networks, or are ones in a spelling of their own.
var oddAddresses = []string{
	"192.0.2.01", "192.0.2", "192.0.2.256", " 192.0.2.1", "192.0.2.1 ", "192.0.2.1\n", "192.0.2.1/32", "192.0.2.0/24", `\192.0.2.0/24`, "::ffff:192.0.2.7", "::FFFF:c000:0207",
	"0:0:0:0:0:ffff:192.0.2.7", "::ffff:192.0.2.07", "::192.0.2.7", "1:2:3:4:5:6:192.0.2.7", "1:2:3:4:5:6:7:192.0.2.7", "2001:DB8::2", "2001:0db8:0:0:0:0:0:3", "2001:db8::3%eth0",
	"2001:db8:::1", "2001:db8::1::2", "2001:db8:1:2:3:4:5", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6:7", "1:2:3:4:5:6:7::", "::1:2:3:4:5:6:7", "::", ":", "12345::", "fe80::1%lo",
	"localhost", "db.example", "/run/postgresql/.s.PGSQL.5432", "'; DROP TABLE session_events; --", "192.0.2.1\x00", "192.0.2.1\xff", "10.0.0.1%", "0xc0.0.2.1", "3221225985",
}

// questionedFilters are query strings of every kind.
func questionedFilters(events []session.Event) []string {
	filters := []string{
		"", "from=2026-11-01&to=2026-11-03", "from=-24h", "from=2026-11-28T00:00:00Z", "to=1970-01-01T00:00:00Z", "from=2100-01-01",
		"from=2026-03-01T00:00:00Z&to=2026-03-01T00:00:00.000000001Z",
		"user_name=alice", "user_name=alice&user_name=bob", "-user_name=alice", "user_name=al*", `user_name=al\*`, "-user_name=al*", "user_name=", "absent=user_name",
		"-absent=user_name", "client_address=192.0.2.*", "absent=client_address", "kind=login&outcome=failure", "-outcome=success&kind=login",
		"roles=reader", "-roles=o'role", "absent=roles", "client_port=2", "client_port=0", "-client_port=0", "client_address=", "trace_id=00000000000000000000000000000000", "absent=pid",
		"absent=trace_id", "-absent=trace_id", "session_key=01050100000000000000000000000000", "span_id=0802000000000000",
		"trace_id=09030000000000000000000000000000&-user_name=bob", "record_id=" + events[7].RecordID.String(), "user_name=nobody",
		"client_address=192.0.2.0/24", "client_address=::/0", "client_address=0.0.0.0/0", "client_address=2001:db8::/32", "client_address=192.0.2.8/29&client_address=[local]", "-client_address=192.0.2.0/24",
		"client_address=::ffff:192.0.2.0/120", "client_address=192.0.2.7/32", "client_address=::1:0:0:0/66", `client_address=\192.0.2.0/24`, `client_address=\\192.0.2.0/24`,
		"user_type=person", "from=2026-01-01&to=2026-06-30&kind=login&driver=JDBC 4.2&-client_name=psql",
	}
	for _, user := range []string{"O'Hara", `back\slash`, "'; DROP TABLE session_events; --", "nul\x00byte", "torn\xff\xc3", "ünï", "日本", "𝔘"} {
		filters = append(filters, url.Values{"user_name": {user}}.Encode(), url.Values{"user_name": {string([]rune(user)[:1]) + "*"}}.Encode())
	}
	return append(filters, "user_name=*")
}

// filterCheck is a filter with what it finds in the store, and what it should.
type filterCheck struct {
	number int // filters take turns with widths and columns
	store  query.Store
	filter query.Filter
	want   []session.Event
}

func (q filterCheck) histogram(t *testing.T) {
	t.Helper()
	widths := []time.Duration{time.Hour, 24 * time.Hour, 7 * time.Minute}
	for _, width := range widths[q.number/3%len(widths):][:1] {
		counts := map[query.Bar]int64{}
		for i := range q.want {
			e := &q.want[i]
			start := e.Time - e.Time%int64(width)
			if start > e.Time {
				start -= int64(width)
			}
			counts[query.Bar{Start: time.Unix(0, start).UTC(), Kind: e.Kind.String(), Outcome: e.Outcome.String()}]++
		}
		bars, covered, err := query.Histogram(t.Context(), q.store, q.filter, width, query.Limits{})
		require.NoError(t, err)
		require.True(t, covered.Complete)
		require.Len(t, bars, len(counts))
		for _, bar := range bars {
			count := bar.Count
			bar.Count = 0
			require.Equal(t, counts[bar], count, "%v", bar)
		}
	}
}

func (q filterCheck) groups(t *testing.T) {
	t.Helper()
	all := [][]string{query.PairColumns, query.InventoryColumns, {"trace_id", "client_port"}}
	for _, columns := range all[q.number/3%len(all):][:1] {
		want := map[string]query.Tally{}
		for i := range q.want {
			e := &q.want[i]
			key := fmt.Sprint(cellsOf(e, columns))
			tally := want[key]
			tally.Count++
			at := time.Unix(0, e.Time).UTC()
			if e.Kind == session.KindLogin && e.Outcome == session.OutcomeFailure {
				tally.Failures++
			}
			if e.Kind == session.KindLogin && e.Outcome == session.OutcomeSuccess && (tally.FirstSuccess.IsZero() || at.Before(tally.FirstSuccess)) {
				tally.FirstSuccess = at
			}
			if tally.Count == 1 || at.After(tally.Last) {
				tally.Last = at
			}
			want[key] = tally
		}
		groups, covered, err := query.Groups(t.Context(), q.store, q.filter, columns, query.Limits{})
		require.NoError(t, err)
		require.True(t, covered.Complete)
		require.Len(t, groups, len(want))
		for i, g := range groups {
			require.Equal(t, want[fmt.Sprint(g.Values)], g.Tally, "%v", g.Values)
			require.False(t, i > 0 && g.Last.After(groups[i-1].Last))
		}
	}
}

func (q filterCheck) facets(t *testing.T) {
	t.Helper()
	columns := append(slices.Clone(query.FacetColumns), "session_key", "client_port")
	facets, covered, err := query.Facets(t.Context(), q.store, q.filter, columns, 5, query.Limits{})
	require.NoError(t, err)
	require.True(t, covered.Complete)
	for i, column := range columns {
		counts := map[query.Cell]int64{}
		for n := range q.want {
			counts[cellsOf(&q.want[n], []string{column})[0]]++
		}
		sum := facets[i].Others
		for _, v := range facets[i].Values {
			require.Equal(t, counts[v.Cell], v.Count, "%s %q", column, v.Text)
			sum += v.Count
		}
		require.Len(t, facets[i].Values, min(5, len(counts)), column)
		require.Equal(t, int64(len(q.want)), sum, column)
	}
}

// pages reads all in pages, newest first.
func (q filterCheck) pages(t *testing.T) {
	t.Helper()
	want := slices.Clone(q.want)
	slices.SortFunc(want, byPosition)
	slices.Reverse(want)
	size := max(3, len(want)/2+1)
	var got []session.Event
	var after *query.Position
	for {
		page, covered, err := query.Events(t.Context(), q.store, q.filter, after, size, query.Limits{})
		require.NoError(t, err)
		got = append(got, page...)
		if len(page) < size {
			require.True(t, covered.Complete)
			break
		}
		position, err := query.ParsePosition(query.PositionOf(&page[len(page)-1]).String())
		require.NoError(t, err)
		after = &position
	}
	requireSameEvents(t, want, got)
}

func requireSameEvents(t *testing.T, want, got []session.Event) {
	t.Helper()
	require.Equal(t, len(want), len(got))
	for i := range want {
		require.Equal(t, want[i].RecordID, got[i].RecordID)
		require.True(t, sessiontest.SameContent(&want[i], &got[i]), "%v", want[i].RecordID)
	}
}

func byPosition(a, b session.Event) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), slices.Compare(a.RecordID[:], b.RecordID[:]))
}

// matchesFilter tells whether an event is one of a filter's, by a loop of its own.
func matchesFilter(f query.Filter, e *session.Event) bool {
	at := time.Unix(0, e.Time)
	if !f.From.IsZero() && at.Before(f.From) || !f.Until.IsZero() && !at.Before(f.Until) {
		return false
	}
	asked, met := map[string]bool{}, map[string]bool{}
	for _, c := range f.Conditions {
		fits := meetsCondition(c, e)
		if c.Exclude {
			if fits {
				return false
			}
			continue
		}
		asked[c.Field.Column] = true
		met[c.Field.Column] = met[c.Field.Column] || fits
	}
	return len(asked) == len(met) && !slices.Contains(slices.Collect(maps.Values(met)), false)
}

func meetsCondition(c query.Condition, e *session.Event) bool {
	if list, ok := c.Field.In(e).(*[]string); ok {
		if c.Match == query.IsAbsent {
			return len(*list) == 0
		}
		return slices.Contains(*list, c.Value)
	}
	cell := cellsOf(e, []string{c.Field.Column})[0]
	switch c.Match {
	case query.IsAbsent:
		return cell.Absent
	case query.InNetwork:
		network := netip.MustParsePrefix(c.Value)
		if network.Addr().Is4In6() && network.Bits() >= 96 {
			network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
		}
		return query.ContainsAddress(network, cell.Text)
	case query.BeginsWith:
		return !cell.Absent && strings.HasPrefix(cell.Text, c.Value)
	default: // ids may be asked for with hyphens
		return !cell.Absent && (cell.Text == c.Value || cell.Text == strings.ReplaceAll(c.Value, "-", ""))
	}
}

// cellsOf are the values of an event as an answer has them.
func cellsOf(e *session.Event, columns []string) []query.Cell {
	cells := make([]query.Cell, len(columns))
	for i, column := range columns {
		cells[i] = cellOf(e, query.MustFieldOf(column))
	}
	return cells
}

func cellOf(e *session.Event, f *session.Field) query.Cell {
	text := func(s string) query.Cell { return query.Cell{Text: s, Absent: s == ""} }
	number := func(n int64) query.Cell {
		if n == 0 {
			return query.Cell{Absent: true}
		}
		return query.Cell{Text: strconv.FormatInt(n, 10)}
	}
	identity := func(b []byte) query.Cell {
		if len(strings.Trim(string(b), "\x00")) == 0 {
			return query.Cell{Absent: true}
		}
		return query.Cell{Text: hex.EncodeToString(b)}
	}
	switch v := f.In(e).(type) {
	case *string:
		if f.Name == "User" && e.UserEmpty {
			return query.Cell{}
		}
		return text(*v)
	case *session.Kind:
		return text(v.String())
	case *session.Outcome:
		return text(v.String())
	case *int32:
		return number(int64(*v))
	case *int64:
		return number(*v)
	case *uint32:
		return number(int64(*v))
	case *session.ID:
		return identity(v[:])
	case *[16]byte:
		return identity(v[:])
	case *[8]byte:
		return identity(v[:])
	}
	panic(f.Name)
}
