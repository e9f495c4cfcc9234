package sessionlogexporter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/internal/redaction"
	"github.com/otel-sessionlog/sessionlog/session/deadletter"
)

// sessionlogExporter stands around exporterhelper's chain (queue, batches, retries), at both ends of it: what is no event
// never enters the chain (filter.go), and what leaves it goes to the backend (push.go).
type sessionlogExporter struct {
	exporter.Logs // the chain

	cfg              *Config
	id               component.ID
	log              *zap.Logger
	backend          backend.Backend
	deadLetterWriter *deadletter.Writer
	opened           bool // the dead letter is open, and the backend is being started
	tel              *telemetry
	notices          *conditionlog.Occurrences
	health           health
	decoders         sync.Pool
	redact           *redaction.Policy // nil: nothing is hidden
	version          string

	backendKey string // the backend's block in the configuration
	startup    *backendStartup
	conditions *conditionlog.Logger

	recoveryIdle time.Duration
	writes       atomic.Int32 // under way
	lastWrite    atomic.Int64 // when the last one ended, nanoseconds since 1970
	background   sync.WaitGroup

	// stopped ends when writing must: at once in a Shutdown while the backend fails, else with Shutdown's own context.
	stopped context.Context
	stop    context.CancelFunc
	// ended ends when the chain has: exporterhelper's queue takes calls even then, and would never answer them.
	ended context.Context
	end   context.CancelFunc
}

var _ exporter.Logs = (*sessionlogExporter)(nil)

func newExporter(ctx context.Context, set exporter.Settings, cfg *Config, store backend.Backend) (*sessionlogExporter, error) {
	tel, err := newTelemetry(set)
	if err != nil {
		return nil, err
	}
	e := &sessionlogExporter{
		cfg: cfg, id: set.ID, log: set.Logger, backend: store, tel: tel,
		notices: conditionlog.NewOccurrences(set.Logger, time.Now),

		redact: redaction.New(cfg.Redact), version: set.BuildInfo.Version,

		startup:    newBackendStartup(),
		conditions: conditionlog.New(set.Logger, time.Now),

		recoveryIdle: recoveryIdle,
	}
	e.decoders.New = e.newDecoder
	chosen, err := choose(backends, cfg)
	if err != nil {
		return nil, err
	}
	e.backendKey = chosen.key
	e.stopped, e.stop = context.WithCancel(context.Background())
	e.ended, e.end = context.WithCancel(context.Background())
	set.Logger = set.Logger.WithOptions(sayKept(cfg))
	e.Logs, err = exporterhelper.NewLogs(ctx, set, cfg, e.push,
		exporterhelper.WithTimeout(cfg.TimeoutConfig),
		exporterhelper.WithRetry(cfg.BackOffConfig),
		exporterhelper.WithQueue(cfg.QueueConfig),
		exporterhelper.WithStart(e.open),
		exporterhelper.WithShutdown(e.close))
	return e, err
}

// open makes ready what the chain needs before its queue starts.
func (e *sessionlogExporter) open(_ context.Context, host component.Host) error {
	for _, w := range warnings(e.cfg) {
		e.log.Warn("authentication events can be lost: " + w + "; acknowledge_loss: true silences this")
	}
	e.health.host = host
	dead, err := deadletter.Open(e.cfg.deadLetterDirectory(), "exporter/"+e.id.String())
	if err != nil {
		return fmt.Errorf("dead_letter::directory: %w", err)
	}
	e.deadLetterWriter, e.opened = dead, true
	e.background.Go(e.watchRecovery)
	return e.startBackend()
}

// Shutdown lets the writes under way come to their end while the backend works. While it fails, or was never there, nothing more is
// tried: whoever waits gets an error and still has the events.
func (e *sessionlogExporter) Shutdown(ctx context.Context) error {
	if !e.startup.isReady() {
		e.stop()
	}
	e.health.leave(e.stop)
	defer context.AfterFunc(ctx, e.stop)()
	return e.Logs.Shutdown(ctx)
}

// close is called when the chain has ended; also when it was never started, since another component failed.
func (e *sessionlogExporter) close(ctx context.Context) error {
	e.stop()
	e.end()
	e.notices.Flush()
	if !e.opened {
		return nil
	}
	e.background.Wait()
	<-e.startup.ended
	return errors.Join(e.backend.Shutdown(ctx), e.deadLetterWriter.Close())
}
