package clickhouse

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/traces"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
)

// logTable is the [poll.Table] of the log (and its CountingTable, DelayedTable and UpdatingTable), over one held connection.
type logTable struct {
	*heldConnection
	cfg    Config
	mapper *clickhouselog.Mapper
	traces *traces.Tracer  // nil when logins are not tied to traces
	beside *heldConnection // that of the traces' questions about a backlog; may be nil
	logger *zap.Logger
	node   rows.Identity // of the servers behind the connection, the one that Read is about

	layout      *rows.Layout          // nil when it has to be looked up
	layoutFrom  configclickhouse.Conn // that it was looked up over
	rows        *rows.Query           // of layout
	hashChecked bool                  // the server hashes as we do

	key       rows.KeyUse
	unordered bool // rows came out of order when the key was to sort them
	warned    bool // of rows far from their key

	clockFrom  configclickhouse.Conn // that was asked for the time
	clockAsked time.Time
	clock      int64 // what it said
}

var (
	_ poll.CountingTable = (*logTable)(nil)
	_ poll.DelayedTable  = (*logTable)(nil)
	_ poll.UpdatingTable = (*logTable)(nil)
	_ poll.MultiServer   = (*oneServer)(nil)
)

// newTable makes the log as it is read over a connection. tracer is nil where logins are not tied to traces.
func (r *clickhouseSource) newTable(cfg Config, c *heldConnection, tracer *traces.Tracer, logger *zap.Logger) *logTable {
	return &logTable{heldConnection: c, cfg: cfg, mapper: clickhouselog.NewMapper(r.instance), traces: tracer, logger: logger}
}

// clockAge is for how long the server's clock is reckoned from our monotonic one. Over HTTP each question is a login.
const clockAge = 5 * time.Minute

func (t *logTable) Now(ctx context.Context) (int64, error) {
	if age := time.Since(t.clockAsked); t.conn != nil && t.conn == t.clockFrom && age < clockAge {
		return t.clock + age.Microseconds(), nil
	}
	var now int64
	err := t.runQuery(ctx, func(conn configclickhouse.Conn) (err error) {
		var server string
		now, server, err = rows.ReadTime(ctx, conn)
		return t.noteAnswer(ctx, server, err)
	})
	if err != nil {
		return 0, err
	}
	t.clockFrom, t.clockAsked, t.clock = t.conn, time.Now(), now
	return now, nil
}

func (t *logTable) Refresh() { t.layout = nil }

func (t *logTable) Sums(ctx context.Context, r poll.TimeRange, width int64, yield func(poll.Sum)) error {
	all, err := t.sumsByServer(ctx, r, width, rows.CountsAndHashes)
	for _, s := range all[rows.Identity{}] {
		yield(s)
	}
	return err
}

func (t *logTable) Counts(ctx context.Context, r poll.TimeRange, width int64, yield func(poll.Sum)) error {
	all, err := t.sumsByServer(ctx, r, width, rows.CountsOnly)
	for _, s := range all[rows.Identity{}] {
		yield(s)
	}
	return err
}

// sumsByServer are those of each server, or of the one there is.
func (t *logTable) sumsByServer(ctx context.Context, r poll.TimeRange, width int64, content rows.SumContent) (all map[rows.Identity][]poll.Sum, err error) {
	err = t.runLogQuery(ctx, func(conn configclickhouse.Conn) error {
		key, fullScan := t.key, width == poll.DayMicros && r.To == poll.AllTimes.To
		if fullScan {
			key = rows.KeyUnused
		}
		sums, err := t.layout.ReadSums(ctx, conn, r, width, key, content)
		if err := t.noteAnswer(ctx, sums.AnsweredBy, err); err != nil {
			return err
		}
		if fullScan {
			t.learnSortingKey(sums.Far, sums.Loose)
		}
		all = sums.ByServer
		return nil
	})
	return all, err
}

func (t *logTable) learnSortingKey(far, loose uint64) {
	switch {
	case far > 0:
		if !t.warned {
			t.warned = true
			t.logger.Warn("rows whose event_date or event_time does not go with event_time_microseconds: each poll reads all rows",
				zap.Stringer("table", t.log.Table), zap.Uint64("rows", far))
		}
		t.key = rows.KeyUnused
	case loose > 0 || t.unordered:
		t.key = rows.KeyFinds
	default:
		t.key = rows.KeySorts
	}
}

var errOrder = errors.New("rows did not come in the order of event_time_microseconds; they will be sorted from now on")

func (t *logTable) Read(ctx context.Context, r poll.TimeRange, yield func(poll.Rows) error) error {
	return t.runLogQuery(ctx, func(conn configclickhouse.Conn) error {
		if t.traces != nil {
			if err := t.traces.Prepare(ctx, conn, t.layout, t.readUpTo(), r, t.askBeside()); err != nil {
				return err
			}
		}
		t.mapper.Restart()
		events, last := t.newEvents(), r.From
		return t.rows.Run(ctx, conn, r, t.key, t.node, func(block *rows.Block) (err error) {
			if err := t.noteAnswer(ctx, block.AnsweredBy(), nil); err != nil {
				return err
			}
			var inOrder bool
			if last, inOrder = block.InOrder(last); !inOrder {
				// A server that has changed its zone: dates of then and of now go differently with time.
				t.key, t.unordered = min(t.key, rows.KeyFinds), true
				return errOrder
			}
			events.Block = block
			err = yield(events)
			if t.self != nil {
				t.self.storeRows(ctx)
			}
			return err
		})
	})
}

var errOtherServer = errors.New("another server answers than on the first connection")

func (t *logTable) askBeside() traces.ServerAsker {
	if t.beside == nil {
		return nil
	}
	server := t.server
	return func(ctx context.Context, ask func(configclickhouse.Conn) error) error {
		id, err := t.beside.readIdentity(ctx)
		if err != nil {
			return err
		}
		if id.UUID != server {
			t.beside.closeConnection() // what it has to say of its own logs is no answer
			return errOtherServer
		}
		return t.beside.runQuery(ctx, ask)
	}
}

// prepareBeside makes what [logTable.askBeside] asks over; it connects when there is a backlog. server is to which alone it can lead, if that is known.
func (r *clickhouseSource) prepareBeside(ctx context.Context, t *logTable, self *selfLogins, server string) (err error) {
	if t.traces == nil {
		return nil
	}
	t.beside, err = r.newConnection(ctx, t.cfg, self)
	if err == nil && self != nil {
		t.beside.self.server = server
	}
	return err
}

// closeBeside ends what is asked beside, and the connection until the next backlog.
func (t *logTable) closeBeside() {
	if t.beside != nil {
		t.traces.Close()
		t.beside.closeConnection()
	}
}

func (t *logTable) readUpTo() int64 { return t.clock - t.MinAge().Microseconds() }

func (t *logTable) MinAge() time.Duration {
	if t.traces == nil {
		return 0
	}
	return t.cfg.TraceCorrelation.Settle
}

// DeliverUpdates implements [poll.UpdatingTable]: logins whose trace became known after they were delivered.
func (t *logTable) DeliverUpdates(ctx context.Context, r poll.TimeRange, deliver func(context.Context, []session.Event) error) error {
	if t.traces == nil {
		return nil
	}
	var found []traces.Session
	err := t.runLogQuery(ctx, func(conn configclickhouse.Conn) (err error) {
		found, err = t.traces.FindLater(ctx, conn, t.layout, r)
		return err
	})
	t.closeBeside()
	if err != nil {
		return err
	}
	var batch []session.Event
	for i := range found {
		if t.self != nil && t.self.containsRow(&found[i].Login, t.server) {
			continue
		}
		var e session.Event
		t.mapper.Restart()
		t.mapper.Update(&found[i].Login, found[i].Trace, &e)
		e.Observed = time.Now().UnixNano()
		if batch = append(batch, e); len(batch) >= t.cfg.BatchSize {
			if err := deliver(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if err := deliver(ctx, batch); err != nil {
		return err
	}
	return t.traces.DeliveredLater(ctx, found, r.To)
}

// runLogQuery asks about the log, of which the layout is known then.
func (t *logTable) runLogQuery(ctx context.Context, query func(configclickhouse.Conn) error) error {
	return t.runQuery(ctx, func(conn configclickhouse.Conn) error {
		if t.layout == nil || t.layoutFrom != conn {
			layout, server, err := t.log.ReadLayout(ctx, conn)
			if err := t.noteAnswer(ctx, server, err); err != nil {
				return err
			}
			t.layout, t.layoutFrom, t.rows = layout, conn, rows.NewQuery(layout)
		}
		if !t.hashChecked {
			server, err := rows.CheckHash(ctx, conn)
			if err := t.noteAnswer(ctx, server, err); err != nil {
				return err
			}
			t.hashChecked = true
		}
		err := query(conn)
		var exception *configclickhouse.Exception
		if errors.As(err, &exception) {
			t.layout = nil // renamed, dropped or changed
		}
		return err
	})
}
