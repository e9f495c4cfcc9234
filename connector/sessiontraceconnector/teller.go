package sessiontraceconnector

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

const (
	perCall   = 1000        // updates
	firstWait = time.Second // after a delivery that failed
	longWait  = 30 * time.Second
	lastTry   = 5 * time.Second // for what waits at the end
)

// teller delivers updates. It is the only one that waits for their delivery: neither spans nor records do.
type teller struct {
	*hub
	next   consumer.Logs
	enc    *plogs.Encoder
	hash   session.Hasher
	log    *zap.Logger
	events []session.Event // taken and not delivered

	cancel context.CancelFunc
	ended  chan struct{}
}

func newTeller(h *hub, next consumer.Logs, set connector.Settings) *teller {
	return &teller{hub: h, next: next, enc: plogs.NewEncoder(set.BuildInfo.Version), log: set.Logger}
}

func (t *teller) start() {
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel, t.ended = cancel, make(chan struct{})
	go t.run(ctx)
}

// stop ends the goroutine and tries once more to deliver what waits.
func (t *teller) stop(ctx context.Context) {
	t.cancel()
	<-t.ended
	ctx, cancel := context.WithTimeout(ctx, lastTry)
	defer cancel()
	for t.take() {
		if err := t.deliver(ctx); err != nil {
			t.drop("the collector ends", err)
			return
		}
	}
}

func (t *teller) run(ctx context.Context) {
	defer close(t.ended)
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.wake:
		}
		for t.take() {
			if !t.persist(ctx) {
				return
			}
		}
	}
}

// persist delivers until it is done, refused for good, or the end has come.
func (t *teller) persist(ctx context.Context) bool {
	for wait := firstWait; ; wait = min(2*wait, longWait) {
		err := t.deliver(ctx)
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false
		case consumererror.IsPermanent(err):
			t.drop("the pipeline refuses them for good", err)
			return true
		}
		t.log.Debug("updates of sessions wait", zap.Int("updates", len(t.events)), zap.Stringer("next_try_in", wait), zap.Error(err))
		select {
		case <-ctx.Done():
			return false
		case <-time.After(wait):
		}
	}
}

// take fetches the next updates, unless there are some left.
func (t *teller) take() bool {
	if len(t.events) == 0 {
		b := t.begin()
		t.events = b.Take(t.events, perCall, &t.hash)
		b.End()
	}
	return len(t.events) > 0
}

func (t *teller) deliver(ctx context.Context) error {
	if err := t.next.ConsumeLogs(ctx, t.enc.Encode(t.events)); err != nil {
		return err
	}
	t.done()
	return nil
}

func (t *teller) drop(why string, err error) {
	b := t.begin()
	b.Dropped(len(t.events))
	b.End()
	t.log.Warn("updates of sessions are lost: "+why, zap.Int("updates", len(t.events)), zap.Error(err))
	t.done()
}

// done empties the scratch, so that it holds on to no text.
func (t *teller) done() {
	clear(t.events)
	t.events = t.events[:0]
}
