package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
)

// table is the log as package poll sees it, over one held connection.
type table struct {
	cfg    Config
	name   tableName
	client *configclickhouse.Client
	conn   configclickhouse.Conn // nil when there is none
	layout *layout               // nil when it has to be looked up
	mapper *clickhouselog.Mapper
	own    *ownConn // nil when own logins are not left out
	traces *tracer  // nil when logins are not tied to traces
	log    *zap.Logger

	server string   // UUID of the one that gave the last answer
	node   identity // of them, the one that Read is about

	// met is called when another server answers than before, and may refuse it; lost when no connection can be had. May be nil.
	met  func(ctx context.Context, server string) error
	lost func(err error)

	plan    *reading
	key     keyUse
	checked bool // the server hashes as we do

	unordered bool // rows came out of order when the key was to sort them
	warned    bool // of rows far from their key

	clockAt   time.Time // when the server was asked for the time
	clockSays int64
}

// clockAge is for how long the server's clock is reckoned from our monotonic one. Over HTTP each question is a login.
const clockAge = 5 * time.Minute

// Now implements [poll.Table].
func (t *table) Now(ctx context.Context) (int64, error) {
	if age := time.Since(t.clockAt); t.conn != nil && age < clockAge {
		return t.clockSays + age.Microseconds(), nil
	}
	var now int64
	err := t.ask(ctx, func(conn configclickhouse.Conn) (err error) {
		var server string
		if now, server, err = serverTime(ctx, conn); err != nil {
			return err
		}
		return t.heard(ctx, server)
	})
	if err != nil {
		return 0, err
	}
	t.clockAt, t.clockSays = time.Now(), now
	if t.own != nil {
		t.own.setOffset(now - t.clockAt.UnixMicro())
	}
	if t.traces != nil {
		t.traces.now = now - t.Settle().Microseconds()
	}
	return now, nil
}

// serverSQL is the UUID that a server makes at its first start. It goes with every answer: one address may lead to several servers,
// each with a log of its own.
const serverSQL = "toLowCardinality(toString(serverUUID()))"

func serverTime(ctx context.Context, conn configclickhouse.Conn) (micros int64, server string, err error) {
	var now proto.ColInt64
	names := newDictionary()
	sql := "SELECT toUnixTimestamp64Micro(now64(6)) AS t, " + serverSQL + " AS u"
	err = conn.Query(ctx, "", sql, proto.Results{{Name: "t", Data: &now}, {Name: "u", Data: names}}, func(int) error { return nil })
	if err != nil {
		return 0, "", err
	}
	if len(now) != 1 {
		return 0, "", errors.New("the server did not tell the time")
	}
	server, err = names.first()
	return now[0], server, err
}

// heard notes which server has answered.
func (t *table) heard(ctx context.Context, server string) error {
	if t.own != nil {
		if err := t.own.answered(ctx, server); err != nil {
			return err
		}
	}
	if server == t.server {
		return nil
	}
	if t.met != nil {
		if err := t.met(ctx, server); err != nil {
			return err
		}
	}
	t.server = server
	return nil
}

var errOrder = errors.New("rows did not come in the order of event_time_microseconds; they will be sorted from now on")

// Refresh implements [poll.Table].
func (t *table) Refresh() { t.layout = nil }

// Sums implements [poll.Table].
func (t *table) Sums(ctx context.Context, r poll.Range, width int64, yield func(poll.Sum)) error {
	all, err := t.sums(ctx, r, width)
	for _, s := range all[identity{}] {
		yield(s)
	}
	return err
}

// sums are those of each server, or of the one there is. They are complete: an answer that breaks off does not count.
func (t *table) sums(ctx context.Context, r poll.Range, width int64) (all map[identity][]poll.Sum, err error) {
	err = t.askTable(ctx, func(conn configclickhouse.Conn) error {
		key, everything := t.key, width == poll.Day && r.To == poll.Always.To
		if everything {
			key = keyUnused
		}
		answer := newSumsAnswer(t.layout)
		if err := conn.Query(ctx, "", sumsSQL(t.layout, r, width, key), answer.columns, answer.block); err != nil {
			return err
		}
		if err := t.heard(ctx, answer.by); err != nil {
			return err
		}
		if everything {
			t.learnKey(answer.strays[0], answer.strays[1])
		}
		all = answer.sums
		return nil
	})
	return all, err
}

// learnKey decides from a look at all rows whether the sorting key can be relied on.
func (t *table) learnKey(far, loose uint64) {
	switch {
	case far > 0:
		if !t.warned {
			t.warned = true
			t.log.Warn("rows whose event_date or event_time does not go with event_time_microseconds: each poll looks at all rows",
				zap.Stringer("table", t.name), zap.Uint64("rows", far))
		}
		t.key = keyUnused
	case loose > 0 || t.unordered:
		t.key = keyFinds
	default:
		t.key = keySorts
	}
}

// Read implements [poll.Table].
func (t *table) Read(ctx context.Context, r poll.Range, yield func(poll.Rows) error) error {
	return t.askTable(ctx, func(conn configclickhouse.Conn) error {
		if t.traces != nil {
			if err := t.traces.prepare(ctx, conn, t.layout, t.cfg.Username, r); err != nil {
				return err
			}
		}
		t.mapper.Restart()
		if t.plan == nil {
			t.plan = t.newPlan()
		}
		last := r.From
		o := newOverlap(t.plan.block, t.plan.look, func(b *block) error {
			if err := t.heardFrom(ctx, b); err != nil {
				return err
			}
			b.own, b.traces = t.own, t.traces
			if last = b.ordered(last); last == math.MaxInt64 {
				// A server that has changed its zone: dates of then and of now go differently with time.
				t.key, t.unordered = min(t.key, keyFinds), true
				return errOrder
			}
			return yield(b)
		})
		err := conn.Query(ctx, "", t.plan.sql(t.layout, r, t.key, t.node), t.plan.columns, o.next)
		if last := o.stop(); err == nil {
			err = last
		}
		return err
	})
}

// heardFrom notes which server has sent a block, and whose log its rows are of.
func (t *table) heardFrom(ctx context.Context, b *block) error {
	server := b.server.at(0)
	b.from = t.node.uuid
	if b.from == "" {
		b.from = server
	}
	return t.heard(ctx, server)
}

// Settle implements [poll.Settling].
func (t *table) Settle() time.Duration {
	if t.traces == nil {
		return 0
	}
	return t.cfg.TraceCorrelation.Settle
}

// Follow implements [poll.Following]: logins whose trace became known after they were told.
func (t *table) Follow(ctx context.Context, r poll.Range, tell func(context.Context, []session.Event) error) error {
	if t.traces == nil {
		return nil
	}
	var later []traced
	err := t.askTable(ctx, func(conn configclickhouse.Conn) (err error) {
		later, err = t.traces.follow(ctx, conn, t.layout, t.cfg.Username, r)
		return err
	})
	if err != nil {
		return err
	}
	var page []session.Event
	for i := range later {
		if t.own != nil && t.own.has(&later[i].row, t.server) {
			continue
		}
		var e session.Event
		t.mapper.Restart()
		t.mapper.Update(&later[i].row, later[i].trace, &e)
		e.Observed = time.Now().UnixNano()
		if page = append(page, e); len(page) >= t.cfg.BatchSize {
			if err := tell(ctx, page); err != nil {
				return err
			}
			page = page[:0]
		}
	}
	if err := tell(ctx, page); err != nil {
		return err
	}
	return t.traces.settled(ctx, later, r.To)
}

func (t *table) newPlan() *reading {
	plan := newReading(t.layout, t.newBlock())
	plan.look = t.newBlock()
	return plan
}

func (t *table) newBlock() *block {
	b := newBlock(t.name, t.mapper)
	b.users = map[string]bool{}
	for _, user := range t.cfg.ExcludeUsers {
		b.users[user] = true
	}
	t.layout.addExtras(b)
	if kind, ok := t.layout.has("auth_type"); ok {
		b.authType.table = parseEnum(kind)
	}
	if kind, ok := t.layout.has("interface"); ok {
		b.iface.table = parseEnum(kind)
	}
	return b
}

// askTable runs a query about the log, of which it knows the layout.
func (t *table) askTable(ctx context.Context, query func(configclickhouse.Conn) error) error {
	return t.ask(ctx, func(conn configclickhouse.Conn) error {
		if t.layout == nil {
			l, err := t.readLayout(ctx, conn)
			if err != nil {
				return err
			}
			t.layout, t.plan = l, nil
		}
		if t.traces != nil {
			if err := t.traces.load(ctx); err != nil {
				return err
			}
		}
		if !t.checked {
			server, err := checkHash(ctx, conn)
			if err == nil {
				err = t.heard(ctx, server)
			}
			if err != nil {
				return err
			}
			t.checked = true
		}
		err := query(conn)
		var x *configclickhouse.Exception
		if errors.As(err, &x) {
			t.layout = nil // renamed, dropped or changed: look anew
		}
		return err
	})
}

func (t *table) readLayout(ctx context.Context, conn configclickhouse.Conn) (*layout, error) {
	if t.cfg.AllReplicas != "" {
		l, server, err := readReplicasLayout(ctx, conn, t.name, t.cfg)
		if err == nil {
			err = t.heard(ctx, server)
		}
		return l, err
	}
	return readLayout(ctx, conn, t.name, t.cfg)
}

// ask runs a query, connecting first where there is no connection. After an error that is not the server's word the
// connection is given up.
func (t *table) ask(ctx context.Context, query func(configclickhouse.Conn) error) error {
	if err := t.connect(ctx); err != nil {
		err = explain(err, t.name, t.cfg)
		if t.lost != nil {
			t.lost(err)
		}
		return err
	}
	err := query(t.conn)
	var x *configclickhouse.Exception
	var waiting *poll.WaitError
	if err != nil && !errors.As(err, &x) && !errors.As(err, &waiting) {
		t.disconnect()
		return err
	}
	return explain(err, t.name, t.cfg)
}

func (t *table) connect(ctx context.Context) error {
	if t.conn != nil {
		return nil
	}
	conn, err := t.client.Connect(ctx)
	if err != nil {
		return err
	}
	t.conn, t.layout, t.clockAt = conn, nil, time.Time{}
	return nil
}

func (t *table) disconnect() {
	if t.conn == nil {
		return
	}
	_ = t.conn.Close()
	t.conn = nil
}

// checkHash makes sure that the sums can be compared at all.
func checkHash(ctx context.Context, conn configclickhouse.Conn) (server string, err error) {
	id := uuid.MustParse("01234567-89ab-4def-8123-456789abcdef")
	const micros, kind, port = -1_234_567, 2, 54321
	var got proto.ColUInt64
	names := newDictionary()
	sql := "SELECT " + hashExpression(fmt.Sprintf("toInt64(%d)", micros), "toUUID("+configclickhouse.QuoteText(id.String())+")",
		fmt.Sprintf("toInt16(%d)", kind), fmt.Sprintf("toUInt16(%d)", port)) + " AS h, " + serverSQL + " AS u"
	if err := conn.Query(ctx, "", sql, proto.Results{{Name: "h", Data: &got}, {Name: "u", Data: names}}, func(int) error { return nil }); err != nil {
		return "", err
	}
	if len(got) != 1 || got[0] != rowHash(micros, id, kind, port) {
		return "", errors.New("this server's intHash64 or reinterpretAsUInt64 differs from those of the ClickHouse releases known; please report its version()")
	}
	return names.first()
}
