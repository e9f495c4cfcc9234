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

// A stop has two limits, both before the ten seconds that are promised: after the first, components are told to give up what they
// wait for; after the second, the process ends without them.
const (
	giveUpAfter = 6 * time.Second
	endAfter    = 9 * time.Second
)

// errSecondSignal ends the process at once.
var errSecondSignal = errors.New("a second signal: ended at once, without waiting for what was under way")

// Run runs the collector until it is told to stop by SIGTERM or SIGINT, or fails. nil is a clean stop that somebody asked for;
// whatever else ended it is the error. After an error, the process must be ended: goroutines may hang. At SIGHUP the configuration
// is read again if check, which may take as long as it likes, says that it is valid.
func Run(ctx context.Context, set otelcol.CollectorSettings, check func(context.Context) error) error {
	watch := newStatusWatch()
	watch.addTo(&set)
	reload := &reloader{check: check, core: zapcore.NewNopCore()}
	reload.addTo(&set)
	set.DisableGracefulShutdown = true
	set.LoggingOptions = append(slices.Clip(set.LoggingOptions), zap.AddStacktrace(zapcore.FatalLevel)) // an operator's mistake has no stack
	collector, err := otelcol.NewCollector(set)
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	run := &process{collector: collector, watch: watch, signals: signals, ended: make(chan error, 1)}
	ctx, run.giveUp = context.WithCancel(ctx)
	defer run.giveUp()
	signal.Ignore(syscall.SIGHUP) // see takeSIGHUP
	go reload.run(ctx)
	go func() { run.ended <- collector.Run(ctx) }()
	return run.wait()
}

// process is a collector that runs.
type process struct {
	collector *otelcol.Collector
	watch     *statusWatch
	signals   <-chan os.Signal
	ended     chan error
	giveUp    context.CancelFunc
}

// wait returns when the collector has ended, or must.
func (p *process) wait() error {
	select {
	case err := <-p.ended:
		return errors.Join(err, p.whyEnded(err))
	case fatal := <-p.watch.fatal: // the collector stops itself
		return errors.Join(fatal, p.waitForStop("a fatal error"))
	case s := <-p.signals:
		starting := p.collector.GetState() == otelcol.StateStarting
		if starting {
			p.giveUp() // what a start waits for may never come
		}
		go p.collector.Shutdown()
		err := p.waitForStop(s.String())
		if starting && errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}
}

// whyEnded is the error of a collector that ended without one although nobody had asked it to.
func (p *process) whyEnded(err error) error {
	select {
	case fatal := <-p.watch.fatal:
		return fatal
	default:
	}
	if err == nil {
		return errors.New("the collector stopped itself; the log says why")
	}
	return nil
}

// waitForStop waits for the end within its limits.
func (p *process) waitForStop(reason string) error {
	began := time.Now()
	giveUp, end := time.After(giveUpAfter), time.After(endAfter)
	for {
		select {
		case err := <-p.ended:
			return err
		case <-giveUp:
			p.giveUp()
		case <-end:
			return fmt.Errorf("%s after %s the process ends by force; %s", time.Since(began).Round(time.Second), reason, p.watch.atWork())
		case <-p.signals:
			return errSecondSignal
		}
	}
}
