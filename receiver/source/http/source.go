package httpsource

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// farewell is how long calls may take to end when the source stops: the receiver lets a delivery that has begun go on for half a
// second, and a source has one.
const farewell = 800 * time.Millisecond

// pushed is a source that waits to be told.
type pushed struct {
	config   Config
	instance string
	settings component.TelemetrySettings
}

// New makes the source. Nothing is opened yet.
func New(config Config, instance string, settings component.TelemetrySettings) (source.Source, error) {
	return &pushed{config: config, instance: instance, settings: settings}, nil
}

// Stateless is part of source.Stateless: the senders are the queue.
func (p *pushed) Stateless() {}

var _ source.Stateless = (*pushed)(nil)

// Run listens until ctx ends. A port that cannot be opened is fatal: it is a mistake of the configuration.
func (p *pushed) Run(ctx context.Context, host source.Host) error {
	listener, err := p.config.Server.ToListener(ctx)
	switch {
	case ctx.Err() != nil:
		if err == nil {
			listener.Close()
		}
		return nil //nolint:nilerr // stopped before it began
	case err != nil:
		return fmt.Errorf("endpoint: %w", err)
	}
	d := newDoor(p.config, p.instance, host)
	server, err := p.config.Server.ToServer(ctx, host.Extensions, p.settings, d.routes(), p.config.options()...)
	if err != nil {
		return errors.Join(fmt.Errorf("http: %w", err), listener.Close())
	}
	server.BaseContext = func(net.Listener) context.Context { return ctx }
	host.Log.Info("waiting for events", zap.Stringer("address", listener.Addr()))
	host.Status(nil)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err = <-served:
		err = fmt.Errorf("http: the server has ended by itself: %w", err)
	case <-ctx.Done():
		d.gate.close()
		stop(ctx, server)
		_, err = <-served, nil // http.ErrServerClosed
	}
	d.gate.close()
	d.gate.inside.Wait()
	return err
}

// stop lets calls end that are under way, and no longer than farewell.
func stop(ctx context.Context, server *http.Server) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		_ = server.Close()
	}
}
