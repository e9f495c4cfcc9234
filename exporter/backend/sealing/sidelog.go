package sealing

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/query"
)

// sideLog is a log beside the collector's, of a command that is run now and then: nobody but the collector can go on with its own.
type sideLog struct {
	inner backend.SealedBackend
	key   *seal.Key
	next  *seal.Key // nil: none is to take over
	stem  string
	name  string
	tip   seal.Tip
	about []string // statements of the table's other logs

	claimant string
}

func openSideLog(inner backend.Backend, cfg Config, command string) (l sideLog, err error) {
	sealed, ok := inner.(backend.SealedBackend)
	if !ok {
		return l, errors.New("seal: this backend keeps no seals")
	}
	l.inner = sealed
	if l.key, err = seal.ReadKey(cfg.KeyFile); err != nil {
		return l, fmt.Errorf("seal::key_file: %w", err)
	}
	if l.next, err = cfg.readNextKey(l.key); err != nil {
		return l, err
	}
	log, err := cfg.logName(l.key.Name(), 1)
	l.stem, l.claimant = log+"/"+command, rand.Text()
	return l, err
}

// Keys verify what the key has signed.
func (l *sideLog) Keys() seal.Keys { return l.key.Keys() }

// FindEnd finds where the log goes on, and where the others of the table end.
func (l *sideLog) FindEnd(ctx context.Context, store query.Store) (err error) {
	if l.about, err = tableHeads(ctx, store, func(log string) bool { return strings.HasPrefix(log, l.stem) }); err != nil {
		return err
	}
	return l.findTip(ctx, store)
}

// tableHeads are statements of where the table's other logs end: what is stated beside them is about their records, and excuses nothing in another table.
func tableHeads(ctx context.Context, store query.Store, isOwn func(log string) bool) (texts []string, err error) {
	last, err := sealquery.LastHeads(ctx, store)
	for _, s := range last {
		if head, _, err := seal.ReadHead(s.Head); err == nil && !isOwn(s.Log) {
			texts = append(texts, "about "+head.Line())
		}
	}
	return texts, err
}

// findTip finds the log that this key goes on with: the first that is its own, or not begun.
func (l *sideLog) findTip(ctx context.Context, store query.Store) error {
	if err := l.followRotation(ctx, store); err != nil {
		return err
	}
	for n := 1; ; n++ {
		if l.name = l.stem; n > 1 {
			l.name = fmt.Sprintf("%s/%d", l.stem, n)
		}
		last, err := sealquery.LastSeal(ctx, store, l.name)
		if err != nil || last == nil {
			l.tip = seal.Tip{}
			return err
		}
		if _, _, err := l.key.Keys().Open(last.Head, l.name); err == nil {
			l.tip = seal.Tip{Size: last.First + last.Pages, Edge: last.Edge}
			return nil
		}
	}
}

func (l *sideLog) sealPending(ctx context.Context, p *seal.Pending) error {
	s, next, err := p.Seal(l.tip, l.key, l.name)
	if claimer, ok := l.inner.(backend.SealClaimer); ok && err == nil {
		err = claimer.ClaimSeal(ctx, l.name, s.First, l.claimant)
	}
	if err == nil {
		err = l.inner.AppendSeal(ctx, &s)
	}
	if err == nil {
		l.tip = next
	}
	return err
}

// errKeyLeaves: verify would refuse what is stated.
var errKeyLeaves = errors.New("seal::key_file: another collector with this key has signed that the next one takes over, and verify excuses nothing that this one signs from then on: name the next key in seal::next_key_file of this configuration, and start its collector again")

// requireNoSuccessor once, before the first statement.
func (l *sideLog) requireNoSuccessor(ctx context.Context, store query.Store) error {
	if l.name != "" {
		return nil
	}
	keys := l.key.Keys()
	if l.next != nil {
		keys = append(keys, l.next.Keys()...)
	}
	all, err := sealquery.FollowKeys(ctx, store, l.key.Keys())
	if err == nil && len(all.Without(keys)) > 0 {
		err = errKeyLeaves
	}
	return err
}

// followRotation signs with the next key once that signs a log: the one before has left then.
func (l *sideLog) followRotation(ctx context.Context, store query.Store) error {
	if err := l.requireNoSuccessor(ctx, store); l.next == nil || err != nil {
		return err
	}
	heads, err := sealquery.LastHeads(ctx, store)
	for _, last := range heads {
		if len(l.next.Keys().Opening(last.Head, last.Log)) > 0 {
			l.key, l.next = l.next, nil
			break
		}
	}
	return err
}
