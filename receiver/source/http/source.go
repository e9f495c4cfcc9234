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

	"github.com/otel-sessionlog/sessionlog/internal/loopbackhost"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// shutdownGrace lies between the receiver's grace for a delivery in progress, half a second, and the source's own second.
const shutdownGrace = 800 * time.Millisecond

type pushSource struct {
	config   Config
	instance string
	settings component.TelemetrySettings

	listener net.Listener // since Start
	server   *http.Server
	handler  *eventsHandler
}

// New makes the source. Nothing is opened yet.
func New(config Config, instance string, settings component.TelemetrySettings) (source.Source, error) {
	return &pushSource{config: config, instance: instance, settings: settings}, nil
}

// Stateless is part of source.Stateless: the senders are the queue.
func (p *pushSource) Stateless() {}

var (
	_ source.Stateless = (*pushSource)(nil)
	_ source.Starter   = (*pushSource)(nil)
)

// Start is part of source.Starter. It listens, and finds the extensions that the configuration names.
func (p *pushSource) Start(ctx context.Context, host source.Host) error {
	if tls := p.config.Server.TLS.Get(); tls != nil { // ToListener would keep the port
		if _, err := tls.LoadTLSConfig(ctx); err != nil {
			return fmt.Errorf("tls: %w", err)
		}
	}
	listener, err := p.config.Server.ToListener(ctx)
	if err != nil {
		return loopbackhost.ExplainListen(err)
	}
	p.handler = newEventsHandler(p.config, p.instance, host)
	p.server, err = p.config.Server.ToServer(ctx, host.Extensions, p.settings, p.handler.routeByPath(), p.config.serverOptions()...)
	if err != nil {
		return errors.Join(fmt.Errorf("auth or middlewares: %w", err), listener.Close())
	}
	p.server.BaseContext = func(net.Listener) context.Context { return ctx }
	p.server.Handler = drainBeforeError(p.server.Handler, p.config.Server.MaxRequestBodySize)
	p.listener = listener
	for _, warning := range p.config.startWarnings(p.instance, host.InstanceSet) {
		host.Log.Warn(warning)
	}
	return nil
}

// Run listens until ctx ends.
func (p *pushSource) Run(ctx context.Context, host source.Host) error {
	if p.server == nil {
		if err := p.Start(ctx, host); err != nil {
			return err
		}
	}
	host.Log.Info("waiting for events", zap.Stringer("address", p.listener.Addr()))
	host.Status(nil)
	served := make(chan error, 1)
	go func() { served <- p.server.Serve(p.listener) }()
	var err error
	select {
	case err = <-served:
		err = fmt.Errorf("http: the server has ended by itself: %w", err)
	case <-ctx.Done():
		p.handler.requestGate.closeAndWait()
		shutdownServer(ctx, p.server)
		_, err = <-served, nil // http.ErrServerClosed
	}
	p.handler.requestGate.closeAndWait()
	p.handler.requestGate.activeCalls.Wait()
	return err
}

func shutdownServer(ctx context.Context, server *http.Server) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		_ = server.Close()
	}
}
