package redshift

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
)

type logTable struct {
	cfg        Config
	candidates []string
	log        *zap.Logger
	connection heldConnection
	layout     *tableLayout // nil when it has to be read again
	rows       *rowBuffer

	loggedTable   string // the table whose name was logged
	hashesChecked bool   // the server's hashes were compared with ours
}

var _ poll.ExpiringTable = (*logTable)(nil)

func (t *logTable) Retention() time.Duration {
	if t.cfg.cursorIdentity() != "" {
		return 0 // not a system table: nothing expires
	}
	return SystemTableRetention
}

// Now implements [poll.Table]. GETDATE is UTC in our sessions; Redshift has no other clock that is not deprecated.
func (t *logTable) Now(ctx context.Context) (now int64, err error) {
	err = t.queryServer(ctx, "SELECT getdate()", func(cells [][]byte) (err error) {
		now, err = parseTimestamp(cells[0])
		return err
	})
	if configpostgresql.SQLState(err) == codeNoFunction {
		err = explainQueryError(err, "", t.cfg.Username)
	}
	if err == nil && now == 0 {
		err = errors.New("the server returned no time")
	}
	return now, err
}

func (t *logTable) Refresh() { t.layout = nil }

func (t *logTable) Sums(ctx context.Context, r poll.TimeRange, width int64, yield func(poll.Sum)) error {
	if err := t.ensureReady(ctx, r); err != nil {
		return err
	}
	span := "minute"
	if width == poll.DayMicros {
		span = "day"
	}
	var sums []poll.Sum // yielded at the end: an incomplete result must not count
	err := t.queryServer(ctx, t.layout.selectSumsSQL(r, span, t.rows.serverHashesMatch), func(cells [][]byte) error {
		s, err := t.readSum(cells)
		sums = append(sums, s)
		return err
	})
	if err != nil {
		return err
	}
	for _, s := range sums {
		yield(s)
	}
	return nil
}

func (t *logTable) readSum(cells [][]byte) (s poll.Sum, err error) {
	if s.Start, err = parseTimestamp(cells[0]); err != nil {
		return s, err
	}
	if s.Count, err = parseModulo64(cells[1]); err != nil {
		return s, err
	}
	s.Hash, err = parseModulo64(cells[2])
	return s, err
}

func (t *logTable) Read(ctx context.Context, r poll.TimeRange, yield func(poll.Rows) error) error {
	if err := t.ensureReady(ctx, r); err != nil {
		return err
	}
	b, first := t.rows, r.From
	if r.From != poll.AllTimes.From {
		r.From -= (r.From%1000 + 1000) % 1000
	}
	b.resetRows()
	yieldRows := func() error {
		b.sortTies()
		b.skipBefore(first)
		err := yield(b)
		b.filled = 0
		return err
	}
	err := t.queryServer(ctx, t.layout.selectRowsSQL(r), func(values [][]byte) error {
		at, err := parseTimestamp(values[0])
		if err == nil && b.hasReachedLimit(at) {
			err = yieldRows()
		}
		if err != nil {
			return err
		}
		return b.appendRow(at, t.layout.columns, values)
	})
	if err == nil && b.filled > 0 {
		err = yieldRows()
	}
	return err
}

func (t *logTable) ensureReady(ctx context.Context, r poll.TimeRange) error {
	if err := t.connection.ensureConnected(ctx, t.cfg.ClientConfig); err != nil {
		return err
	}
	if t.layout == nil {
		layout, err := findLayout(ctx, &t.connection, t.candidates, t.cfg.Username)
		if err != nil {
			return err
		}
		t.layout = layout
		if t.loggedTable != layout.table {
			t.log.Info("reading", zap.String("table", layout.table))
			t.loggedTable, t.hashesChecked = layout.table, false
		}
	}
	if t.hashesChecked {
		return nil
	}
	return t.compareHashes(ctx, r)
}

// compareHashes compares the server's hashes of some rows with ours: if they differed, every poll would deliver everything again. No
// such server is known; on one, minutes are compared by their numbers of rows alone.
func (t *logTable) compareHashes(ctx context.Context, r poll.TimeRange) error {
	rows, same := 0, true
	err := t.queryServer(ctx, t.layout.selectSampleSQL(r), func(cells [][]byte) error {
		var n [3]uint64
		for i := range n {
			var err error
			if n[i], err = parseModulo64(cells[i]); err != nil {
				return err
			}
		}
		rows++
		same = same && n[2] == rowHash(int64(n[0]), int64(n[1])) //nolint:gosec // bigints
		return nil
	})
	if err != nil {
		return err
	}
	t.rows.serverHashesMatch, t.hashesChecked = same, rows > 0
	if !same {
		t.log.Warn("this server calculates other hashes than Redshift does: late rows are found by the number of rows of a minute alone; please report its version()")
	}
	return nil
}

func (t *logTable) queryServer(ctx context.Context, sql string, row func(cells [][]byte) error) error {
	if err := t.connection.ensureConnected(ctx, t.cfg.ClientConfig); err != nil {
		return err
	}
	err := t.connection.streamQuery(ctx, sql, nil, row)
	if err != nil && t.layout != nil {
		err = explainQueryError(err, t.layout.table, t.cfg.Username)
		t.layout = nil // the table may be dropped, changed, or another server's by now
	}
	return err
}
