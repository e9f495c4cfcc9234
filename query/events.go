package query

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Position is where a page of events ended. Events of one time are in the order of their record ids.
type Position struct {
	Time     int64      // nanoseconds since 1970 UTC
	RecordID session.ID // of the last event of the page
}

// PositionOf is that of an event.
func PositionOf(e *session.Event) Position { return Position{e.Time, e.RecordID} }

// Compare is less than 0 where p is before other in time, 0 where they are the same, and more than 0 where it is after it.
func (p Position) Compare(other Position) int {
	return cmp.Or(cmp.Compare(p.Time, other.Time), slices.Compare(p.RecordID[:], other.RecordID[:]))
}

// String is a text that [ParsePosition] reads.
func (p Position) String() string { return strconv.FormatInt(p.Time, 10) + "_" + p.RecordID.String() }

// ParsePosition reads the text of a position.
func ParsePosition(text string) (p Position, err error) {
	at, id, found := strings.Cut(text, "_")
	if p.Time, err = strconv.ParseInt(at, 10, 64); err != nil || !found {
		return p, fmt.Errorf("%q is no position in a list of events", text)
	}
	if p.RecordID, found = session.ParseID(id); !found {
		return p, fmt.Errorf("%q is no position in a list of events", text)
	}
	return p, nil
}

// Events gives a page of at most limit events, newest first, or of as many as come to the bytes of the limits; those after a position where one is
// given. Where the page is Full, what is covered ends with its last event. The statements of the coverage have * in the place of the columns, in which stores need casts of their own.
func Events(ctx context.Context, s Store, f Filter, after *Position, limit int, limits Limits) ([]session.Event, Coverage, error) {
	if limit <= 0 {
		return nil, Coverage{}, fmt.Errorf("limit %d: must be more than 0", limit)
	}
	p := eventPage{store: s, limit: limit, limits: limits}
	if after != nil {
		p.beyond = after.before(s)
		f = f.endingBefore(after.Time)
	}
	covered, err := EachSlice(ctx, s, f, firstPage, limits, func(where string) string {
		p.where = where
		return p.nextTail()
	}, p.readSlice)
	covered.SQL = append(covered.SQL, p.further[:min(len(p.further), max(0, keptSQLTexts-len(covered.SQL)))]...)
	if covered.Full = p.isFull; p.isFull {
		covered.From = time.Unix(0, p.events[len(p.events)-1].Time).UTC()
	}
	for i, tail := range covered.SQL {
		covered.SQL[i] = "SELECT * FROM " + s.Table() + tail
	}
	return p.events, covered, err
}

// eventPage is a page that is being filled.
type eventPage struct {
	store  Store
	limit  int
	limits Limits

	where, beyond string // the conditions of the slice, and that for the events beyond the last one
	events        []session.Event
	bytes         int
	isFull        bool
	further       []string // statements of a slice after its first
}

// nextTail is what follows the table in the next statement.
func (p *eventPage) nextTail() string {
	return p.where + p.beyond + " ORDER BY " + p.store.Nanoseconds() + " DESC, record_id DESC LIMIT " + strconv.Itoa(p.nextRows())
}

func (p *eventPage) nextRows() int { return p.limits.rowsAtOnce(p.limit, len(p.events), p.bytes) }

func (p *eventPage) readSlice(ctx context.Context, sql string) error {
	whole := len(p.events)
	for {
		last := len(p.events) + p.nextRows()
		for e, err := range p.store.Events(ctx, p.store.Table(), sql) {
			if err != nil {
				p.events = p.events[:whole]
				return err
			}
			p.events = append(p.events, session.Event{})
			e.CopyTo(&p.events[len(p.events)-1])
			p.bytes += e.TextBytes()
			if p.isFull = p.limits.Bytes > 0 && p.bytes >= p.limits.Bytes; p.isFull {
				return ErrEnough
			}
		}
		if p.isFull = len(p.events) >= p.limit; p.isFull {
			return ErrEnough
		}
		if len(p.events) < last {
			return nil
		}
		p.beyond = PositionOf(&p.events[len(p.events)-1]).before(p.store)
		sql = p.nextTail()
		p.further = append(p.further, sql)
	}
}

// firstRows are asked for where the bytes of a page are limited and nothing is known of its events: a server sends all that a statement asks for at once.
const firstRows = 16

// rowsAtOnce is how many rows the next statement of a page asks for: as many as fit, if they are like those that are there.
func (limits Limits) rowsAtOnce(limit, rows, bytes int) int {
	switch left := limit - rows; {
	case limits.Bytes <= 0:
		return left
	case rows == 0:
		return min(left, firstRows)
	default:
		return min(left, max(firstRows, (limits.Bytes-bytes)/max(1, bytes/rows)))
	}
}

// before is the further condition for the events before a position.
func (p Position) before(s Store) string {
	at := strconv.FormatInt(p.Time, 10)
	return " AND (" + s.Nanoseconds() + " < " + at + " OR " + s.Nanoseconds() + " = " + at + " AND record_id < " + s.Identity(MustFieldOf("record_id"), p.RecordID[:]) + ")"
}

// Session gives all events of a session, in the order of time.
func Session(ctx context.Context, s Store, key session.ID, limits Limits) ([]session.Event, Coverage, error) {
	events, covered, err := Events(ctx, s, filterOfSession(key), nil, longestSession, limits)
	slices.Reverse(events)
	return events, covered, err
}

// SessionAround is Session where one of its events is known to be at a time. What is around that is read first: with a login and a logout it is all.
// Else all is read, and where the time is too short for that, the answer has what was around.
func SessionAround(ctx context.Context, s Store, key session.ID, at time.Time, limits Limits) ([]session.Event, Coverage, error) {
	f, begun := filterOfSession(key), time.Now()
	around := f
	around.From, around.Until = at.Add(-aroundEvent), at.Add(aroundEvent)
	events, covered, err := Events(ctx, s, around, nil, longestSession, limits)
	if err == nil && !isWholeSession(events) {
		if limits.Time > 0 {
			limits.Time = max(limits.Time-time.Since(begun), 1)
		}
		statements, nearby := covered.SQL, events
		events, covered, err = Events(ctx, s, f, nil, longestSession, limits)
		events, covered.SQL = append(events, nearby...), append(statements, covered.SQL...)
	} else {
		covered.Complete = err == nil
	}
	return inOrderOfTime(events), covered, err
}

// beforeLogin is how long before a login the failures belong to its session, and mostBefore how many of them are given.
const (
	beforeLogin = 10 * time.Minute
	mostBefore  = 1000
)

// FailuresBefore gives the failed logins of the user and of the address of a login in the ten minutes before it, in the order of time.
func FailuresBefore(ctx context.Context, s Store, login *session.Event, limits Limits) (failures []session.Event, covered Coverage, err error) {
	at := time.Unix(0, login.Time).UTC()
	for _, same := range []struct{ column, value string }{{"user_name", login.User}, {"client_address", login.ClientAddress}} {
		if same.value == "" {
			continue
		}
		f := Filter{From: at.Add(-beforeLogin), Until: at, Conditions: []Condition{
			{Field: MustFieldOf(same.column), Value: same.value}, {Field: MustFieldOf("kind"), Value: session.KindLogin.String()}, {Field: MustFieldOf("outcome"), Value: session.OutcomeFailure.String()},
		}}
		found, part, err := Events(ctx, s, f, nil, mostBefore, limits)
		if err != nil {
			return nil, covered, err
		}
		failures, covered.SQL = append(failures, found...), append(covered.SQL, part.SQL...)
	}
	return inOrderOfTime(failures), covered, nil
}

// inOrderOfTime sorts events, and leaves each record once.
func inOrderOfTime(events []session.Event) []session.Event {
	slices.SortFunc(events, func(a, b session.Event) int { return PositionOf(&a).Compare(PositionOf(&b)) })
	return slices.CompactFunc(events, func(a, b session.Event) bool { return a.RecordID == b.RecordID })
}

// aroundEvent is how far before and after an event of a session the others mostly are.
const aroundEvent = 24 * time.Hour

func isWholeSession(events []session.Event) bool {
	return slices.ContainsFunc(events, func(e session.Event) bool { return e.Kind == session.KindLogout }) &&
		slices.ContainsFunc(events, func(e session.Event) bool { return e.Kind == session.KindLogin && e.Outcome == session.OutcomeSuccess })
}

func filterOfSession(key session.ID) Filter {
	return Filter{Conditions: []Condition{{Field: MustFieldOf("session_key"), Value: key.String()}}}
}

// longestSession bounds a session that never ends.
const longestSession = 10_000

// endingBefore cuts the filter's time, so that it has no event after at.
func (f Filter) endingBefore(at int64) Filter {
	if _, until := f.Bounds(); at < until-1 {
		f.Until = time.Unix(0, at+1).UTC()
	}
	return f
}
