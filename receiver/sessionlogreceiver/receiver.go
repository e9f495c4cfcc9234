package sessionlogreceiver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/receiver"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/deadletter"
)

// logsReceiver runs one source for as long as the collector runs.
type logsReceiver struct {
	set       receiver.Settings
	config    *Config
	sourceKey string // name of the source's block
	source    source.Source
	emitter   *eventEmitter
	health    *statusReporter
	stats     *receiverTelemetry
	now       func() time.Time

	client     storage.Client
	cancel     context.CancelCauseFunc
	sourceDone chan struct{} // closed when the source has returned; nil before Start
}

func newReceiver(set receiver.Settings, config *Config, key string, src source.Source, next consumer.Logs) (*logsReceiver, error) {
	stats, err := newReceiverTelemetry(set)
	if err != nil {
		return nil, err
	}
	health := &statusReporter{}
	emitter, err := newEventEmitter(set, config, key, next, stats, health)
	if err != nil {
		return nil, err
	}
	return &logsReceiver{set: set, config: config, sourceKey: key, source: src, emitter: emitter, health: health, stats: stats, now: time.Now}, nil
}

func (r *logsReceiver) Start(ctx context.Context, host component.Host) error {
	deadLetterWriter, err := r.openDeadLetter()
	if err != nil {
		return err
	}
	client, err := openCursor(ctx, host, r.config.Storage, r.set.ID, r.sourceKey)
	if err != nil {
		return err
	}
	_, stateless := r.source.(source.Stateless)
	if !stateless {
		r.stats.recordNeverRead()
	}
	if r.config.Storage == nil && !stateless {
		r.set.Logger.Warn("no storage is set: after a restart the receiver does not know what it has delivered, and begins anew; " +
			"set storage to a storage extension, such as file_storage")
	}
	// The context of Start may have a deadline, which must not end the source.
	run, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	r.client, r.cancel, r.sourceDone = client, cancel, make(chan struct{})
	r.health.host = host
	r.stats.figures.ShowTo(host, component.KindReceiver, r.set.ID)
	r.emitter.deadLetterWriter, r.emitter.stopReceiver = deadLetterWriter, cancel
	sourceHost := r.sourceHost(host)
	if starter, ok := r.source.(source.Starter); ok {
		if err := starter.Start(run, sourceHost); err != nil {
			close(r.sourceDone)
			return fmt.Errorf("%s::%w", r.sourceKey, err)
		}
	}
	go r.runSource(run, host, sourceHost)
	return nil
}

func (r *logsReceiver) sourceHost(host component.Host) source.Host {
	var redactEvent func(*session.Event)
	if r.emitter.redactPolicy != nil {
		redactEvent = r.emitter.redactPolicy.RedactEvent
	}
	return source.Host{
		Emit:   r.emitter.emitBatch,
		Store:  cursorStore{client: r.client, prefix: storageKeyVersion + "/" + r.sourceKey + "/"},
		Stats:  r.stats,
		Log:    r.set.Logger.With(zap.String("source", r.sourceKey)),
		Status: r.health.setSourceError,
		Now:    r.now,

		Extensions:  host.GetExtensions(),
		InstanceSet: r.config.Instance != "",
		Hide:        redactEvent,
	}
}

func (r *logsReceiver) openDeadLetter() (*deadletter.Writer, error) {
	if r.config.OnRefused == RefusedStop {
		return nil, nil
	}
	deadLetterWriter, err := deadletter.Open(r.config.DeadLetter.Directory, "receiver/"+r.set.ID.String())
	if err != nil {
		return nil, fmt.Errorf("dead_letter::directory: %w; name a folder that can be written, or set on_refused to %s", err, RefusedStop)
	}
	return deadLetterWriter, nil
}

func (r *logsReceiver) runSource(ctx context.Context, host component.Host, sourceHost source.Host) {
	err := r.source.Run(ctx, sourceHost)
	if refused := (*refusedError)(nil); errors.As(context.Cause(ctx), &refused) {
		err = refused
	}
	switch {
	case err != nil:
		r.set.Logger.Error("the receiver stops for good", zap.Error(err))
	case ctx.Err() == nil:
		r.set.Logger.Info("the source has delivered everything that it has")
	}
	// Closed before the report: a collector that shuts down may not take reports any more, and Shutdown waits for this.
	close(r.sourceDone)
	if err != nil {
		componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(err))
	}
}

// Shutdown stops the source, which saves its cursor, and waits for it until ctx ends.
func (r *logsReceiver) Shutdown(ctx context.Context) error {
	if r.sourceDone == nil {
		return nil
	}
	r.cancel(nil)
	select {
	case <-r.sourceDone:
	case <-ctx.Done():
		return fmt.Errorf("the source %s is still at work: %w", r.sourceKey, ctx.Err())
	}
	r.stats.occurrences.Flush()
	err := r.client.Close(ctx)
	if r.emitter.deadLetterWriter != nil {
		err = errors.Join(err, r.emitter.deadLetterWriter.Close())
	}
	return err
}
