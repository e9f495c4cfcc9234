package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

type queryStore struct {
	cfg        Config
	connection *serverConn
	isSummed   bool // the summary is known
}

// OpenQueryStore logs in to ask. It is used by one caller at a time.
func OpenQueryStore(ctx context.Context, cfg Config) (query.Store, error) {
	connection := &serverConn{eventStore: &eventStore{cfg: cfg}}
	if err := connection.ensureConnected(ctx); err != nil {
		connection.closeConn()
		return nil, cfg.explainError("connecting", err)
	}
	return &queryStore{cfg: cfg, connection: connection}, nil
}

func (s *queryStore) Table() string { return s.cfg.prefixNames("session_events") + " FINAL" }

func (s *queryStore) TableNamed(name string) string { return s.cfg.prefixNames(name) }

// Disguised: an absent value is the column's default, and nothing else reads as absent. Attributes are stored in the order of keys, types and texts, and their types where one
// is not text.
func (s *queryStore) Disguised() string {
	const letters = "sidbyje" // in the order of types
	sorted := "arrayMap((k, v, i) -> (toString(k), position('" + letters + "', substring(attribute_types, i, 1)), v), mapKeys(attributes), mapValues(attributes), arrayEnumerate(mapKeys(attributes)))"
	return "attribute_types <> '' AND (length(attribute_types) <> length(mapKeys(attributes)) OR match(attribute_types, '[^" + letters + "]') OR NOT match(attribute_types, '[^s]')) OR " +
		sorted + " <> arraySort(" + sorted + ")"
}

func (s *queryStore) Hexadecimal(column string) string { return "hex(" + column + ")" }

func (s *queryStore) Text(text string) string { return configclickhouse.QuoteText(text) }

const hexDigits = "0123456789abcdef"

func (s *queryStore) Identity(_ *session.Field, id []byte) string {
	b := append(make([]byte, 0, 2+4*len(id)), '\'') // a literal, not unhex(): of a literal's parts, a list may have as many as a statement has bytes
	for _, c := range id {
		b = append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
	}
	return string(append(b, '\''))
}

func (s *queryStore) Between(from, until int64) string {
	return fmt.Sprintf("time >= fromUnixTimestamp64Nano(%d, 'UTC') AND time < fromUnixTimestamp64Nano(%d, 'UTC')", from, until)
}

func (s *queryStore) Nanoseconds() string { return "reinterpretAsInt64(time)" }

func (s *queryStore) Equals(f *session.Field, literal string) string {
	return f.Column + " = " + literal
}

// NewestOf groups the rows that have one value of each key, which may be more than the keys.
func (s *queryStore) NewestOf(fields []*session.Field, keys [][]query.Cell, condition string) string {
	var texts, among, ordinals []string
	for i, f := range fields {
		texts, ordinals = append(texts, s.AsText(f)), append(ordinals, strconv.Itoa(i+1))
		var literals []string
		absent := false
		for _, key := range keys {
			if absent = absent || key[i].Absent; !key[i].Absent {
				literals = append(literals, s.Text(key[i].Text))
			}
		}
		slices.Sort(literals)
		if !absent {
			among = append(among, f.Column+" IN ("+strings.Join(slices.Compact(literals), ", ")+")")
		}
	}
	return s.Select(append(texts, "max("+s.Nanoseconds()+")")...) + " FROM " + s.allVersions() + " WHERE " + strings.Join(append(among, condition), " AND ") + " GROUP BY " + strings.Join(ordinals, ", ")
}

// allVersions follows FROM where it does not matter how often an event is there: FINAL reads each row's id.
func (s *queryStore) allVersions() string { return s.cfg.prefixNames("session_events") }

func (s *queryStore) Absent(f *session.Field) string {
	switch f.In(&session.Event{}).(type) {
	case *int32, *int64, *uint32:
		return f.Column + " = 0"
	case *session.ID, *[16]byte:
		return f.Column + " = toFixedString('', 16)"
	case *[8]byte:
		return f.Column + " = toFixedString('', 8)"
	case *session.Kind, *session.Outcome:
		return "0"
	}
	if f.Name == "User" {
		return f.Column + " IS NULL"
	}
	return "empty(" + f.Column + ")"
}

func (s *queryStore) Contains(f *session.Field, text string) string {
	return "has(" + f.Column + ", " + s.Text(text) + ")"
}

func (s *queryStore) HasPrefix(f *session.Field, prefix string) string {
	return "startsWith(toString(" + f.Column + "), " + s.Text(prefix) + ")"
}

// InNetwork compares addresses as IPv6 ones, where those of IPv4 have a network of their own.
func (s *queryStore) InNetwork(f *session.Field, network netip.Prefix) string {
	ipv4, ipv6 := query.AddressPatterns()
	is := "length(" + f.Column + ") <= " + strconv.Itoa(query.LongestAddress) + " AND match(" + f.Column + ", '" + ipv4 + "|" + ipv6 + "') AND "
	if network.Addr().Is4() {
		return is + withinAddresses(f, network)
	}
	return is + withinAddresses(f, network) + " AND NOT " + withinAddresses(f, netip.MustParsePrefix("0.0.0.0/0"))
}

// withinAddresses compares with the first and the last address of a network.
func withinAddresses(f *session.Field, network netip.Prefix) string {
	mapped := query.MappedNetwork(network)
	first := mapped.Addr().As16()
	last := first
	for bit := mapped.Bits(); bit < 128; bit++ {
		last[bit/8] |= 0x80 >> (bit % 8)
	}
	literal := func(address [16]byte) string { return "toIPv6('" + netip.AddrFrom16(address).String() + "')" }
	return "ifNull(toIPv6OrNull(toString(" + f.Column + ")) BETWEEN " + literal(first) + " AND " + literal(last) + ", 0)"
}

func (s *queryStore) AsText(f *session.Field) string {
	switch f.In(&session.Event{}).(type) {
	case *session.ID, *[16]byte, *[8]byte:
		return "if(" + s.Absent(f) + ", NULL, lower(hex(" + f.Column + ")))"
	case *session.Kind, *session.Outcome:
		return "toString(" + f.Column + ")"
	}
	if f.Name == "User" {
		return f.Column
	}
	return "if(" + s.Absent(f) + ", NULL, toString(" + f.Column + "))"
}

// KeysAtOnce: it reads all of history for one key too.
func (s *queryStore) KeysAtOnce() int { return 10_000 }

func (s *queryStore) GroupsFast() bool { return true }

func (s *queryStore) Divide(expression string, by int64) string {
	return "intDiv(" + expression + ", " + strconv.FormatInt(by, 10) + ")"
}

// Select gives every expression as a text, under a name that no column has.
func (s *queryStore) Select(expressions ...string) string {
	list := make([]string, len(expressions))
	for i, e := range expressions {
		list[i] = "CAST(" + e + " AS Nullable(String)) AS " + cellName(i)
	}
	return "SELECT " + strings.Join(list, ", ")
}

func cellName(i int) string { return "cell_" + strconv.Itoa(i+1) }

func (s *queryStore) Rows(ctx context.Context, sql string, expressions int) iter.Seq2[[]query.Cell, error] {
	return query.YieldEach(func(next func([]query.Cell) bool) error {
		columns, results := textColumns(expressions, cellName)
		cells := make([]query.Cell, expressions)
		return s.eachRow(ctx, sql, results, func(row int) (bool, error) {
			for i, column := range columns {
				cells[i].Text, cells[i].Absent = column.textAt(row)
			}
			return next(cells), nil
		})
	})
}

func (s *queryStore) Events(ctx context.Context, table, tail string) iter.Seq2[*session.Event, error] {
	return query.YieldEach(func(next func(*session.Event) bool) error {
		cells, results := eventTexts()
		var e session.Event
		return s.eachRow(ctx, "SELECT "+selectList()+" FROM "+table+tail, results, func(row int) (bool, error) {
			if err := decodeEvent(cells, row, &e); err != nil {
				return false, err
			}
			return next(&e), nil
		})
	})
}

// Summary is known once a migration has come to its end. Whoever may not know about migrations has none.
func (s *queryStore) Summary(ctx context.Context) (summary query.Summary, known bool, err error) {
	if !s.isSummed {
		row, err := s.numbers(ctx, "sessionlog_migrations", "", "max(version)")
		if exception := (*configclickhouse.Exception)(nil); err != nil && !errors.As(err, &exception) {
			return nil, false, err
		}
		s.isSummed = err == nil && row[0] > 0
	}
	return summaryReader{s}, s.isSummed, nil
}

type summaryReader struct{ *queryStore }

// absentIfEmpty is an expression of a column in which an empty text says that there is no value.
func absentIfEmpty(column string) string { return "nullIf(" + column + ", '')" }

func (s summaryReader) NewPairs(from int64) string {
	return s.Select("user_name", absentIfEmpty("system"), absentIfEmpty("instance"), "client_address") + " FROM " + s.cfg.prefixNames("session_pairs") +
		" GROUP BY user_name, system, instance, client_address HAVING min(first_seen) >= fromUnixTimestamp64Nano(" + strconv.FormatInt(from, 10) + ", 'UTC')"
}

// Hours groups what was counted of a day more than once, of which the days are counted as bits.
func (s summaryReader) Hours(begin int64, now, before []query.HourShift) string {
	days := 0
	set := func(shifts []query.HourShift) string {
		all := []string{"toUInt64(0)"}
		for _, shift := range shifts {
			days = len(shift.Masks)
			masks := strings.ReplaceAll(fmt.Sprint(shift.Masks), " ", ", ")
			function, by := "bitShiftLeft", shift.By
			if by < 0 {
				function, by = "bitShiftRight", -by
			}
			all = append(all, fmt.Sprintf("%s(toUInt64(bitAnd(hours, %s[ordinal])), %d)", function, masks, by))
		}
		return strings.Join(all, " + ")
	}
	each := "SELECT user_name, system, instance, toInt32(day) AS number, number - " + strconv.FormatInt(begin-1, 10) + " AS ordinal, " + set(now) + " AS now_hours, " + set(before) + " AS past_hours" +
		" FROM " + s.cfg.prefixNames("session_hours") + " WHERE day >= " + dateLiteral(begin) + " AND day < " + dateLiteral(begin+int64(days))
	return s.Select("user_name", absentIfEmpty("system"), absentIfEmpty("instance"), "groupBitOr(now_hours)", "groupBitOr(past_hours)",
		"bitCount(groupBitOr(if(past_hours = 0, toUInt128(0), bitShiftLeft(toUInt128(1), ordinal % 128))))", "minOrNullIf(number, past_hours != 0)") +
		" FROM (" + each + ") GROUP BY user_name, system, instance HAVING bitAnd(groupBitOr(now_hours), bitNot(groupBitOr(past_hours))) != 0"
}

func dateLiteral(day int64) string {
	return "'" + time.Unix(day*24*60*60, 0).UTC().Format(time.DateOnly) + "'"
}

// Extent takes a time near each end from the ids that begin with one, of which the server has the least and the greatest of each part in memory, and looks
// for what is beyond it by the index of times. Where nothing is, since ids begin with other times or with none, it reads all.
func (s *queryStore) Extent(ctx context.Context) (oldest, newest int64, found bool, err error) {
	ids, err := s.numbers(ctx, "session_events", " WHERE _partition_id BETWEEN '197001' AND '209912'", millisecondOf("min(record_id)"), millisecondOf("max(record_id)"))
	if err != nil {
		return 0, 0, false, err
	}
	moment := func(millisecond int64) string {
		return "fromUnixTimestamp64Nano(" + strconv.FormatInt(millisecond*int64(time.Millisecond), 10) + ", 'UTC')"
	}
	early, late := "time < "+moment(ids[0]+1), "time >= "+moment(ids[1])
	ends := []string{"min(" + s.Nanoseconds() + ")", "max(" + s.Nanoseconds() + ")"}
	row, err := s.numbers(ctx, "session_events", " WHERE "+early+" OR "+late, append(ends, "countIf("+early+")", "countIf("+late+")")...)
	if err == nil && (row[2] == 0 || row[3] == 0) {
		row, err = s.numbers(ctx, "session_events", "", append(ends, "count()")...)
	}
	return row[0], row[1], err == nil && row[2] > 0, err
}

func millisecondOf(id string) string {
	return "reinterpretAsUInt64(reverse(substring(" + id + ", 1, 6)))"
}

// numbers are those of the one row of an answer. Records that were delivered twice are twice there.
func (s *queryStore) numbers(ctx context.Context, table, where string, expressions ...string) ([]int64, error) {
	all := make([]int64, len(expressions))
	for row, err := range s.Rows(ctx, s.Select(expressions...)+" FROM "+s.cfg.prefixNames(table)+where, len(expressions)) {
		if err != nil {
			return all, err
		}
		for i := range all {
			if all[i], err = strconv.ParseInt(row[i].Text, 10, 64); err != nil {
				return all, err
			}
		}
	}
	return all, nil
}

func (s *queryStore) eachRow(ctx context.Context, sql string, results proto.Results, do func(row int) (more bool, err error)) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var failed error
	more := true
	err := s.connection.runStatement(ctx, func(conn configclickhouse.Conn) error {
		err := conn.Query(ctx, "", sql, results, func(rows int) error {
			for row := 0; row < rows && more; row++ {
				more, failed = do(row)
			}
			if !more {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	})
	if !more {
		s.connection.closeConn() // the rest is on its way still
	}
	switch {
	case failed != nil:
		return failed
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return s.cfg.explainError("asking", err)
}

func (s *queryStore) Close() error {
	s.connection.closeConn()
	return nil
}
