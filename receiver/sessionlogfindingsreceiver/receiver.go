package sessionlogfindingsreceiver

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/otel/metric"

	"github.com/otel-sessionlog/sessionlog/exporter/backendblocks"
	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/query/findings"
)

// findingsReceiver asks its questions one after the other, each about the time since it was asked last.
type findingsReceiver struct {
	set        receiver.Settings
	config     *Config
	backend    backendblocks.Backend
	next       consumer.Logs
	questions  []scheduledQuestion
	options    findings.Options
	records    *recordWriter
	conditions *conditionlog.Logger
	stats      *receiverTelemetry
	now        func() time.Time

	storage  storage.Client // nil where none is set
	memories map[string]*questionMemory
	newest   newestEvents
	host     component.Host
	trouble  string // as last reported to the host
	cancel   context.CancelFunc
	done     chan struct{} // nil before Start
}

func newFindingsReceiver(set receiver.Settings, config *Config, next consumer.Logs) (*findingsReceiver, error) {
	chosen, err := config.chooseBackend()
	if err != nil {
		return nil, err
	}
	stats, err := newReceiverTelemetry(set)
	if err != nil {
		return nil, err
	}
	r := &findingsReceiver{
		set: set, config: config, backend: chosen, next: next, questions: config.scheduledQuestions(), options: config.Questions.questionOptions(), stats: stats, now: time.Now,
		conditions: conditionlog.New(set.Logger, time.Now),
	}
	r.records = &recordWriter{set.BuildInfo.Version, config.ExplorerURL, func() time.Time { return r.now() }}
	return r, nil
}

// Start reads what was delivered and begins to ask. A backend that is not there yet is no error.
func (r *findingsReceiver) Start(ctx context.Context, host component.Host) error {
	if err := r.openAndLoad(ctx, host); err != nil {
		return err
	}
	// The context of Start may have a deadline, which must not end the receiver.
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r.cancel, r.done = cancel, make(chan struct{})
	go func() {
		defer close(r.done)
		r.askUntilDone(run)
	}()
	return nil
}

func (r *findingsReceiver) openAndLoad(ctx context.Context, host component.Host) (err error) {
	r.host, r.memories = host, map[string]*questionMemory{}
	if r.storage, err = r.openStorage(ctx, host); err != nil {
		return err
	}
	if err := r.loadNewest(ctx); err != nil {
		return err
	}
	for _, q := range r.questions {
		if r.memories[q.Name], err = r.loadMemory(ctx, q.Name); err != nil {
			return err
		}
	}
	return nil
}

func (r *findingsReceiver) askUntilDone(ctx context.Context) {
	ticker := time.NewTicker(r.config.Interval)
	defer ticker.Stop()
	for {
		r.reportRun(ctx, r.askAll(ctx))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (r *findingsReceiver) reportRun(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	text, event := "", componentstatus.NewEvent(componentstatus.StatusOK)
	if err != nil {
		text, event = err.Error(), componentstatus.NewRecoverableErrorEvent(err)
		r.stats.countFor(ctx, r.stats.failed, 1, "")
	} else {
		r.stats.lastSuccess.Record(ctx, r.now().Unix(), metric.WithAttributes(r.stats.receiverID))
	}
	if text != r.trouble {
		r.trouble = text
		componentstatus.ReportStatus(r.host, event)
	}
}

// Shutdown ends the question that is asked. What was not remembered is delivered again after the next start, with the same ids.
func (r *findingsReceiver) Shutdown(ctx context.Context) error {
	if r.done != nil {
		r.cancel()
		select {
		case <-r.done:
		case <-ctx.Done():
			return fmt.Errorf("a question is still being asked: %w", ctx.Err())
		}
	}
	if r.storage == nil {
		return nil
	}
	return r.storage.Close(ctx)
}
