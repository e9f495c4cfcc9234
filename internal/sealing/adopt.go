package sealing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	// adoptedAtOnce is how many records a seal of found ones has.
	adoptedAtOnce = 1 << 16
	// mostAdopted bounds the memory of one adoption: 33 to 41 bytes each.
	mostAdopted = 1 << 22
)

// Adoption seals records that were found in the table, as such, in a log of its own beside the collector's.
type Adoption struct {
	inner backend.SealedBackend
	key   *seal.Key
	log   string
	ttl   time.Duration

	pending   []*seal.Pending
	committer *seal.Committer // of the last pending
	records   int
}

// NewAdoption reads the key; cfg is valid. ttl is the one of the backend.
func NewAdoption(inner backend.Backend, cfg Config, ttl time.Duration) (*Adoption, error) {
	sealed, ok := inner.(backend.SealedBackend)
	if !ok {
		return nil, errors.New("seal: this backend keeps no seals")
	}
	key, err := seal.ReadKey(cfg.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("seal::key_file: %w", err)
	}
	log, err := cfg.logName(key.Name(), 1)
	return &Adoption{inner: sealed, key: key, log: log + "/adopt", ttl: ttl}, err
}

// Keys verify what the key has signed.
func (a *Adoption) Keys() seal.Keys { return a.key.Keys() }

// Records is how many are adopted.
func (a *Adoption) Records() int { return a.records }

// Add adopts a record, if it has room: false tells that it has none.
func (a *Adoption) Add(e *session.Event) bool {
	if a.records == mostAdopted {
		return false
	}
	if a.records%adoptedAtOnce == 0 {
		seed := seal.NewSeed()
		a.pending, a.committer = append(a.pending, seal.NewPending(seed)), seal.NewCommitter(seed)
	}
	a.records++
	a.pending[len(a.pending)-1].AddRecord(a.committer.Entry(seal.KindAdopted, e))
	return true
}

// Seal stores the seals of what was added.
func (a *Adoption) Seal(ctx context.Context, store query.Store, reason string) error {
	if a.records == 0 {
		return nil
	}
	tip, err := a.findTip(ctx, store)
	if err != nil {
		return err
	}
	if err := a.inner.Start(ctx); err != nil {
		return err
	}
	for _, p := range a.pending {
		p.AddStatement(retentionText(a.ttl))
		p.AddStatement(fmt.Sprintf("adopted %d: %s", p.Records(), reason))
		var s seal.Seal
		if s, tip, err = p.Seal(tip, a.key, a.log); err != nil {
			break
		}
		if err = a.inner.AppendSeal(ctx, &s); err != nil {
			break
		}
	}
	return errors.Join(err, a.inner.Shutdown(ctx))
}

func (a *Adoption) findTip(ctx context.Context, store query.Store) (seal.Tip, error) {
	last, err := sealquery.LastSeal(ctx, store, a.log)
	if err != nil || last == nil {
		return seal.Tip{}, err
	}
	if _, _, err := a.key.Keys().Open(last.Head, a.log); err != nil {
		return seal.Tip{}, fmt.Errorf("seal::key_file: the log %s in the table ends with a head of another key: %w", a.log, err)
	}
	return seal.Tip{Size: last.First + last.Pages, Edge: last.Edge}, nil
}
