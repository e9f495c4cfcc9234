package erasure

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sealing"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Erasure is one that is carried out.
type Erasure struct {
	Backend  backend.SealedBackend // started
	Store    query.Store
	Log      *sealing.ErasureLog // nil: nothing is sealed here
	Reason   string
	Progress func(records int) // nil: nobody looks
}

// ErrSealed is the error where a key is wanted.
var ErrSealed = errors.New("the records are sealed, so what is erased has to be signed: name with --config the configuration whose exporter has seal, and its key")

// Run erases what is chosen, and gives how many records that were. An Erasure that ended with an error, or was killed, is finished by another of the same choice.
func (x *Erasure) Run(ctx context.Context, choice *Choice) (records int, err error) {
	if err := x.checkUnsealed(ctx); err != nil {
		return 0, err
	}
	for _, table := range Tables {
		for rows, err := range choice.Find(ctx, x.Store, table) {
			if err != nil {
				return records, err
			}
			rows = slices.CompactFunc(rows, func(a, b Row) bool { return a.ID == b.ID }) // versions of one id
			if err := x.erase(ctx, rows); err != nil {
				return records, err
			}
			records += len(rows)
		}
	}
	return records, nil
}

func (x *Erasure) checkUnsealed(ctx context.Context) error {
	if x.Log != nil {
		return nil
	}
	logs, err := sealquery.Logs(ctx, x.Store)
	if err == nil && len(logs) > 0 {
		err = ErrSealed
	}
	return err
}

// erase deletes rows of one table. Those of session_events take what was kept aside of their ids with them.
func (x *Erasure) erase(ctx context.Context, rows []Row) error {
	onlyConflicts := rows[0].Table != Tables[0]
	kind := seal.KindForgotten
	if onlyConflicts {
		kind = seal.KindPutAside
	}
	ids, entries := make([]session.ID, len(rows)), make([]seal.Entry, len(rows))
	for i, row := range rows {
		ids[i], entries[i] = row.ID, seal.Entry{Kind: kind, ID: row.ID, Time: row.Time.UnixNano()}
	}
	if err := x.state(ctx, entries); err != nil {
		return err
	}
	for some := range slices.Chunk(ids, backend.MostErased) {
		if err := x.Backend.EraseRecords(ctx, some, onlyConflicts); err != nil {
			return err
		}
		if x.Progress != nil {
			x.Progress(len(some))
		}
	}
	return nil
}

const mostBetweenClaims = 2 * time.Second

func isContended(err error) bool {
	return errors.Is(err, backend.ErrLogTaken) || errors.Is(err, backend.ErrLogClaimed) || errors.Is(err, backend.ErrLogLost)
}

// state goes on after what another erasure has stated meanwhile, and names where the table's logs end by now.
func (x *Erasure) state(ctx context.Context, entries []seal.Entry) error {
	if x.Log == nil {
		return nil
	}
	for {
		err := x.Log.FindEnd(ctx, x.Store)
		if err == nil {
			err = x.Log.State(ctx, entries, x.Reason)
		}
		if !isContended(err) || ctx.Err() != nil {
			return err
		}
		if errors.Is(err, backend.ErrLogClaimed) {
			time.Sleep(rand.N(mostBetweenClaims)) // each of them another while
		}
	}
}
