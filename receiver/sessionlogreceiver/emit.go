package sessionlogreceiver

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/internal/redaction"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/deadletter"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// shutdownGrace is how long a delivery in progress may go on after Shutdown, within the second that a source has to end: what is
// cut off is delivered again after the next start, which a pipeline without our exporter sees as a second copy.
const shutdownGrace = 500 * time.Millisecond

// eventEmitter delivers batches to the pipeline. It is safe for concurrent use.
//
// The receiver retries, not the source: only here is it known which part of a batch is still to be delivered.
type eventEmitter struct {
	format       string
	next         consumer.Logs
	encoders     sync.Pool         // of *plogs.Encoder
	redactPolicy *redaction.Policy // nil: nothing is hidden
	obsReport    *receiverhelper.ObsReport
	stats        *receiverTelemetry
	health       *statusReporter
	retry        retryPolicy
	conditions   *conditionlog.Logger // what keeps events from being delivered; shared by concurrent deliveries

	deadLetterWriter *deadletter.Writer // nil where a refusal stops the receiver
	stopReceiver     func(cause error)
}

func newEventEmitter(
	set receiver.Settings, config *Config, key string, next consumer.Logs, stats *receiverTelemetry, health *statusReporter,
) (*eventEmitter, error) {
	report, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{
		ReceiverID: set.ID, Transport: key, LongLivedCtx: true, ReceiverCreateSettings: set,
	})
	if err != nil {
		return nil, err
	}
	version := set.BuildInfo.Version
	return &eventEmitter{
		format: key, next: next, obsReport: report, stats: stats, health: health, retry: defaultRetryPolicy,
		conditions:   conditionlog.New(set.Logger, time.Now),
		encoders:     sync.Pool{New: func() any { return plogs.NewEncoder(version) }},
		redactPolicy: redaction.New(config.Redact),
	}, nil
}

// emitBatch is [source.Host.Emit]. It returns an error only when ctx has ended, or when the receiver stops because of a refusal.
func (e *eventEmitter) emitBatch(ctx context.Context, events []session.Event) error {
	if len(events) == 0 {
		return nil
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	events = e.redactPolicy.RedactEvents(events)
	work, done := contextWithGrace(ctx, shutdownGrace)
	defer done()
	refused, reason, err := e.deliverWithRetry(ctx, work, events)
	if err != nil || len(refused) == 0 {
		return err
	}
	return e.disposeRefused(ctx, work, refused, reason)
}

func (e *eventEmitter) deliverWithRetry(ctx, work context.Context, events []session.Event) (refused []session.Event, reason, err error) {
	err = e.retryDelivery(ctx, "the pipeline does not take events: trying again", func() error {
		cause := e.consumeOnce(work, events)
		left := undeliveredEvents(cause, events)
		e.stats.countAccepted(ctx, len(events)-len(left))
		if len(left) == 0 {
			return nil
		}
		if permanentForAll(cause) {
			refused, reason = left, cause
			return nil
		}
		events = left
		return cause
	})
	return refused, reason, err
}

func (e *eventEmitter) consumeOnce(ctx context.Context, events []session.Event) error {
	op := e.obsReport.StartLogsOp(ctx)
	err := e.next.ConsumeLogs(op, e.encodeBatch(events)) // encoded anew for each try: a pipeline may change what it is given
	e.obsReport.EndLogsOp(op, e.format, len(events), err)
	return err
}

func (e *eventEmitter) disposeRefused(ctx, work context.Context, refused []session.Event, reason error) error {
	e.stats.refusedEvents.Add(ctx, int64(len(refused)), e.stats.receiverAttribute)
	if e.deadLetterWriter == nil {
		err := &refusedError{count: len(refused), reason: reason}
		e.stopReceiver(err)
		return err
	}
	err := e.retryDelivery(ctx, "refused events cannot be kept: trying again", func() error {
		return e.deadLetterWriter.Write(work, e.encodeBatch(refused), reason)
	})
	if err == nil {
		e.stats.countDeadLettered(ctx, len(refused), reason)
	}
	return err
}

// retryDelivery logs message while an attempt fails. Its error is the cause of the end of ctx.
func (e *eventEmitter) retryDelivery(ctx context.Context, message string, attempt func() error) error {
	delivery := &failingDelivery{waitsFor: message}
	err := e.retry.retryUntilDone(ctx, attempt, func(err error, pause time.Duration) {
		e.health.setFailing(delivery, err)
		e.conditions.RaiseReason(message, err, message, zap.Stringer("pause", pause))
	})
	if e.health.endDelivery(delivery, err == nil) {
		e.conditions.Clear(message, "the pipeline takes events again")
	}
	return err
}

func (e *eventEmitter) encodeBatch(events []session.Event) plog.Logs {
	encoder := e.encoders.Get().(*plogs.Encoder)
	defer e.encoders.Put(encoder)
	return encoder.Encode(events)
}

// refusedError is why a receiver with on_refused: stop has stopped.
type refusedError struct {
	count  int
	reason error
}

func (r *refusedError) Error() string {
	return fmt.Sprintf("the pipeline refuses %d events for good: %v; mend the pipeline and start again, "+
		"or set on_refused to %s to go on without them", r.count, r.reason, RefusedDeadLetter)
}

func (r *refusedError) Unwrap() error { return r.reason }

func contextWithGrace(ctx context.Context, d time.Duration) (work context.Context, done func()) {
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stopWatching := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel(context.Cause(ctx))
		case <-work.Done():
		}
	})
	return work, func() {
		stopWatching()
		cancel(nil)
	}
}
