package sessiontraceconnector

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

const (
	updatesPerCall  = 1000
	shutdownTimeout = 5 * time.Second // for what waits at the end
)

// updateSender delivers updates. It is the only one that waits for their delivery: neither spans nor records do.
type updateSender struct {
	*sharedState
	next   consumer.Logs
	enc    *plogs.Encoder
	hash   session.Hasher
	log    *zap.Logger
	events []session.Event // taken and not delivered

	cancel context.CancelFunc
	ended  chan struct{}
}

func newUpdateSender(h *sharedState, next consumer.Logs, set connector.Settings) *updateSender {
	return &updateSender{sharedState: h, next: next, enc: plogs.NewEncoder(set.BuildInfo.Version), log: set.Logger}
}

func (t *updateSender) startSending() {
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel, t.ended = cancel, make(chan struct{})
	go t.sendUpdates(ctx)
}

func (t *updateSender) stopSending(ctx context.Context) {
	t.cancel()
	<-t.ended
	ctx, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	for t.takeUpdates() {
		if err := t.deliverUpdates(ctx); err != nil {
			t.dropUpdates("the collector ends", err)
			return
		}
	}
}

func (t *updateSender) sendUpdates(ctx context.Context) {
	defer close(t.ended)
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.updatesWaiting:
		}
		for t.takeUpdates() {
			if t.deliverPersistently(ctx) != nil {
				return
			}
		}
	}
}

func (t *updateSender) deliverPersistently(ctx context.Context) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := t.deliverUpdates(ctx)
		if consumererror.IsPermanent(err) {
			t.dropUpdates("the pipeline refuses them for good", err)
			err = nil
		}
		return struct{}{}, err
	}, backoff.WithBackOff(retryPauses()), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, pause time.Duration) {
		t.log.Debug("updates of sessions wait", zap.Int("updates", len(t.events)), zap.Stringer("next_try_in", pause), zap.Error(err))
	}))
	return err
}

func retryPauses() *backoff.ExponentialBackOff {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = time.Second, 30*time.Second
	return pauses
}

// takeUpdates fetches the next updates, unless there are some left.
func (t *updateSender) takeUpdates() bool {
	if len(t.events) == 0 {
		b := t.lockStore()
		t.events = b.TakeUpdates(t.events, updatesPerCall, &t.hash)
		b.End()
	}
	return len(t.events) > 0
}

func (t *updateSender) deliverUpdates(ctx context.Context) error {
	if err := t.next.ConsumeLogs(ctx, t.enc.Encode(t.events)); err != nil {
		return err
	}
	t.clearEvents()
	return nil
}

func (t *updateSender) dropUpdates(why string, err error) {
	b := t.lockStore()
	b.Dropped(len(t.events))
	b.End()
	t.log.Warn("updates of sessions are lost: "+why, zap.Int("updates", len(t.events)), zap.Error(err))
	t.clearEvents()
}

// clearEvents holds on to no text.
func (t *updateSender) clearEvents() {
	clear(t.events)
	t.events = t.events[:0]
}
