package sessionlogexplorer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backendblocks"
	"github.com/otel-sessionlog/sessionlog/internal/loopbackhost"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/workfigures"
)

var (
	_ extension.Extension                          = (*explorerServer)(nil)
	_ extensioncapabilities.Dependent              = (*explorerServer)(nil)
	_ extensioncapabilities.PipelineWatcher        = (*explorerServer)(nil)
	_ extensioncapabilities.ComponentStatusWatcher = (*explorerServer)(nil)
	_ workfigures.Watcher                          = (*explorerServer)(nil)
)

type explorerServer struct {
	config     *Config
	settings   component.TelemetrySettings
	backend    backendblocks.Backend
	stores     *storePool
	streams    chan struct{} // exports and tails under way
	components componentStates
	seals      *sealReader

	listener net.Listener // since Start
	server   *http.Server
	cancel   context.CancelFunc // ends what is being answered
	serving  sync.WaitGroup
}

func newExplorer(set extension.Settings, cfg *Config) (*explorerServer, error) {
	chosen, err := cfg.chooseBackend()
	if err != nil {
		return nil, err
	}
	keys, err := seal.ParseKeys(cfg.SealKeys...)
	if err != nil {
		return nil, err
	}
	return &explorerServer{
		config: cfg, settings: set.TelemetrySettings, backend: chosen, stores: newStorePool(chosen.OpenQueryStore, cfg.MaxQuestions), streams: make(chan struct{}, maxStreams), seals: newSealReader(keys),
	}, nil
}

// Dependencies are the extensions that have to start before.
func (x *explorerServer) Dependencies() (ids []component.ID) {
	if auth := x.config.Server.Auth.Get(); auth != nil {
		ids = append(ids, auth.Config.AuthenticatorID)
	}
	for _, m := range x.config.Server.Middlewares {
		ids = append(ids, m.ID)
	}
	return ids
}

// Start listens. The backend is opened by the first question: the exporter, which makes it, starts later.
func (x *explorerServer) Start(ctx context.Context, host component.Host) error {
	if tls := x.config.Server.TLS.Get(); tls != nil { // ToListener would keep the port
		if _, err := tls.LoadTLSConfig(ctx); err != nil {
			return fmt.Errorf("tls: %w", err)
		}
	}
	listener, err := x.config.Server.ToListener(ctx)
	if err != nil {
		return loopbackhost.ExplainListen(err)
	}
	x.server, err = x.config.Server.ToServer(ctx, host.GetExtensions(), x.settings, x.routeAPI(), confighttp.WithErrorHandler(respondServerError))
	if err != nil {
		return errors.Join(fmt.Errorf("auth or middlewares: %w", err), listener.Close())
	}
	x.server.Handler = x.guardRequests(routePages(x.server.Handler))
	x.server.MaxHeaderBytes = maxHeaderBytes
	if x.server.IdleTimeout == 0 {
		x.server.IdleTimeout = time.Minute
	}
	background, cancel := context.WithCancel(context.Background())
	x.server.BaseContext = func(net.Listener) context.Context { return background }
	x.listener, x.cancel = listener, cancel
	x.settings.Logger.Info("logins can be seen in a browser", zap.String("address", x.listenAddress()))
	if !x.config.isLoopbackOnly() && !x.config.Server.TLS.HasValue() {
		x.settings.Logger.Warn("endpoint: " + x.config.Server.NetAddr.Endpoint + " can be reached from other machines without TLS, so that logins and the readers' tokens cross the network in the clear: " +
			"set tls, or listen on 127.0.0.1 behind a proxy that does both")
	}
	x.serving.Go(func() {
		if err := x.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			x.settings.Logger.Error("the explorer's server has ended by itself", zap.Error(err))
		}
	})
	return nil
}

func (x *explorerServer) listenAddress() string {
	scheme := "http"
	if x.config.Server.TLS.HasValue() {
		scheme = "https"
	}
	return scheme + "://" + x.listener.Addr().String()
}

func (x *explorerServer) Ready() error { return nil }

// NotReady lets go of the backend before the exporter closes it: the last who has a SQLite database open should be one who writes.
func (x *explorerServer) NotReady() error {
	if x.cancel != nil {
		x.cancel()
	}
	return x.stores.closeStores()
}

// shutdownGrace is for answers that are being written.
const shutdownGrace = 500 * time.Millisecond

func (x *explorerServer) Shutdown(ctx context.Context) error {
	if x.listener == nil {
		return nil
	}
	x.cancel()
	graceful, cancel := context.WithTimeout(ctx, shutdownGrace)
	defer cancel()
	var err error
	if x.server.Shutdown(graceful) != nil {
		err = x.server.Close()
	}
	x.serving.Wait()
	return errors.Join(err, x.stores.closeStores())
}
