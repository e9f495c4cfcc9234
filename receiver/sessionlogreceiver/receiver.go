package sessionlogreceiver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/deadletter"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/session"
)

// logsReceiver runs one source for as long as the collector runs.
type logsReceiver struct {
	set     receiver.Settings
	config  *Config
	key     string // of the source's block
	src     source.Source
	emitter *emitter
	health  *health
	stats   *telemetry
	now     func() time.Time

	client cursorClient
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when the source has returned; nil before Start
}

func newReceiver(set receiver.Settings, config *Config, key string, src source.Source, next consumer.Logs) (*logsReceiver, error) {
	stats, err := newTelemetry(set)
	if err != nil {
		return nil, err
	}
	health := &health{}
	emitter, err := newEmitter(set, config, key, next, stats, health)
	if err != nil {
		return nil, err
	}
	return &logsReceiver{set: set, config: config, key: key, src: src, emitter: emitter, health: health, stats: stats, now: time.Now}, nil
}

// Start connects to the storage and sets the source to work.
func (r *logsReceiver) Start(ctx context.Context, host component.Host) error {
	letter, err := r.openDeadLetter()
	if err != nil {
		return err
	}
	client, err := openCursor(ctx, host, r.config.Storage, r.set.ID, r.key)
	if err != nil {
		return err
	}
	_, stateless := r.src.(source.Stateless)
	if !stateless {
		r.stats.neverRead()
	}
	if r.config.Storage == nil && !stateless {
		r.set.Logger.Warn("no storage is set: after a restart the receiver does not know what it has delivered, and begins anew; " +
			"set storage to a storage extension, such as file_storage")
	}
	// The collector's start may have a deadline of its own, which is not the source's.
	run, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	r.client, r.cancel, r.done = client, cancel, make(chan struct{})
	r.health.host = host
	r.emitter.deadLetterWriter, r.emitter.stop = letter, cancel
	sourceHost := r.sourceHost(host)
	if starter, ok := r.src.(source.Starter); ok {
		if err := starter.Start(run, sourceHost); err != nil {
			close(r.done)
			return fmt.Errorf("%s::%w", r.key, err)
		}
	}
	go r.run(run, host, sourceHost)
	return nil
}

// sourceHost is what the source is given.
func (r *logsReceiver) sourceHost(host component.Host) source.Host {
	var hide func(*session.Event)
	if r.emitter.redact != nil {
		hide = r.emitter.redact.Hide
	}
	return source.Host{
		Emit:   r.emitter.emit,
		Store:  store{client: r.client, prefix: storeVersion + "/" + r.key + "/"},
		Stats:  r.stats,
		Log:    r.set.Logger.With(zap.String("source", r.key)),
		Status: r.health.source,
		Now:    r.now,

		Extensions:  host.GetExtensions(),
		InstanceSet: r.config.Instance != "",
		Hide:        hide,
	}
}

func (r *logsReceiver) openDeadLetter() (*deadletter.Writer, error) {
	if r.config.OnRefused == RefusedStop {
		return nil, nil
	}
	letter, err := deadletter.Open(r.config.DeadLetter.Directory, "receiver/"+r.set.ID.String())
	if err != nil {
		return nil, fmt.Errorf("dead_letter::directory: %w; name a folder that can be written, or set on_refused to %s", err, RefusedStop)
	}
	return letter, nil
}

func (r *logsReceiver) run(ctx context.Context, host component.Host, sourceHost source.Host) {
	err := r.src.Run(ctx, sourceHost)
	if refused := (*refusedError)(nil); errors.As(context.Cause(ctx), &refused) {
		err = refused
	}
	switch {
	case err != nil:
		r.set.Logger.Error("the receiver stops for good", zap.Error(err))
	case ctx.Err() == nil:
		r.set.Logger.Info("the source has told everything that it has")
	}
	// Shutdown waits for the source, not for the report: a collector that is on its way out may not listen to it any more.
	close(r.done)
	if err != nil {
		componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(err))
	}
}

// Shutdown stops the source, which saves what it has delivered, and waits for it as long as ctx allows.
func (r *logsReceiver) Shutdown(ctx context.Context) error {
	if r.done == nil {
		return nil
	}
	r.cancel(nil)
	select {
	case <-r.done:
	case <-ctx.Done():
		return fmt.Errorf("the source %s is still at work: %w", r.key, ctx.Err())
	}
	err := r.client.Close(ctx)
	if r.emitter.deadLetterWriter != nil {
		err = errors.Join(err, r.emitter.deadLetterWriter.Close())
	}
	return err
}
