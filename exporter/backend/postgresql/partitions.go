package postgresql

import (
	"context"
	"encoding/binary"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	monthsAhead = 1  // are made before their first event
	yearsBack   = 30 // history older than that goes into the default partition
	// defaultLockTimeout is how long making or dropping a partition may wait in line, for everybody else waits behind it.
	defaultLockTimeout = 5 * time.Second
)

// idRange is a range of the milliseconds with which record ids begin.
type idRange struct {
	name     string
	from, to int64
}

// knownPartitions are those that are known to be there, and the months that a batch has asked for in vain. Whatever is missing
// here, a record finds its place: the default partition takes it.
type knownPartitions struct {
	making sync.Mutex // held while months are made, so that nobody's records go elsewhere meanwhile

	mu               sync.Mutex
	known            []idRange
	wanted           map[int64]bool // first milliseconds of months
	managed          bool           // months are made when they are wanted
	earliest, latest int64          // those that begin in this range
	hit              idRange        // the month of the record before
}

func (p *knownPartitions) noteMonth(e *session.Event) {
	ms := millisOfID(e.RecordID)
	p.mu.Lock()
	defer p.mu.Unlock()
	// Only for ids that begin with the event's own time: those of other senders may begin with anything.
	if !p.managed || ms >= p.hit.from && ms < p.hit.to || ms != e.Time/1e6 || ms < p.earliest || ms >= p.latest {
		return
	}
	month := monthOfMillis(ms)
	if month.overlapsAny(p.known) {
		p.hit = month
		return
	}
	p.wanted[month.from] = true
}

// overlapsAny reports whether one of the known partitions has some of the month: then it is somebody else's to care for the rest.
func (p idRange) overlapsAny(known []idRange) bool {
	return slices.ContainsFunc(known, func(k idRange) bool { return k.from < p.to && p.from < k.to })
}

func (p *knownPartitions) replaceKnown(known []idRange, managed bool, now time.Time, oldestKept int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known, p.managed, p.hit = known, managed, idRange{}
	if p.wanted == nil {
		p.wanted = map[int64]bool{}
	}
	maps.DeleteFunc(p.wanted, func(m int64, _ bool) bool { return !managed || monthOfMillis(m).overlapsAny(known) })
	p.earliest, p.latest = max(now.AddDate(-yearsBack, 0, 0).UnixMilli(), oldestKept/1e6), now.AddDate(0, monthsAhead, 0).UnixMilli()
}

func (p *knownPartitions) takeWanted() (months []idRange) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range slices.Sorted(maps.Keys(p.wanted)) {
		months = append(months, monthOfMillis(m))
	}
	// A month that cannot be made is not asked for again until the next maintenance.
	p.known = append(p.known, months...)
	clear(p.wanted)
	return months
}

func millisOfID(id session.ID) int64 {
	return int64(binary.BigEndian.Uint16(id[:2]))<<32 | int64(binary.BigEndian.Uint32(id[2:6]))
}

func leastRecordID(ms int64) string {
	var id session.ID
	binary.BigEndian.PutUint16(id[0:], uint16(ms>>32))
	binary.BigEndian.PutUint32(id[2:], uint32(ms))
	return id.String()
}

func monthOfMillis(ms int64) idRange {
	t := time.UnixMilli(ms).UTC()
	first := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	return idRange{"session_events_" + first.Format("2006_01"), first.UnixMilli(), first.AddDate(0, 1, 0).UnixMilli()}
}

// makePartitions makes the months that the batch wants, over a connection of its own. Where that fails, their records go
// into the default partition, and maintenance makes the month later.
func (s *eventStore) makePartitions(ctx context.Context) {
	s.partitions.making.Lock()
	defer s.partitions.making.Unlock()
	months := s.partitions.takeWanted()
	if len(months) == 0 {
		return
	}
	err := s.withNewConn(ctx, func(ctx context.Context, conn *pgconn.PgConn) error { return s.attachMonths(ctx, conn, months) })
	if err != nil {
		s.log.Warn("a partition cannot be made: its records go into the default partition", zap.Error(s.cfg.explainError("making a partition", err)))
	}
}

// attachMonths makes the months that are missing, in one transaction, so that who collides with it does so once.
func (s *eventStore) attachMonths(ctx context.Context, conn *pgconn.PgConn, months []idRange) error {
	err := inTransaction(ctx, conn, func() error {
		if err := s.lockPartitions(ctx, conn); err != nil {
			return err
		}
		known, err := s.listPartitions(ctx, conn)
		if err != nil {
			return err
		}
		for _, m := range months {
			if m.overlapsAny(known) {
				continue
			}
			if err := s.attachMonth(ctx, conn, m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.loadPartitions(ctx, conn)
}

func (s *eventStore) attachMonth(ctx context.Context, conn *pgconn.PgConn, p idRange) error {
	// Attaching, unlike CREATE TABLE … PARTITION OF, leaves those alone who read and write other partitions.
	from, to := leastRecordID(p.from), leastRecordID(p.to)
	where := "record_id >= '" + from + "' AND record_id < '" + to + "'"
	return execStatements(ctx, conn, s.cfg.prefixNames("LOCK TABLE session_events_default IN ACCESS EXCLUSIVE MODE;\n"+
		"CREATE TABLE "+p.name+" (LIKE session_events INCLUDING DEFAULTS INCLUDING INDEXES INCLUDING STORAGE);\n"+
		"INSERT INTO "+p.name+" SELECT * FROM session_events_default WHERE "+where+";\n"+
		"DELETE FROM session_events_default WHERE "+where+";\n"+
		"ALTER TABLE session_events ATTACH PARTITION "+p.name+" FOR VALUES FROM ('"+from+"') TO ('"+to+"')"))
}

func (s *eventStore) lockPartitions(ctx context.Context, conn *pgconn.PgConn) error {
	return execStatements(ctx, conn, lockTimeout(s.lockTimeout)+"; SELECT "+s.cfg.prefixNames(lockOfPartitions))
}

var boundsPattern = regexp.MustCompile(`FROM \('([0-9a-f-]{36})'\) TO \('([0-9a-f-]{36})'\)`)

// listPartitions reads those that are there, the default one aside; whoever wants weeks may make them by hand.
func (s *eventStore) listPartitions(ctx context.Context, conn *pgconn.PgConn) (known []idRange, err error) {
	rows, err := queryRows(ctx, conn, s.cfg.prefixNames(`SELECT i.inhrelid::regclass, pg_get_expr(c.relpartbound, c.oid)
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'session_events'::regclass`))
	for _, r := range rows {
		m := boundsPattern.FindStringSubmatch(r[1])
		if m == nil {
			continue
		}
		from, _ := session.ParseID(m[1])
		to, _ := session.ParseID(m[2])
		known = append(known, idRange{r[0], millisOfID(from), millisOfID(to)})
	}
	return known, err
}

func (s *eventStore) loadPartitions(ctx context.Context, conn *pgconn.PgConn) error {
	known, err := s.listPartitions(ctx, conn)
	if err == nil {
		s.partitions.replaceKnown(known, s.cfg.CreateSchema, s.now(), s.guard.OldestKept(s.ttl))
	}
	return err
}
