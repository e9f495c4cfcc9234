package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/otelcol"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Both are within the ten seconds that are promised: after the first, the context of the run is cancelled; after the second, the process
// ends without waiting.
const (
	cancelAfter = 6 * time.Second
	killAfter   = 9 * time.Second
)

// errSecondSignal ends the process at once.
var errSecondSignal = errors.New("a second signal: ended at once, without waiting for what was in progress")

// Run runs the collector until SIGTERM or SIGINT, or until it fails. nil is a clean stop after a signal;
// whatever else ended it is the error. After an error, the process must be ended: goroutines may hang. At SIGHUP the configuration
// is read again if check, which has no time limit, returns nil.
func Run(ctx context.Context, set otelcol.CollectorSettings, check func(context.Context) error) error {
	watch := newStatusRecorder()
	watch.registerExtension(&set)
	reload := &configReloader{validateConfig: check, core: zapcore.NewNopCore()}
	reload.registerProvider(&set)
	set.DisableGracefulShutdown = true
	set.LoggingOptions = append(slices.Clip(set.LoggingOptions), zap.AddStacktrace(zapcore.FatalLevel)) // an operator's mistake has no stack
	collector, err := otelcol.NewCollector(set)
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	run := &collectorProcess{collector: collector, statuses: watch, signals: signals, ended: make(chan error, 1)}
	ctx, run.cancelRun = context.WithCancel(ctx)
	defer run.cancelRun()
	signal.Ignore(syscall.SIGHUP) // see takeOverSIGHUP
	go reload.reloadOnSIGHUP(ctx, watch.ready)
	go func() { run.ended <- collector.Run(ctx) }()
	return run.waitForEnd()
}

type collectorProcess struct {
	collector *otelcol.Collector
	statuses  *statusRecorder
	signals   <-chan os.Signal
	ended     chan error
	cancelRun context.CancelFunc
}

func (p *collectorProcess) waitForEnd() error {
	select {
	case err := <-p.ended:
		return errors.Join(err, p.unexpectedEnd(err))
	case fatal := <-p.statuses.fatal: // the collector shuts down by itself
		return errors.Join(fatal, p.waitForStop("a fatal error"))
	case s := <-p.signals:
		starting := p.collector.GetState() == otelcol.StateStarting
		if starting {
			p.cancelRun() // what a start waits for may never come
		}
		go p.collector.Shutdown()
		err := p.waitForStop(s.String())
		if starting && errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}
}

func (p *collectorProcess) unexpectedEnd(err error) error {
	select {
	case fatal := <-p.statuses.fatal:
		return fatal
	default:
	}
	if err == nil {
		return errors.New("the collector stopped itself; the log says why")
	}
	return nil
}

func (p *collectorProcess) waitForStop(reason string) error {
	began := time.Now()
	giveUp, end := time.After(cancelAfter), time.After(killAfter)
	for {
		select {
		case err := <-p.ended:
			return err
		case <-giveUp:
			p.cancelRun()
		case <-end:
			return fmt.Errorf("%s after %s the process ends by force; %s", time.Since(began).Round(time.Second), reason, p.statuses.describeUnfinished())
		case <-p.signals:
			return errSecondSignal
		}
	}
}
