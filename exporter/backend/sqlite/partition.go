package sqlite

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/session"
)

// partition is a table with the records of one range of ids, from low up to the next partition's low.
type rangePartition struct {
	table    string
	low      int64 // milliseconds since 1970; 0 of the one for ids without a time, which no range holds
	rows     int64 // about; notCounted until somebody wants to know
	inserted recentTimes
	grown    bool // since it was last asked whether it is full

	tryAgainAt        int64    // rows, where it could not be split when it had fewer
	keysIndexed       bool     // by session_key
	crowded           bool     // too many of its rows are of one millisecond: it is not merged
	impossibleIndexes []string // that its rows do not allow

	insert     *rowBinder   // nil until it is needed
	storedHash *sqlite.Stmt // parameter 1: record id
}

const notCounted = -1

// partitions are all there are, as the catalogue has them.
type partitionCatalog struct {
	ranges      []*rangePartition // by low; the first begins at 0
	other       *rangePartition   // of ids that begin with no time
	nextArrival int64
}

// endOfTimes is where ids are no longer taken for ones that begin with a time, in milliseconds: the year 2100. Of random 48 bits,
// 98.5 % lie beyond it.
const endOfTimes = 4_102_444_800_000

func timeOfID(id session.ID) (ms int64, ok bool) {
	// The event's own time is not asked: a repetition, or a forgery with another time, must come to the same table. Versions 7 and 8 begin with a
	// time.
	if version := id[6] >> 4; version != 7 && version != 8 || id[8]>>6 != 2 {
		return 0, false
	}
	for _, b := range id[:6] {
		ms = ms<<8 | int64(b)
	}
	return ms, ms < endOfTimes
}

// idsFrom is the least id of a time, as SQL spells it.
func idsFrom(ms int64) string { return fmt.Sprintf("x'%012x'", ms) }

func (all *partitionCatalog) holding(id session.ID) *rangePartition {
	ms, ok := timeOfID(id)
	if !ok {
		return all.other
	}
	p := all.ranges[all.indexOf(ms)]
	p.inserted.add(ms)
	return p
}

func (all *partitionCatalog) indexOf(ms int64) int {
	if last := len(all.ranges) - 1; ms >= all.ranges[last].low {
		return last
	}
	return sort.Search(len(all.ranges), func(i int) bool { return all.ranges[i].low > ms }) - 1
}

func (all *partitionCatalog) end(p *rangePartition) int64 {
	switch next := all.above(p); {
	case next != nil:
		return next.low
	case slices.Contains(all.ranges, p):
		return 1 << 48
	}
	return 0
}

// above is the neighbour with the next higher ids, nil of the last one.
func (all *partitionCatalog) above(p *rangePartition) *rangePartition {
	if at := slices.Index(all.ranges, p) + 1; at > 0 && at < len(all.ranges) {
		return all.ranges[at]
	}
	return nil
}

func (all *partitionCatalog) tables() (names []string) {
	for _, p := range all.ranges {
		names = append(names, p.table)
	}
	return append(names, all.other.table)
}

// each is every partition, the other one last.
func (all *partitionCatalog) each() []*rangePartition {
	return append(slices.Clone(all.ranges), all.other)
}

// readPartitions reads the catalogue, as of one moment. Of tables that were known already what is known of them stays.
func (cfg *Config) readPartitions(conn *sqlite.Conn, known *partitionCatalog) (all *partitionCatalog, err error) {
	defer sqlitex.Save(conn)(&err)
	all = &partitionCatalog{}
	err = sqlitex.Execute(conn, cfg.prefixNames("SELECT name, low, name IN (SELECT name FROM sqlite_schema WHERE type = 'table') FROM sessionlog_partitions ORDER BY low"), &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			if !stmt.ColumnBool(2) {
				return cfg.partitionGone(stmt.ColumnText(0))
			}
			p := known.named(stmt.ColumnText(0))
			p.low = stmt.ColumnInt64(1)
			if stmt.ColumnIsNull(1) {
				all.other = p
			} else {
				all.ranges = append(all.ranges, p)
			}
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	if all.other == nil || len(all.ranges) == 0 || all.ranges[0].low != 0 {
		return nil, fmt.Errorf("%w: the table %s does not say where every record is", ErrDamaged, cfg.prefixNames("sessionlog_partitions"))
	}
	summedUpTo, err := cfg.readSetting(conn, summarySetting)
	if err != nil {
		return nil, err
	}
	highest, err := queryNumber(conn, highestArrival(all.tables()))
	all.nextArrival = max(highest, summedUpTo) + 1 // the highest may have expired
	return all, err
}

func (cfg *Config) partitionGone(table string) error {
	return fmt.Errorf("%w: somebody has dropped the table %s: put a backup in place, or give its records up with %s, and restart", ErrDamaged, table,
		cfg.prefixNames("DELETE FROM sessionlog_partitions WHERE name = '"+strings.TrimPrefix(table, cfg.TablePrefix)+"'; "+
			"UPDATE sessionlog_partitions SET low = 0 WHERE low = (SELECT min(low) FROM sessionlog_partitions)"))
}

func (all *partitionCatalog) named(table string) *rangePartition {
	if all != nil {
		for _, p := range all.each() {
			if p.table == table {
				return p
			}
		}
	}
	return &rangePartition{table: table, rows: notCounted}
}

func highestArrival(tables []string) string {
	// Asked of the view, SQLite would read them all.
	var each strings.Builder
	for _, table := range tables {
		each.WriteString(", (SELECT coalesce(max(arrival), 0) FROM " + table + ")")
	}
	return "SELECT max(0" + each.String() + ")"
}

// count is how many rows the partition has. It is asked of an index, page by page: a millisecond for some hundred thousand.
func (p *rangePartition) count(conn *sqlite.Conn) (err error) {
	p.rows, err = queryNumber(conn, "SELECT count(*) FROM "+p.table)
	return err
}

func (p *rangePartition) grow() {
	if p.rows != notCounted {
		p.rows++
	}
	p.grown = true
}

func (p *rangePartition) countUpTo(conn *sqlite.Conn, side string, limit int64) (int64, error) {
	return queryNumber(conn, "SELECT count(*) FROM (SELECT 1 FROM "+p.table+" WHERE record_id "+side+" LIMIT ?)", limit)
}

// timeAt is the time that the id begins with which has this many smaller ones in the partition; ok is false where it has not as many rows.
func (p *rangePartition) timeAt(conn *sqlite.Conn, offset int64) (ms int64, ok bool, err error) {
	return firstTimeOf(conn, "SELECT hex(substr(record_id, 1, 6)) FROM "+p.table+" ORDER BY record_id LIMIT 1 OFFSET "+strconv.FormatInt(offset, 10))
}

func firstTimeOf(conn *sqlite.Conn, sql string) (ms int64, ok bool, err error) {
	err = sqlitex.ExecuteTransient(conn, sql, &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) (err error) {
		ok = true
		ms, err = strconv.ParseInt(stmt.ColumnText(0), 16, 64)
		return err
	}})
	return ms, ok, err
}

// recentTimes are those that the last ids begin with which came into a partition.
type recentTimes struct {
	ms [recentCount]int64
	n  int
}

const recentCount = 31

func (r *recentTimes) add(ms int64) {
	r.ms[r.n%recentCount] = ms
	r.n++
}

// median is where in its range a partition grows: a single record with a wrong clock does not move it.
func (r *recentTimes) median() (ms int64, ok bool) {
	if r.n == 0 {
		return 0, false
	}
	sorted := r.ms
	some := sorted[:min(r.n, recentCount)]
	slices.Sort(some)
	return some[(len(some)-1)/2], true
}

func (p *rangePartition) prepare(conn *sqlite.Conn) error {
	if p.insert != nil {
		return nil
	}
	insert, err := conn.Prepare(insertPartitionSQL(p.table))
	if err != nil {
		return err
	}
	if p.storedHash, err = conn.Prepare("SELECT content_hash FROM " + p.table + " WHERE record_id = ?"); err != nil {
		return err
	}
	p.insert = newRowBinder(insert)
	return nil
}

// release ends the statements of a partition whose table is going away, or whose connection is.
func (p *rangePartition) release() {
	if p.insert != nil {
		_ = p.insert.stmt.Finalize()
		_ = p.storedHash.Finalize()
		p.insert, p.storedHash = nil, nil
	}
}
