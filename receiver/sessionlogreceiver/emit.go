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
	"github.com/otel-sessionlog/sessionlog/internal/deadletter"
	"github.com/otel-sessionlog/sessionlog/internal/redaction"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// grace is how long a delivery that has begun may go on after the collector was told to stop, within the second that a source has
// to end: what is cut off is told again after the next start, which a pipeline without our exporter sees as a second copy.
const grace = 500 * time.Millisecond

// emitter is the way of a page into the pipeline. It is safe for concurrent use.
//
// It is the receiver, not the source, that waits and tries again: only here is it known which part of a page is still to be
// delivered, and a source that is held up in Emit reads nothing, which is all that it could do better.
type emitter struct {
	format   string
	next     consumer.Logs
	encoders sync.Pool         // of *plogs.Encoder
	redact   *redaction.Policy // nil: nothing is hidden
	report   *receiverhelper.ObsReport
	stats    *telemetry
	health   *health
	retry    retry
	// conditions holds what keeps events from being delivered. It is shared by deliveries that run at a time.
	conditions *conditionlog.Logger

	deadLetterWriter *deadletter.Writer // nil where a refusal stops the receiver
	stop             func(cause error)
}

func newEmitter(
	set receiver.Settings, config *Config, key string, next consumer.Logs, stats *telemetry, health *health,
) (*emitter, error) {
	report, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{
		ReceiverID: set.ID, Transport: key, LongLivedCtx: true, ReceiverCreateSettings: set,
	})
	if err != nil {
		return nil, err
	}
	version := set.BuildInfo.Version
	return &emitter{
		format: key, next: next, report: report, stats: stats, health: health, retry: defaultRetry,
		conditions: conditionlog.New(set.Logger, time.Now),
		encoders:   sync.Pool{New: func() any { return plogs.NewEncoder(version) }},
		redact:     redaction.New(config.Redact),
	}, nil
}

// emit is the source.Emit. It returns an error only when ctx has ended, or when the receiver stops because of a refusal.
func (e *emitter) emit(ctx context.Context, page []session.Event) error {
	if len(page) == 0 {
		return nil
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	page = e.redact.Page(page)
	work, done := lingering(ctx, grace)
	defer done()
	refused, reason, err := e.deliver(ctx, work, page)
	if err != nil || len(refused) == 0 {
		return err
	}
	return e.refuse(ctx, work, refused, reason)
}

// deliver returns when the pipeline has accepted or refused each event; refused are the latter.
func (e *emitter) deliver(ctx, work context.Context, page []session.Event) (refused []session.Event, reason, err error) {
	err = e.retry.insist(ctx, func() error {
		cause := e.consume(work, page)
		left := failed(cause, page)
		e.stats.emitted(ctx, len(page)-len(left))
		if len(left) == 0 {
			return nil
		}
		if permanent(cause) {
			refused, reason = left, cause
			return nil
		}
		page = left
		return cause
	}, e.troubled("the pipeline does not take events: trying again"))
	return refused, reason, err
}

// consume encodes anew for each try, since a pipeline may change what it is given.
func (e *emitter) consume(ctx context.Context, page []session.Event) error {
	op := e.report.StartLogsOp(ctx)
	err := e.next.ConsumeLogs(op, e.encode(page))
	e.report.EndLogsOp(op, e.format, len(page), err)
	return err
}

// refuse puts events that the pipeline will never take into the dead letter, or stops the receiver.
func (e *emitter) refuse(ctx, work context.Context, refused []session.Event, reason error) error {
	e.stats.refused(ctx, len(refused))
	if e.deadLetterWriter == nil {
		err := &refusedError{count: len(refused), reason: reason}
		e.stop(err)
		return err
	}
	err := e.retry.insist(ctx, func() error {
		return e.deadLetterWriter.Write(work, e.encode(refused), reason)
	}, e.troubled("refused events cannot be kept: trying again"))
	if err == nil {
		e.stats.deadLettered(ctx, len(refused), reason)
	}
	return err
}

// troubled tells the collector and its log about a try that failed, and about the end of the trouble.
func (e *emitter) troubled(message string) func(error, time.Duration) {
	return func(err error, pause time.Duration) {
		e.health.pipeline(err)
		if err == nil {
			e.conditions.Clear(message, "the pipeline takes events again")
			return
		}
		e.conditions.RaiseReason(message, err, message, zap.Stringer("pause", pause))
	}
}

func (e *emitter) encode(page []session.Event) plog.Logs {
	encoder := e.encoders.Get().(*plogs.Encoder)
	defer e.encoders.Put(encoder)
	return encoder.Encode(page)
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

// lingering is ctx, but ends d later. done frees it.
func lingering(ctx context.Context, d time.Duration) (work context.Context, done func()) {
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel(context.Cause(ctx))
		case <-work.Done():
		}
	})
	return work, func() {
		unhook()
		cancel(nil)
	}
}
