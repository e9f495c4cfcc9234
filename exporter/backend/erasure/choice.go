// Package erasure deletes records for good, where the law or a rule of the house demands it: what is to go is signed first, so that verify distinguishes it from
// tampering.
package erasure

import (
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/redaction"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Choice is what is to be erased: what meets any of its parts.
type Choice struct {
	Before  time.Time // events before this moment; zero: none
	Records []session.ID
	people  []session.Event // whoever has a field in common with one of these
}

// AddPerson adds somebody by name, by the id of an account, or by the hash of a name.
func (c *Choice) AddPerson(name string) {
	c.people = append(c.people, session.Event{User: name, UserID: name, UserHash: name, ActorName: name, ActorID: name})
}

// AddRedacted adds somebody by what redact makes of a name.
func (c *Choice) AddRedacted(name string, redact redaction.Config) {
	if policy := redaction.New(redact); policy != nil {
		for _, redacted := range []session.Event{{User: name}, {UserID: name, ActorName: name, ActorID: name}} {
			redacted.Outcome = session.OutcomeFailure // the policy may be about failures alone
			policy.RedactEvent(&redacted)
			c.people = append(c.people, redacted)
		}
	}
}

var personFields = []string{"user_name", "user_id", "user_hash", "actor_name", "actor_id"}

// conditions are some whose rows together are what is chosen, each of a statement that servers take.
func (c *Choice) conditions(store query.Store) (all []string) {
	var some []string
	if !c.Before.IsZero() {
		some = append(some, fmt.Sprintf("%s < %d", store.Nanoseconds(), c.Before.UnixNano()))
	}
	for i := range c.people {
		for _, column := range personFields {
			f := query.MustFieldOf(column)
			if value := *f.In(&c.people[i]).(*string); value != "" {
				some = append(some, "("+store.Equals(f, store.Text(value))+")")
			}
		}
	}
	if len(some) > 0 {
		all = append(all, strings.Join(some, " OR "))
	}
	for ids := range slices.Chunk(c.Records, idsAtOnce) {
		all = append(all, query.AmongRecords(store, ids))
	}
	return all
}

const idsAtOnce = 1000

func (c *Choice) isOf(e *session.Event) bool {
	if !c.Before.IsZero() && e.Time < c.Before.UnixNano() || slices.Contains(c.Records, e.RecordID) {
		return true
	}
	return slices.ContainsFunc(c.people, func(p session.Event) bool {
		for _, both := range [][2]string{{p.User, e.User}, {p.UserID, e.UserID}, {p.UserHash, e.UserHash}, {p.ActorName, e.ActorName}, {p.ActorID, e.ActorID}} {
			if both[0] != "" && both[0] == both[1] {
				return true
			}
		}
		return false
	})
}

// Row is one that is to go.
type Row struct {
	ID    session.ID
	Time  time.Time // of the event
	Table string
}

// Tables have rows of records. Of an id that is erased from the first, the second keeps nothing either.
var Tables = []string{"session_events", "session_conflicts"}

// Find yields the rows of a table that are chosen, in pages, also those that no question shows since another of their id was first.
func (c *Choice) Find(ctx context.Context, store query.Store, table string) iter.Seq2[[]Row, error] {
	return query.YieldEach(func(next func([]Row) bool) error {
		for _, condition := range c.conditions(store) {
			for after, more := (session.ID{}), true; more; {
				rows, err := findRows(ctx, store, table, condition, after)
				if err != nil {
					return err
				}
				if len(rows) > 0 && !next(rows) {
					return nil
				}
				if more = len(rows) == rowsAtOnce; more {
					after = rows[len(rows)-1].ID
				}
			}
		}
		return nil
	})
}

// rowsAtOnce bounds the memory of a page.
const rowsAtOnce = 1 << 16

func findRows(ctx context.Context, store query.Store, table, condition string, after session.ID) (all []Row, err error) {
	sql := store.Select(store.AsText(sealquery.RecordID), store.Nanoseconds()) + " FROM " + store.TableNamed(table) + " WHERE (" + condition + ") AND record_id > " +
		store.Identity(sealquery.RecordID, after[:]) + " ORDER BY record_id LIMIT " + strconv.Itoa(rowsAtOnce)
	for cells, err := range store.Rows(ctx, sql, 2) {
		if err != nil {
			return nil, err
		}
		id, err := hex.DecodeString(strings.ReplaceAll(cells[0].Text, "-", ""))
		if err != nil || len(id) != len(session.ID{}) {
			return nil, fmt.Errorf("%s: %q is no id of a record: `sessionlog verify` names such rows", table, cells[0].Text)
		}
		at, err := strconv.ParseInt(cells[1].Text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: record %x: %w", table, id, err)
		}
		all = append(all, Row{session.ID(id), time.Unix(0, at).UTC(), table})
	}
	return all, nil
}
