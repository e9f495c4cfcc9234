package postgresql

import (
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

type queryStore struct {
	cfg  Config
	conn *pgconn.PgConn // closed by a statement that was interrupted
}

// OpenQueryStore logs in to ask. It is used by one caller at a time.
func OpenQueryStore(ctx context.Context, cfg Config) (query.Store, error) {
	s := &queryStore{cfg: cfg}
	if err := s.connectReader(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *queryStore) connectReader(ctx context.Context) error {
	cfg := s.cfg
	conn, err := cfg.Connect(ctx, configpostgresql.Options{})
	if err != nil {
		return cfg.explainError("connecting", err)
	}
	if err = execStatements(ctx, conn, cfg.searchPath()+"; SET standard_conforming_strings = on; SET default_transaction_read_only = on; SET jit = off"); err != nil {
		closeGracefully(conn)
		return cfg.explainError("asking", err)
	}
	s.conn = conn
	return nil
}

func (s *queryStore) Table() string { return s.cfg.prefixNames("session_events") }

func (s *queryStore) TableNamed(name string) string { return s.cfg.prefixNames(name) }

// Disguised: what is absent is NULL, lists begin at 1, and the times for people are those that count.
func (s *queryStore) Disguised() string {
	all := []string{"time <> " + timestampOf("time_ns"), "observed IS DISTINCT FROM " + timestampOf("observed_ns"), "attributes_exact = '[]'"}
	for i := range session.Fields {
		f := &session.Fields[i]
		switch f.In(&session.Event{}).(type) {
		case *string:
			if f.Name != "User" {
				all = append(all, f.Column+" = ''")
			}
		case *int32, *uint32:
			all = append(all, f.Column+" = 0")
		case *int64:
			switch f.Name {
			case "Time":
			case "Observed":
				all = append(all, "observed_ns = 0")
			default:
				all = append(all, f.Column+" = 0")
			}
		case *session.ID, *[16]byte:
			all = append(all, f.Column+" = "+s.Identity(f, make([]byte, 16)))
		case *[8]byte:
			all = append(all, f.Column+" = "+s.Identity(f, make([]byte, 8)))
		case *[]string:
			all = append(all, f.Column+" = '{}' OR array_lower("+f.Column+", 1) <> 1")
		case *[]session.Setting:
			all = append(all, f.Column+" = '[]'")
		case *[]session.Attr:
			all = append(all, f.Column+" = '{}'")
		}
	}
	return strings.Join(all, " OR ")
}

func timestampOf(nanoseconds string) string {
	return "timestamptz 'epoch' + floor(" + nanoseconds + " / 1000.0) * interval '1 microsecond'"
}

const exactAtOnce = 200

// DisguisedAttributes are conditions for rows whose attributes say something else than attributes_exact, from which they are read where that has them.
func (s *queryStore) DisguisedAttributes(ctx context.Context) iter.Seq2[string, error] {
	return query.YieldEach(func(next func(string) bool) error {
		var columns jsonColumns
		for after, n := (session.ID{}), exactAtOnce; n == exactAtOnce; {
			var all []string
			n = 0
			for e, err := range s.Events(ctx, s.Table(), fmt.Sprintf(" WHERE attributes_exact IS NOT NULL AND record_id > '%s' ORDER BY record_id LIMIT %d", after, exactAtOnce)) {
				if err != nil {
					return err
				}
				after, n = e.RecordID, n+1
				all = append(all, fmt.Sprintf("record_id = '%s' AND (attributes IS DISTINCT FROM %s OR attributes_exact IS DISTINCT FROM %s)",
					e.RecordID, jsonLiteral(columns.attributesColumn(e.Extra)), jsonLiteral(columns.exactAttributesColumn(e.Extra))))
			}
			if n > 0 && !next(strings.Join(all, " OR ")) {
				return nil
			}
		}
		return nil
	})
}

func jsonLiteral(column []byte) string {
	if len(column) == 0 {
		return "NULL"
	}
	return "'" + strings.ReplaceAll(string(column), "'", "''") + "'::jsonb"
}

func (s *queryStore) Hexadecimal(column string) string { return "encode(" + column + ", 'hex')" }

func (s *queryStore) Text(text string) string {
	return "'" + strings.ReplaceAll(string(appendStorable(nil, text)), "'", "''") + "'"
}

func (s *queryStore) Identity(f *session.Field, id []byte) string {
	if _, uuid := f.In(&session.Event{}).(*session.ID); uuid {
		return "'" + session.ID(id).String() + "'"
	}
	return `'\x` + hex.EncodeToString(id) + "'"
}

// Between asks for the column with an index too, which is cut to microseconds.
func (s *queryStore) Between(from, until int64) string {
	return fmt.Sprintf("time >= %s AND time <= %s AND time_ns >= %d AND time_ns < %d", asTimestamp(from, 0), asTimestamp(until, time.Microsecond), from, until)
}

// asTimestamp is the literal of a moment and some more, rounded down to microseconds.
func asTimestamp(nanoseconds int64, more time.Duration) string {
	return time.Unix(0, nanoseconds).Add(more).UTC().Format("'2006-01-02 15:04:05.999999+00'")
}

func (s *queryStore) Nanoseconds() string { return "time_ns" }

// Equals has the beginnings first, which have indexes (partitionIndexes).
func (s *queryStore) Equals(f *session.Field, literal string) string {
	if f.Name == "User" || f.Name == "ClientAddress" {
		return "left(" + f.Column + ", 200) = left(" + literal + ", 200) AND " + f.Column + " = " + literal
	}
	return f.Column + " = " + literal
}

// NewestOf looks each key up in the index of the first field, which ends with the time.
func (s *queryStore) NewestOf(fields []*session.Field, keys [][]query.Cell, condition string) string {
	var names, equal, values []string
	for i, f := range fields {
		names = append(names, "key_"+f.Column)
		if equal = append(equal, s.Equals(f, names[i])); i > 0 {
			equal[i] = f.Column + " IS NOT DISTINCT FROM " + names[i]
		}
	}
	for _, key := range keys {
		literals := make([]string, len(key))
		for i, cell := range key {
			if literals[i] = "NULL::text"; !cell.Absent {
				literals[i] = s.Text(cell.Text) + "::text"
			}
		}
		values = append(values, "("+strings.Join(literals, ", ")+")")
	}
	return "SELECT " + strings.Join(names, ", ") + ", (SELECT time_ns FROM " + s.Table() + " WHERE " + strings.Join(equal, " AND ") + " AND " + condition +
		" ORDER BY time DESC LIMIT 1) FROM (VALUES " + strings.Join(values, ", ") + ") AS looked_up(" + strings.Join(names, ", ") + ")"
}

func (s *queryStore) Absent(f *session.Field) string { return f.Column + " IS NULL" }

func (s *queryStore) Contains(f *session.Field, text string) string {
	return f.Column + " @> ARRAY[" + s.Text(text) + "]"
}

func (s *queryStore) HasPrefix(f *session.Field, prefix string) string {
	return "starts_with(" + f.Column + ", " + s.Text(prefix) + ")"
}

// InNetwork casts nothing to inet that is no address, which would be an error.
func (s *queryStore) InNetwork(f *session.Field, network netip.Prefix) string {
	ipv4, ipv6 := query.AddressPatterns()
	short := fmt.Sprintf("length(%s) <= %d", f.Column, query.LongestAddress)
	within, mapped := f.Column+"::inet <<= '"+network.String()+"'", f.Column+"::inet <<= '"+query.MappedNetwork(network).String()+"'"
	if network.Addr().Is4() {
		return "CASE WHEN " + short + " AND " + f.Column + " ~ '" + ipv4 + "' THEN " + within + " WHEN " + short + " AND " + f.Column + " ~ '" + ipv6 + "' THEN " + mapped + " ELSE FALSE END"
	}
	return "CASE WHEN " + short + " AND " + f.Column + " ~ '" + ipv6 + "' THEN " + within + " AND NOT " + f.Column + "::inet <<= '::ffff:0.0.0.0/96' ELSE FALSE END"
}

func (s *queryStore) AsText(f *session.Field) string {
	switch f.In(&session.Event{}).(type) {
	case *session.ID:
		return "replace(" + f.Column + "::text, '-', '')"
	case *[16]byte, *[8]byte:
		return "encode(" + f.Column + ", 'hex')"
	case *string, *session.Kind, *session.Outcome:
		return f.Column
	}
	return f.Column + "::text"
}

func (s *queryStore) KeysAtOnce() int { return 100 }

func (s *queryStore) GroupsFast() bool { return true }

func (s *queryStore) Divide(expression string, by int64) string {
	return expression + " / " + strconv.FormatInt(by, 10)
}

func (s *queryStore) Select(expressions ...string) string {
	return "SELECT " + strings.Join(expressions, ", ")
}

func (s *queryStore) Rows(ctx context.Context, sql string, expressions int) iter.Seq2[[]query.Cell, error] {
	return query.YieldEach(func(next func([]query.Cell) bool) error {
		cells := make([]query.Cell, expressions)
		return s.eachRow(ctx, sql, func(values [][]byte) (bool, error) {
			for i := range cells {
				cells[i] = query.Cell{Text: restoreText(string(values[i])), Absent: values[i] == nil}
			}
			return next(cells), nil
		})
	})
}

func (s *queryStore) Events(ctx context.Context, table, tail string) iter.Seq2[*session.Event, error] {
	return query.YieldEach(func(next func(*session.Event) bool) error {
		var e session.Event
		return s.eachRow(ctx, "SELECT "+selectList()+" FROM "+table+tail, func(values [][]byte) (bool, error) {
			if err := decodeEvent(values, &e); err != nil {
				return false, err
			}
			return next(&e), nil
		})
	})
}

// endOfTimes is where ids are no longer taken for ones that begin with a time: the year 2100, in milliseconds.
const endOfTimes = 4_102_444_800_000

// Extent takes a time near each end from the key, whose ids begin with one, and looks for what is beyond it by the index of times. Where the ids say
// nothing, that is the table.
func (s *queryStore) Extent(ctx context.Context) (oldest, newest int64, found bool, err error) {
	last, found, err := s.oneNumber(ctx, "SELECT time_ns FROM session_events WHERE record_id < '"+leastRecordID(endOfTimes)+"' ORDER BY record_id DESC LIMIT 1")
	if err != nil {
		return 0, 0, false, err
	}
	beyond := ""
	if found {
		beyond = " WHERE time >= " + asTimestamp(last, 0)
	}
	if newest, found, err = s.oneNumber(ctx, "SELECT max(time_ns) FROM session_events"+beyond); err != nil || !found {
		return 0, 0, false, err
	}
	first, _, err := s.oneNumber(ctx, "SELECT time_ns FROM session_events ORDER BY record_id LIMIT 1")
	if err != nil {
		return 0, 0, false, err
	}
	oldest, found, err = s.oneNumber(ctx, "SELECT min(time_ns) FROM session_events WHERE time <= "+asTimestamp(first, time.Microsecond))
	return oldest, newest, found, err
}

func (s *queryStore) oneNumber(ctx context.Context, sql string) (n int64, found bool, err error) {
	err = s.eachRow(ctx, s.cfg.prefixNames(sql), func(values [][]byte) (bool, error) {
		if values[0] == nil {
			return true, nil
		}
		found = true
		n, err = strconv.ParseInt(string(values[0]), 10, 64)
		return true, err
	})
	return n, found, err
}

func (s *queryStore) eachRow(ctx context.Context, sql string, do func(values [][]byte) (more bool, err error)) error {
	if s.conn.IsClosed() && ctx.Err() == nil {
		if err := s.connectReader(ctx); err != nil {
			return errorOrCause(ctx, err)
		}
	}
	statement, interrupt := context.WithCancel(ctx)
	defer interrupt()
	results := s.conn.ExecParams(statement, sql, nil, nil, nil, nil)
	for results.NextRow() {
		if more, err := do(results.Values()); err != nil || !more {
			interrupt() // the rest is on its way still
			_, _ = results.Close()
			return err
		}
	}
	if _, err := results.Close(); err != nil {
		return errorOrCause(ctx, s.cfg.explainError("asking", err))
	}
	return nil
}

func errorOrCause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (s *queryStore) Close() error {
	closeGracefully(s.conn)
	return nil
}
