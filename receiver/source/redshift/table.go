package redshift

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
)

// table is the log as package poll sees it.
type table struct {
	cfg        Config
	candidates []string
	log        *zap.Logger
	link       link
	layout     *layout // nil when it has to be looked up
	block      *block

	told    string // the table that was named in our log
	checked bool   // the server's hashes have been compared with ours
}

// Kept implements [poll.Expiring].
func (t *table) Kept() time.Duration {
	if t.cfg.identity() != "" {
		return 0 // a table of one's own
	}
	return Kept
}

// Now implements [poll.Table]. GETDATE is UTC in our sessions; Redshift has no other clock that is not deprecated.
func (t *table) Now(ctx context.Context) (now int64, err error) {
	err = t.ask(ctx, "SELECT getdate()", func(cells [][]byte) (err error) {
		now, err = t.block.clock.read(cells[0])
		return err
	})
	if configpostgresql.Code(err) == codeNoFunction {
		err = explain(err, "", t.cfg.Username)
	}
	if err == nil && now == 0 {
		err = errors.New("the server did not tell the time")
	}
	return now, err
}

// Refresh implements [poll.Table].
func (t *table) Refresh() { t.layout = nil }

// Sums implements [poll.Table].
func (t *table) Sums(ctx context.Context, r poll.Range, width int64, yield func(poll.Sum)) error {
	if err := t.prepare(ctx, r); err != nil {
		return err
	}
	span := "minute"
	if width == poll.Day {
		span = "day"
	}
	var sums []poll.Sum // told at the end: an answer that breaks off must not count
	err := t.ask(ctx, t.layout.sumsSQL(r, span, t.block.hashing), func(cells [][]byte) error {
		s, err := t.sum(cells)
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

func (t *table) sum(cells [][]byte) (s poll.Sum, err error) {
	if s.Start, err = t.block.clock.read(cells[0]); err != nil {
		return s, err
	}
	if s.Count, err = wrapped(cells[1]); err != nil {
		return s, err
	}
	s.Hash, err = wrapped(cells[2])
	return s, err
}

// Read implements [poll.Table].
func (t *table) Read(ctx context.Context, r poll.Range, yield func(poll.Rows) error) error {
	if err := t.prepare(ctx, r); err != nil {
		return err
	}
	b, first := t.block, r.From
	if r.From != poll.Always.From {
		r.From -= (r.From%1000 + 1000) % 1000
	}
	b.begin()
	hand := func() error {
		b.sort()
		b.skip(first)
		err := yield(b)
		b.n = 0
		return err
	}
	err := t.ask(ctx, t.layout.readSQL(r), func(values [][]byte) error {
		at, err := b.clock.read(values[0])
		if err == nil && b.full(at) {
			err = hand()
		}
		if err != nil {
			return err
		}
		return b.add(t.layout.cells, values)
	})
	if err == nil && b.n > 0 {
		err = hand()
	}
	return err
}

// prepare looks at what the log is made of, and makes sure that sums can be compared.
func (t *table) prepare(ctx context.Context, r poll.Range) error {
	if err := t.link.connect(ctx, t.cfg.ClientConfig); err != nil {
		return err
	}
	if t.layout == nil {
		layout, err := readLayout(ctx, &t.link, t.candidates, t.cfg.Username)
		if err != nil {
			return err
		}
		t.layout = layout
		if t.told != layout.table {
			t.log.Info("reading", zap.String("table", layout.table))
			t.told, t.checked = layout.table, false
		}
	}
	if t.checked {
		return nil
	}
	return t.check(ctx, r)
}

// check compares the server's hashes of some rows with ours: if they differed, every poll would tell everything again. No
// server is known whose do; with such a one, minutes are compared by their numbers of rows alone.
func (t *table) check(ctx context.Context, r poll.Range) error {
	rows, same := 0, true
	err := t.ask(ctx, t.layout.sampleSQL(r), func(cells [][]byte) error {
		var n [3]uint64
		for i := range n {
			var err error
			if n[i], err = wrapped(cells[i]); err != nil {
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
	t.block.hashing, t.checked = same, rows > 0
	if !same {
		t.log.Warn("this server reckons hashes in another way than those known: late rows are found by the number of rows of a minute alone; please report its version()")
	}
	return nil
}

// ask runs a query, connecting first where there is no connection.
func (t *table) ask(ctx context.Context, sql string, row func(cells [][]byte) error) error {
	if err := t.link.connect(ctx, t.cfg.ClientConfig); err != nil {
		return err
	}
	err := t.link.query(ctx, sql, nil, row)
	if err != nil && t.layout != nil {
		err = explain(err, t.layout.table, t.cfg.Username)
		t.layout = nil // dropped, changed, or of another server by now: look anew
	}
	return err
}
