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
	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/internal/redaction"
	"github.com/otel-sessionlog/sessionlog/session/deadletter"
)

// sessionlogExporter wraps exporterhelper's chain (queue, batches, retries) at both ends: what is no event never enters the chain
// (filter.go), and what leaves it goes to the backend (push.go).
type sessionlogExporter struct {
	exporter.Logs // the chain

	cfg              *DeliveryConfig
	destination      Destination
	id               component.ID
	log              *zap.Logger
	backend          backend.Backend
	deadLetterWriter *deadletter.Writer
	isOpen           bool // the dead letter is open, and the backend is being started
	telemetry        *exporterTelemetry
	notices          *conditionlog.Occurrences
	status           statusReporter
	decoders         sync.Pool
	sharedWrites     *sharedWrites     // nil where the backend is no [backend.SharedWriter]
	redactPolicy     *redaction.Policy // nil: nothing is hidden
	version          string

	startup    *backendStartup
	conditions *conditionlog.Logger

	recoveryIdle     time.Duration
	writesInProgress atomic.Int32 // under way
	lastWriteEnd     atomic.Int64 // when the last one ended, nanoseconds since 1970
	background       sync.WaitGroup

	// writeContext ends when writing must: at once in a Shutdown while the backend fails, else with Shutdown's own context.
	writeContext context.Context
	cancelWrites context.CancelFunc
	// chainContext ends when the chain has: exporterhelper's queue takes calls even then, and would never answer them.
	chainContext context.Context
	cancelChain  context.CancelFunc
}

var _ exporter.Logs = (*sessionlogExporter)(nil)

// Destination is where an exporter delivers to.
type Destination struct {
	Backend             backend.Backend
	Key                 string // its key in the configuration
	Timeout             exporterhelper.TimeoutConfig
	DeadLetterDirectory string                                       // empty: package deadletter chooses
	MeterScope          string                                       // the package of the component
	Check               func(context.Context) []connectcheck.Finding // what validate --connect asks
}

// hostUser is a backend that needs the collector's extensions. It gets the host before it starts.
type hostUser interface{ SetHost(component.Host) }

// NewEventExporter makes an exporter of authentication events: its own settings say what becomes of records that are none, and of those
// that are refused; nil from ConsumeLogs means that the destination has every event.
func NewEventExporter(ctx context.Context, set exporter.Settings, cfg DeliveryConfig, to Destination) (exporter.Logs, error) {
	return newEventExporter(ctx, set, cfg, to)
}

func newEventExporter(ctx context.Context, set exporter.Settings, cfg DeliveryConfig, to Destination) (*sessionlogExporter, error) {
	tel, err := newTelemetry(set, to.MeterScope)
	if err != nil {
		return nil, err
	}
	e := &sessionlogExporter{
		cfg: &cfg, destination: to, id: set.ID, log: set.Logger, backend: to.Backend, telemetry: tel,
		notices: conditionlog.NewOccurrences(set.Logger, time.Now),

		redactPolicy: redaction.New(cfg.Redact), version: set.BuildInfo.Version,

		startup:    newBackendStartup(),
		conditions: conditionlog.New(set.Logger, time.Now),

		recoveryIdle: recoveryIdle,
	}
	e.decoders.New = e.newDecoder
	if b, ok := to.Backend.(backend.SharedWriter); ok {
		e.sharedWrites = &sharedWrites{writeRecords: e.writeRecords, WriteSize: b.WriteSize()}
	}
	e.writeContext, e.cancelWrites = context.WithCancel(context.Background())
	e.chainContext, e.cancelChain = context.WithCancel(context.Background())
	set.Logger = set.Logger.WithOptions(correctDropMessages(&cfg))
	e.Logs, err = exporterhelper.NewLogs(ctx, set, cfg, e.pushBatch,
		exporterhelper.WithTimeout(to.Timeout),
		exporterhelper.WithRetry(cfg.BackOffConfig),
		exporterhelper.WithQueue(cfg.QueueConfig),
		exporterhelper.WithStart(e.startDependencies),
		exporterhelper.WithShutdown(e.closeDependencies))
	return e, err
}

func (e *sessionlogExporter) startDependencies(_ context.Context, host component.Host) error {
	for _, w := range lossWarnings(e.cfg) {
		e.log.Warn("authentication events can be lost: " + w + "; acknowledge_loss: true silences this")
	}
	e.status.host = host
	e.telemetry.figures.ShowTo(host, component.KindExporter, e.id)
	if b, ok := e.backend.(hostUser); ok {
		b.SetHost(host)
	}
	dead, err := deadletter.Open(e.destination.DeadLetterDirectory, "exporter/"+e.id.String())
	if err != nil {
		return fmt.Errorf("dead_letter::directory: %w; name a folder that this process may write", err)
	}
	e.deadLetterWriter, e.isOpen = dead, true
	e.background.Go(e.watchRecovery)
	return e.startBackend()
}

// Shutdown waits for the writes in progress while the backend works. While it fails, or has never started, nothing more is tried:
// waiting callers get an error and still have the events.
func (e *sessionlogExporter) Shutdown(ctx context.Context) error {
	if !e.startup.isReady() {
		e.cancelWrites()
	}
	e.status.giveUpOnFailure(e.cancelWrites)
	defer context.AfterFunc(ctx, e.cancelWrites)()
	return e.Logs.Shutdown(ctx)
}

func (e *sessionlogExporter) closeDependencies(ctx context.Context) error {
	e.cancelWrites()
	e.cancelChain()
	e.notices.Flush()
	if !e.isOpen { // never started, since another component failed
		return nil
	}
	e.background.Wait()
	<-e.startup.retriesEnded
	return errors.Join(e.backend.Shutdown(ctx), e.deadLetterWriter.Close())
}
