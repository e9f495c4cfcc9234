package sealing

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/query"
)

// ErasureLog has statements of what is to be erased, which are signed before it is.
type ErasureLog struct {
	sideLog
	about []string // statements of the table's logs
}

// OpenErasureLog reads the key; cfg is valid.
func OpenErasureLog(inner backend.Backend, cfg Config) (*ErasureLog, error) {
	log, err := openSideLog(inner, cfg, "forget")
	return &ErasureLog{sideLog: log}, err
}

// FindEnd finds where the log goes on.
func (l *ErasureLog) FindEnd(ctx context.Context, store query.Store) (err error) {
	if l.about, err = l.tableHeads(ctx, store); err != nil {
		return err
	}
	return l.findTip(ctx, store)
}

// State seals that these are to be erased, and why; they are not to be erased before it returns. Its backend is started.
func (l *ErasureLog) State(ctx context.Context, erased []seal.Entry, reason string) error {
	p := seal.NewPending(seal.NewSeed())
	for _, e := range erased {
		p.AddRecord(e)
	}
	for _, text := range l.about {
		p.AddStatement(text)
	}
	p.AddStatement(fmt.Sprintf("forgot %d: %s", len(erased), reason))
	if err := l.sealPending(ctx, p); err != nil {
		return err
	}
	return sleepUntil(ctx, time.Now().Truncate(time.Second).Add(time.Second))
}

// tableHeads are statements of where the table's other logs end: what is stated beside them is about their records, and excuses nothing in another table.
func (l *sideLog) tableHeads(ctx context.Context, store query.Store) (texts []string, err error) {
	last, err := sealquery.LastHeads(ctx, store)
	for _, s := range last {
		if head, _, err := seal.ReadHead(s.Head); err == nil && !strings.HasPrefix(s.Log, l.stem) {
			texts = append(texts, "about "+head.Line())
		}
	}
	return texts, err
}

// sleepUntil has a record that comes again after its erasure be sealed in a later second than the statement: signatures tell seconds.
func sleepUntil(ctx context.Context, moment time.Time) error {
	select {
	case <-time.After(time.Until(moment)):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
