package sqlite

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/internal/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

const mostUncounted = 100_000 // rows that a statement reads beside the summary: a tenth of a second

type queryStore struct {
	cfg  Config
	conn *sqlite.Conn
}

// OpenQueryStore opens a database to be asked, while others write. Of cfg only path, table_prefix and busy_timeout count. It is used by one
// caller at a time.
func OpenQueryStore(ctx context.Context, cfg Config) (query.Store, error) {
	conn, err := cfg.openReader(ctx)
	if err != nil {
		return nil, err
	}
	if err := sqlitex.ExecuteTransient(conn, "PRAGMA cache_size = -32000", nil); err != nil { // a look-up touches each partition
		return nil, errors.Join(cfg.explainError("asking", err), conn.Close())
	}
	for _, f := range []struct {
		name      string
		arguments int
		isMet     func([]sqlite.Value) (bool, error)
	}{{"sessionlog_in_network", 2, inNetwork}, {"sessionlog_is_respelled", 3, isSpelledDifferently}, {"sessionlog_is_text", 1, isText}} {
		err := conn.CreateFunction(f.name, &sqlite.FunctionImpl{NArgs: f.arguments, Deterministic: true, AllowIndirect: true, Scalar: func(_ sqlite.Context, args []sqlite.Value) (sqlite.Value, error) {
			is, err := f.isMet(args)
			return sqlite.IntegerValue(integerOf(is)), err
		}})
		if err != nil {
			return nil, errors.Join(cfg.explainError("asking", err), conn.Close())
		}
	}
	return &queryStore{cfg, conn}, nil
}

func (s *queryStore) Table() string { return s.cfg.prefixNames("session_events") }

func (s *queryStore) TableNamed(name string) string { return s.cfg.prefixNames(name) }

// Disguised: a column takes a value of any type, which conditions distinguish and readers do not.
func (s *queryStore) Disguised() string {
	var all []string
	for i := range session.Fields {
		f := &session.Fields[i]
		switch f.In(&session.Event{}).(type) {
		case *string, *session.Kind, *session.Outcome:
			all = append(all, fmt.Sprintf("CASE typeof(%[1]s) WHEN 'null' THEN 0 WHEN 'text' THEN %[2]t AND %[1]s = '' WHEN 'blob' THEN sessionlog_is_text(%[1]s) ELSE 1 END", f.Column, f.Name != "User"))
		case *session.ID, *[16]byte:
			all = append(all, fmt.Sprintf("typeof(%[1]s) NOT IN ('blob', 'null') OR length(%[1]s) <> 16", f.Column))
		case *[8]byte:
			all = append(all, fmt.Sprintf("typeof(%[1]s) NOT IN ('blob', 'null') OR length(%[1]s) <> 8", f.Column))
		case *int64, *int32, *uint32:
			all = append(all, fmt.Sprintf("typeof(%[1]s) NOT IN ('integer', 'null') OR %[2]t AND %[1]s = 0", f.Column, f.Name != "Time"))
		default:
			letters := "NULL"
			if f.Name == "Extra" {
				letters = "attribute_types"
				all = append(all, f.Column+" IS NULL AND attribute_types IS NOT NULL OR typeof(attribute_types) NOT IN ('text', 'null')")
			}
			all = append(all, fmt.Sprintf("CASE typeof(%[1]s) WHEN 'null' THEN 0 WHEN 'text' THEN 0 WHEN 'blob' THEN sessionlog_is_text(%[1]s) ELSE 1 END", f.Column),
				fmt.Sprintf("%[1]s IS NOT NULL AND sessionlog_is_respelled('%[1]s', %[1]s, %[2]s)", f.Column, letters))
		}
	}
	return strings.Join(all, " OR ")
}

func integerOf(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

func isSpelledDifferently(args []sqlite.Value) (bool, error) {
	var e session.Event
	var b rowBinder
	column := args[0].Text()
	field := &session.Fields[slices.IndexFunc(session.Fields, func(f session.Field) bool { return f.Column == column })]
	cell, letters := args[1].Text(), args[2].Text()
	if err := (jsoncolumn.Reader{}).Field(field)(&e, cell, false); err != nil {
		return true, nil //nolint:nilerr // another form of JSON is another spelling
	}
	var spelled []byte
	switch v := field.In(&e).(type) {
	case *[]string:
		spelled = b.columns.Strings(*v)
	case *[]session.Setting:
		spelled = b.columns.Settings(*v)
	case *[]session.Attr:
		jsoncolumn.ApplyTypeLetters(*v, letters)
		if string(b.attributeTypes(*v)) != letters {
			return true, nil
		}
		spelled = b.columns.Attributes(*v, jsoncolumn.IsNative)
	}
	return string(spelled) != cell, nil
}

func isText(args []sqlite.Value) (bool, error) { return utf8.Valid(args[0].Blob()), nil }

func (s *queryStore) Hexadecimal(column string) string { return "hex(" + column + ")" }

// Text is a text, or the bytes of what is none, as bindText binds them.
func (s *queryStore) Text(text string) string {
	switch {
	case !utf8.ValidString(text):
		return "x'" + hex.EncodeToString([]byte(text)) + "'"
	case strings.IndexByte(text, 0) >= 0:
		return "CAST(x'" + hex.EncodeToString([]byte(text)) + "' AS TEXT)"
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

func (s *queryStore) Identity(_ *session.Field, id []byte) string {
	return "x'" + hex.EncodeToString(id) + "'"
}

func (s *queryStore) Between(from, until int64) string {
	return fmt.Sprintf("time >= %d AND time < %d", from, until)
}

func (s *queryStore) Nanoseconds() string { return "time" }

func (s *queryStore) Equals(f *session.Field, literal string) string {
	return f.Column + " = " + literal
}

// NewestOf looks each key up in the index of the first field.
func (s *queryStore) NewestOf(fields []*session.Field, keys [][]query.Cell, condition string) string {
	var names, equal []string
	for i, f := range fields {
		names = append(names, "key_"+f.Column)
		if equal = append(equal, f.Column+" = "+names[i]); i > 0 {
			equal[i] = "+" + f.Column + " IS " + names[i] // by no other index
		}
	}
	return "WITH looked_up(" + strings.Join(names, ", ") + ") AS (VALUES " + s.literals(keys) + ") SELECT " + strings.Join(names, ", ") +
		", (SELECT time FROM " + s.Table() + " WHERE " + strings.Join(equal, " AND ") + " AND " + condition + " ORDER BY time DESC LIMIT 1) FROM looked_up"
}

// Summary reads how far the writer has counted. Where it is far behind, looking rows up costs less than reading those that are not counted yet.
func (s *queryStore) Summary(ctx context.Context) (summary query.Summary, known bool, err error) {
	sql := s.cfg.prefixNames("SELECT value, coalesce((SELECT arrival FROM session_events ORDER BY arrival DESC LIMIT 1), 0) FROM sessionlog_settings WHERE name = '" + summarySetting + "'")
	err = s.eachRow(ctx, sql, func(stmt *sqlite.Stmt) (bool, error) {
		known = stmt.ColumnInt64(1)-stmt.ColumnInt64(0) <= mostUncounted
		return false, nil
	})
	return summaryReader{&s.cfg}, known, err
}

func (s *queryStore) Absent(f *session.Field) string { return f.Column + " IS NULL" }

func (s *queryStore) Contains(f *session.Field, text string) string {
	return "EXISTS (SELECT 1 FROM json_each(" + f.Column + ") WHERE value = " + s.Text(text) + ")"
}

func (s *queryStore) HasPrefix(f *session.Field, prefix string) string {
	bytes := "substr(CAST(" + f.Column + " AS BLOB), 1, " + strconv.Itoa(len(prefix)) + ") = x'" + hex.EncodeToString([]byte(prefix)) + "'"
	if !utf8.ValidString(prefix) {
		return bytes
	}
	return f.Column + " >= " + s.Text(prefix) + " AND " + bytes // the first for an index
}

func (s *queryStore) InNetwork(f *session.Field, network netip.Prefix) string {
	return "sessionlog_in_network(" + f.Column + ", '" + network.String() + "')"
}

func inNetwork(args []sqlite.Value) (bool, error) {
	// SQLite has no type for addresses.
	network, err := netip.ParsePrefix(args[1].Text())
	if err != nil || args[0].Type() != sqlite.TypeText {
		return false, err
	}
	return query.ContainsAddress(network, args[0].Text()), nil
}

func (s *queryStore) AsText(f *session.Field) string {
	switch f.In(&session.Event{}).(type) {
	case *session.ID, *[16]byte, *[8]byte:
		return "lower(nullif(hex(" + f.Column + "), ''))"
	}
	return f.Column
}

func (s *queryStore) KeysAtOnce() int { return 100 }

// GroupsFast: SQLite sorts for GROUP BY, 50 µs for a row and twelve facets.
func (s *queryStore) GroupsFast() bool { return false }

func (s *queryStore) Divide(expression string, by int64) string {
	return expression + " / " + strconv.FormatInt(by, 10)
}

func (s *queryStore) Select(expressions ...string) string {
	return "SELECT " + strings.Join(expressions, ", ")
}

func (s *queryStore) Rows(ctx context.Context, sql string, expressions int) iter.Seq2[[]query.Cell, error] {
	return query.YieldEach(func(next func([]query.Cell) bool) error {
		cells := make([]query.Cell, expressions)
		return s.eachRow(ctx, sql, func(stmt *sqlite.Stmt) (bool, error) {
			for i := range cells {
				cells[i] = query.Cell{Text: stmt.ColumnText(i), Absent: stmt.ColumnIsNull(i)}
			}
			return next(cells), nil
		})
	})
}

func (s *queryStore) Events(ctx context.Context, table, tail string) iter.Seq2[*session.Event, error] {
	return query.YieldEach(func(next func(*session.Event) bool) error {
		var e session.Event
		return s.eachRow(ctx, s.Select(eventExpressions()...)+" FROM "+table+tail, func(stmt *sqlite.Stmt) (bool, error) {
			if err := decodeEvent(stmt, &e); err != nil {
				return false, err
			}
			return next(&e), nil
		})
	})
}

func (s *queryStore) Extent(ctx context.Context) (oldest, newest int64, found bool, err error) {
	for _, order := range []string{"ASC", "DESC"} {
		err = s.eachRow(ctx, "SELECT time FROM "+s.Table()+" ORDER BY time "+order+" LIMIT 1", func(stmt *sqlite.Stmt) (bool, error) {
			if order == "ASC" {
				oldest, found = stmt.ColumnInt64(0), true
			} else {
				newest = stmt.ColumnInt64(0)
			}
			return true, nil
		})
		if err != nil {
			return 0, 0, false, err
		}
	}
	return oldest, newest, found, nil
}

func (s *queryStore) eachRow(ctx context.Context, sql string, do func(*sqlite.Stmt) (more bool, err error)) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.conn.SetInterrupt(ctx.Done())
	stmt, _, err := s.conn.PrepareTransient(sql)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if sqlite.ErrCode(err) == sqlite.ResultError {
		return fmt.Errorf("sqlite: asking, path %q: %w: name the file and the table_prefix of an exporter that has run: %w", s.cfg.Path, ErrNoSchema, err)
	}
	if err != nil {
		return s.cfg.explainError("asking", err)
	}
	defer func() { _ = stmt.Finalize() }()
	for {
		there, err := stmt.Step()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return s.cfg.explainError("asking", err)
		case !there:
			return nil
		}
		if more, err := do(stmt); err != nil || !more {
			return err
		}
	}
}

// summaryReader asks what the writer has counted, and in the same statement the rows that it has not counted yet: somebody may have the summary counted anew
// between two statements.
type summaryReader struct{ cfg *Config }

const (
	uncountedLogins = " FROM session_events WHERE arrival > (SELECT value FROM sessionlog_settings WHERE name = '" + summarySetting + "') AND kind = 'login' AND outcome = 'success' AND +user_name IS NOT NULL"
	newPairs        = "WITH uncounted AS MATERIALIZED (SELECT user_name, system, instance, client_address, time" + uncountedLogins + " AND +client_address IS NOT NULL) " +
		"SELECT user_name, nullif(system, x''), nullif(instance, x''), client_address FROM sessionlog_pairs WHERE first >= %[1]d " +
		"UNION SELECT user_name, system, instance, client_address FROM uncounted AS e WHERE time >= %[1]d AND NOT EXISTS (SELECT 1 FROM sessionlog_pairs AS p " +
		"WHERE p.user_name = e.user_name AND p.client_address = e.client_address AND p.system = coalesce(e.system, x'') AND p.instance = coalesce(e.instance, x'') AND p.first < %[1]d) " +
		"EXCEPT SELECT user_name, system, instance, client_address FROM uncounted WHERE time < %[1]d"
	hoursByDay = "WITH shifted AS (VALUES %[1]s) SELECT user_name, system, instance, %[2]s, %[3]s, 0, NULL FROM (SELECT user_name, system, instance, time / 86400000000000 AS day, " +
		"1 << (time / 3600000000000 %% 24) AS hours" + uncountedLogins + ") JOIN shifted ON day = column1 " +
		"UNION ALL SELECT user_name, nullif(system, x''), nullif(instance, x''), %[2]s, %[3]s, %[3]s <> 0, column1 FROM shifted CROSS JOIN sessionlog_hours ON day = column1"
)

func (s summaryReader) NewPairs(from int64) string {
	return s.cfg.prefixNames(fmt.Sprintf(newPairs, from))
}

// Hours hands out what each day says: grouping is for the reader.
func (s summaryReader) Hours(begin int64, now, before []query.HourShift) string {
	var rows []string
	column := 1
	set := func(shifts []query.HourShift) string {
		all := []string{"0"}
		for _, shift := range shifts {
			column++
			operator, by := "<<", shift.By
			if by < 0 {
				operator, by = ">>", -by
			}
			all = append(all, fmt.Sprintf("((hours & column%d) %s %d)", column, operator, by))
			for i, mask := range shift.Masks {
				if len(rows) == i {
					rows = append(rows, strconv.FormatInt(begin+int64(i), 10))
				}
				rows[i] += ", " + strconv.FormatUint(uint64(mask), 10)
			}
		}
		return "(" + strings.Join(all, " | ") + ")"
	}
	ofRange, ofPast := set(now), set(before)
	slices.Reverse(rows)
	return s.cfg.prefixNames(fmt.Sprintf(hoursByDay, "("+strings.Join(rows, "), (")+")", ofRange, ofPast))
}

func (s *queryStore) literals(rows [][]query.Cell) string {
	values := make([]string, len(rows))
	for i, row := range rows {
		cells := make([]string, len(row))
		for c, cell := range row {
			if cells[c] = "NULL"; !cell.Absent {
				cells[c] = s.Text(cell.Text)
			}
		}
		values[i] = "(" + strings.Join(cells, ", ") + ")"
	}
	return strings.Join(values, ", ")
}

func (s *queryStore) Close() error { return s.conn.Close() }
