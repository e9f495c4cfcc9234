package sealing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
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
	sideLog
	ttl time.Duration

	pending   []*seal.Pending
	committer *seal.Committer // of the last pending
	records   int
}

// NewAdoption reads the key; cfg is valid. ttl is the one of the backend.
func NewAdoption(inner backend.Backend, cfg Config, ttl time.Duration) (*Adoption, error) {
	log, err := openSideLog(inner, cfg, "adopt")
	return &Adoption{sideLog: log, ttl: ttl}, err
}

// Records is how many are adopted.
func (a *Adoption) Records() int { return a.records }

// Add adopts a record, and is false where it has no room for more.
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
	if err := a.findTip(ctx, store); err != nil {
		return err
	}
	if err := a.inner.Start(ctx); err != nil {
		return err
	}
	var err error
	for _, p := range a.pending {
		p.AddStatement(retentionText(a.ttl))
		p.AddStatement(fmt.Sprintf("adopted %d: %s", p.Records(), reason))
		if err = a.sealPending(ctx, p); err != nil {
			break
		}
	}
	return errors.Join(err, a.inner.Shutdown(ctx))
}
