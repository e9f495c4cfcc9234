package clickhouse

import (
	"fmt"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
)

type blockEvents struct {
	*rows.Block
	table *logTable
	row   *clickhouselog.Row // the one that Event was called for last
}

func (t *logTable) newEvents() *blockEvents { return &blockEvents{table: t} }

func (e *blockEvents) Event(i int, to *session.Event) poll.Verdict {
	t, number := e.table, e.TypeNumber(i)
	if number < 0 || number > int16(clickhouselog.TypeLogout) {
		return poll.VerdictBad
	}
	e.row = e.Row(i)
	t.mapper.Event(e.row, to) // also of what is left out: ids of rows that look alike count how many came before
	if t.excludesRow(e.row) {
		return poll.VerdictExclude
	}
	if t.traces != nil {
		t.traces.Correlate(e.row, to)
	}
	return poll.VerdictDeliver
}

func (t *logTable) excludesRow(r *clickhouselog.Row) bool {
	logOf := t.node.UUID
	if logOf == "" {
		logOf = t.server
	}
	if t.self != nil && t.self.containsRow(r, logOf) {
		return true
	}
	// A failed login never is excluded.
	return (r.Type == clickhouselog.TypeLoginSuccess || r.Type == clickhouselog.TypeLogout) && slices.Contains(t.cfg.ExcludeUsers, r.User)
}

var _ poll.EmissionObserver = (*blockEvents)(nil)

func (e *blockEvents) Emitted(int) {
	if e.table.traces != nil {
		e.table.traces.Delivered(e.row)
	}
}

func (e *blockEvents) DescribeBad(i int) (place string, reason error) {
	place = fmt.Sprintf("%s at %s", e.table.log.Table, time.UnixMicro(e.Micros(i)).UTC().Format("2006-01-02T15:04:05.000000Z"))
	return place, fmt.Errorf("column type holds %d, which is none of LoginFailure (0), LoginSuccess (1), Logout (2)", e.TypeNumber(i))
}
