package findings

import (
	"bytes"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/query/internal/timebudget"
	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	longestText  = 1000 // bytes of a name; of longer ones so many count
	mostEvidence = 100
	mostFailures = 500_000 // are held at a time; then a question has come as far as they reach

	firstOfLogins   = time.Duration(0) // as wide as of any question
	firstOfFailures = 2 * time.Hour    // few logins are failures
)

// fieldValue is a value of a field. cut says that it is a beginning.
type fieldValue struct {
	query.Cell
	cut bool
}

// userAccount is a user of one instance: elsewhere the same name may be somebody else.
type userAccount struct{ system, instance, user fieldValue }

// withoutUser is the instance of an account.
func (a userAccount) withoutUser() userAccount {
	return userAccount{system: a.system, instance: a.instance}
}

// loginRow is what questions about logins read of each.
type loginRow struct {
	at      int64
	id      session.ID
	account userAccount
	address fieldValue
	success bool
}

func (r loginRow) compareRow(other loginRow) int {
	return query.Position{Time: r.at, RecordID: r.id}.Compare(query.Position{Time: other.at, RecordID: other.id})
}

var loginColumns = []string{"record_id", "system", "instance", "user_name", "client_address", "outcome"}

// The conditions of logins that succeeded and of failures at which somebody may have guessed.
func successfulLogins() string { return " AND kind = 'login' AND outcome = 'success'" }

func guessedLogins(s query.Store) string {
	field := query.MustFieldOf("error_type")
	texts := make([]string, len(notGuesses))
	for i, text := range notGuesses {
		texts[i] = s.Text(text)
	}
	return " AND kind = 'login' AND outcome = 'failure' AND (" + s.Absent(field) + " OR " + field.Column + " NOT IN (" + strings.Join(texts, ", ") + "))"
}

// eachLogin reads the logins of a filter that meet a further condition, newest slice first, which is so wide, in no order within a slice. do may return query.ErrEnough.
func (o Options) eachLogin(ctx context.Context, s query.Store, f query.Filter, first time.Duration, condition func() string, limits query.Limits, do func(*loginRow) error) (query.Coverage, error) {
	expressions := loginExpressions(s)
	texts := map[string]string{} // each text is held once
	return query.EachSlice(ctx, s, f, first, limits, func(where string) string {
		return s.Select(expressions...) + " FROM " + s.Table() + where + condition()
	}, func(ctx context.Context, sql string) error {
		var slice []loginRow
		err := readLogins(ctx, s, sql, texts, func(row *loginRow) error {
			switch {
			case o.isIgnored(row):
				return nil
			case limits.Time <= 0: // nothing interrupts it
				return do(row)
			}
			slice = append(slice, *row)
			return nil
		})
		for i := range slice {
			if err == nil {
				err = do(&slice[i])
			}
		}
		return err
	})
}

func (o Options) isIgnored(row *loginRow) bool {
	return o.Ignore != nil && o.Ignore(row.account.user.Text, row.address.Text)
}

func loginExpressions(s query.Store) []string {
	expressions := []string{s.Nanoseconds()}
	for _, f := range fieldsOf(loginColumns) {
		expressions = append(expressions, s.AsText(f))
	}
	return expressions
}

func readLogins(ctx context.Context, s query.Store, sql string, texts map[string]string, do func(*loginRow) error) error {
	for cells, err := range s.Rows(ctx, sql, len(loginColumns)+1) {
		if err != nil {
			return err
		}
		row, err := readLogin(cells, texts)
		if err == nil {
			err = do(&row)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func readLogin(cells []query.Cell, texts map[string]string) (row loginRow, err error) {
	if row.at, err = strconv.ParseInt(cells[0].Text, 10, 64); err != nil {
		return row, err
	}
	if row.id, err = cells[1].ParseID(); err != nil {
		return row, err
	}
	row.account = userAccount{wordOf(cells[2], texts), wordOf(cells[3], texts), wordOf(cells[4], texts)}
	row.address, row.success = wordOf(cells[5], texts), cells[6].Text == session.OutcomeSuccess.String()
	return row, nil
}

func wordOf(c query.Cell, texts map[string]string) fieldValue {
	text, cut := session.TextBeginning(c.Text, longestText)
	held, ok := texts[text]
	if !ok {
		held = strings.Clone(text)
		texts[held] = held
	}
	return fieldValue{query.Cell{Text: held, Absent: c.Absent}, cut}
}

func fieldsOf(columns []string) []*session.Field {
	fields := make([]*session.Field, len(columns))
	for i, column := range columns {
		fields[i] = query.MustFieldOf(column)
	}
	return fields
}

// conditionOn is met by the events that have this value in a field.
func (w fieldValue) conditionOn(column string) query.Condition {
	c := query.Condition{Field: query.MustFieldOf(column), Value: w.Text}
	switch {
	case w.Absent:
		c.Match, c.Value = query.IsAbsent, ""
	case w.cut:
		c.Match = query.BeginsWith
	}
	return c
}

// accountConditions are those of an account's events.
func (a userAccount) accountConditions() []query.Condition {
	return []query.Condition{a.system.conditionOn("system"), a.instance.conditionOn("instance"), a.user.conditionOn("user_name")}
}

func outcomeIs(o session.Outcome) query.Condition {
	return query.Condition{Field: query.MustFieldOf("outcome"), Value: o.String()}
}

// loginGroup are what is known of some logins together.
type loginGroup struct {
	count       int64
	oldest      session.ID // of the first
	first, last int64
	newest      []loginRow // mostEvidence at least, where there are so many
}

func (l *loginGroup) addLogin(row *loginRow) {
	if l.count == 0 {
		l.first, l.last = math.MaxInt64, math.MinInt64
	}
	l.count++
	if row.at < l.first || row.at == l.first && bytes.Compare(row.id[:], l.oldest[:]) < 0 {
		l.first, l.oldest = row.at, row.id
	}
	l.last = max(l.last, row.at)
	if l.newest = append(l.newest, *row); len(l.newest) >= 2*mostEvidence {
		l.newest = newestFirst(l.newest)[:mostEvidence]
	}
}

func newestFirst(rows []loginRow) []loginRow {
	slices.SortFunc(rows, func(a, b loginRow) int { return b.compareRow(a) })
	return rows
}

func evidenceIDs(rows []loginRow) []session.ID {
	rows = newestFirst(slices.Clone(rows))
	ids := make([]session.ID, 0, min(len(rows), mostEvidence))
	for _, r := range rows[:min(len(rows), mostEvidence)] {
		ids = append(ids, r.id)
	}
	return ids
}

// failuresOf are the failed logins of a filter, in the order of time.
func (o Options) failuresOf(ctx context.Context, s query.Store, f query.Filter, limits query.Limits) ([]loginRow, query.Coverage, error) {
	var rows []loginRow
	order := func() string {
		return guessedLogins(s) + " ORDER BY " + s.Nanoseconds() + " DESC LIMIT " + strconv.Itoa(mostFailures-len(rows))
	}
	all := Options{} // those that are ignored count to the most that are held
	covered, err := all.eachLogin(ctx, s, f, firstOfFailures, order, limits, func(row *loginRow) error {
		if rows = append(rows, *row); len(rows) == mostFailures {
			return query.ErrEnough
		}
		return nil
	})
	slices.SortFunc(rows, loginRow.compareRow)
	if len(rows) == mostFailures { // of the oldest moment there may be more
		oldest := rows[0].at
		rows = slices.DeleteFunc(rows, func(r loginRow) bool { return r.at == oldest })
		covered.From = time.Unix(0, oldest+1).UTC()
	}
	rows = slices.DeleteFunc(rows, func(r loginRow) bool { return o.isIgnored(&r) })
	return rows, covered, err
}

// quotedText is a value in a sentence.
func (w fieldValue) quotedText() string {
	text := w.Text
	if len(text) > longestQuoted {
		text, w.cut = strings.ToValidUTF8(text[:longestQuoted], ""), true
	}
	if text = strconv.QuoteToGraphic(text); w.cut {
		text += "…"
	}
	return text
}

const longestQuoted = 100

func mostOfTime(limits query.Limits) query.Limits {
	return query.Limits{Time: timebudget.MostOf(limits.Time)}
}
