package sessionlogexporter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otel-sessionlog/sessionlog/internal/writesize"
	"github.com/otel-sessionlog/sessionlog/session/deadletter"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

var errNotEvent = errors.New("not an authentication event: its event name is none of sessionlog.login, sessionlog.logout, sessionlog.session.start, sessionlog.session.update")

var errShutDown = errors.New("the exporter has been shut down: none of these records was kept")

// ConsumeLogs returns nil when every record is durable. Records that are no events are separated before the queue, where the error
// still reaches their sender and nobody else; the events beside them are delivered first.
func (e *sessionlogExporter) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	if e.sharedWrites != nil {
		writesize.ReportWanted(ctx, e.sharedWrites.Enough)
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.chainContext, cancel)()
	err := e.separateEvents(running, ld)
	if err != nil && e.chainContext.Err() != nil && ctx.Err() == nil {
		return errShutDown
	}
	return err
}

func (e *sessionlogExporter) separateEvents(ctx context.Context, ld plog.Logs) error {
	total, notEvents, timeless := countRecords(ld)
	if timeless > 0 {
		ld = stampArrival(ld)
	}
	if notEvents == 0 {
		return e.deliverEvents(ctx, e.redactForQueue(ld), total)
	}
	if notEvents < total {
		events := copySubset(ld, func(_ int, lr plog.LogRecord) bool { return plogs.IsEvent(lr) })
		if err := e.deliverEvents(ctx, e.redactForQueue(events), total-notEvents); err != nil {
			return forgetRecords(err) // it does not name the rest
		}
	}
	rest := copySubset(ld, func(_ int, lr plog.LogRecord) bool { return !plogs.IsEvent(lr) })
	if e.cfg.NotEvents == NotEventsDeadLetter {
		if err := e.writeDeadLetters(ctx, []deadletter.RefusedLogs{{Logs: rest, Reason: errNotEvent}}); err != nil {
			return err
		}
		e.telemetry.countNotEvents(ctx, notEvents)
		return nil
	}
	e.telemetry.countNotEvents(ctx, notEvents)
	e.notices.Count("log records refused", "records", notEvents, zap.String("reason", errNotEvent.Error()))
	return refusalError(rest, total)
}

// redactForQueue redacts before the chain where its queue is on a disk. Elsewhere events are redacted as the backend reads them: to
// encode each record again costs more than all the rest of redaction.
func (e *sessionlogExporter) redactForQueue(ld plog.Logs) plog.Logs {
	if !e.cfg.queueOnDisk() {
		return ld
	}
	return e.redactCopy(ld)
}

// stampArrival gives records that have no time at all the present one, before the queue, so that each has one id however often it is
// written: else they would be of 1970, where nobody looks and a ttl deletes them.
func stampArrival(ld plog.Logs) plog.Logs {
	stamped, now := plog.NewLogs(), pcommon.NewTimestampFromTime(time.Now())
	ld.CopyTo(stamped)
	for _, rl := range stamped.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				if lr.Timestamp() == 0 && lr.ObservedTimestamp() == 0 {
					lr.SetObservedTimestamp(now)
				}
			}
		}
	}
	return stamped
}

func (e *sessionlogExporter) newDecoder() any {
	d := plogs.NewDecoder()
	if e.redactPolicy != nil && !e.cfg.queueOnDisk() {
		d.Hiding(e.redactPolicy.Apply)
	}
	return d
}

func (e *sessionlogExporter) redactCopy(ld plog.Logs) plog.Logs {
	if e.redactPolicy == nil {
		return ld
	}
	return plogs.CopyRedacted(ld, e.version, e.redactPolicy.Apply)
}

func refusalError(rest plog.Logs, total int) error {
	text := fmt.Sprintf("%d of %d log records refused: %s; keep them out with a filter processor or keep them with not_events: dead_letter",
		rest.LogRecordCount(), total, errNotEvent)
	s := status.New(codes.InvalidArgument, text)
	return consumererror.NewPermanent(consumererror.NewOTLPGRPCError(consumererror.NewLogs(s.Err(), rest), s))
}

// deliverEvents splits what is more than the queue can ever hold: it would refuse them each time, and their source would send them for
// ever. While the backend has not started, callers who wait for the result get an error at once.
func (e *sessionlogExporter) deliverEvents(ctx context.Context, ld plog.Logs, total int) error {
	if !e.cfg.firesAndForgets() && !e.startup.isReady() {
		return e.startup.notReadyError()
	}
	return e.deliverParts(ctx, ld, total)
}

func (e *sessionlogExporter) deliverParts(ctx context.Context, ld plog.Logs, total int) error {
	size, limit := e.queuedSize(ld, total)
	switch {
	case size <= limit:
		return e.sendBatches(ctx, ld)
	case total == 1:
		reason := fmt.Errorf("a record of %d bytes is more than sending_queue::queue_size, %d bytes", size, limit)
		return e.writeDeadLetters(ctx, []deadletter.RefusedLogs{{Logs: ld, Reason: reason}})
	}
	length := max(1, min(total/2, int(int64(total)*limit/size)))
	for from := 0; from < total; from += length {
		part := copySubset(ld, func(n int, _ plog.LogRecord) bool { return n >= from && n < from+length })
		if err := e.deliverParts(ctx, part, min(length, total-from)); err != nil {
			return forgetRecords(err) // it does not name the other parts
		}
	}
	return nil
}

func (e *sessionlogExporter) sendBatches(ctx context.Context, ld plog.Logs) error {
	// The chain cuts a call into batches and joins their errors, of which a caller would find the records of one and give up those of the others:
	// an error may name records only where these are all that failed.
	err := e.Logs.ConsumeLogs(ctx, ld)
	for link := err; link != nil; link = errors.Unwrap(link) {
		if _, named := link.(consumererror.Logs); named { //nolint:errorlint // exactly this link of the chain is asked
			return err
		}
	}
	return forgetRecords(err)
}

// forgetRecords makes an error that names some records one of the whole call.
func forgetRecords(err error) error {
	if _, named := errors.AsType[consumererror.Logs](err); named {
		return errors.New(err.Error())
	}
	return err
}

func (e *sessionlogExporter) queuedSize(ld plog.Logs, total int) (size, limit int64) {
	queue := e.cfg.QueueConfig.Get()
	switch {
	case queue == nil:
		return 0, 0
	case queue.Sizer == exporterhelper.RequestSizerTypeItems:
		return int64(total), queue.QueueSize
	case queue.Sizer == exporterhelper.RequestSizerTypeBytes:
		return int64(new(plog.ProtoMarshaler).LogsSize(ld)), queue.QueueSize
	}
	return 0, 0
}

func countRecords(ld plog.Logs) (total, notEvents, timeless int) {
	for i := range ld.ResourceLogs().Len() {
		scopes := ld.ResourceLogs().At(i).ScopeLogs()
		for j := range scopes.Len() {
			records := scopes.At(j).LogRecords()
			for k := range records.Len() {
				lr := records.At(k)
				if !plogs.IsEvent(lr) {
					notEvents++
				}
				if lr.Timestamp() == 0 && lr.ObservedTimestamp() == 0 {
					timeless++
				}
			}
			total += records.Len()
		}
	}
	return total, notEvents, timeless
}

// copySubset copies the records that keep wants, with their resources and scopes. The number is the record's place among all
// records of ld, as [plogs.Decoder] counts.
func copySubset(ld plog.Logs, keep func(n int, lr plog.LogRecord) bool) plog.Logs {
	out, n := plog.NewLogs(), 0
	for _, rl := range ld.ResourceLogs().All() {
		to := plog.NewResourceLogs()
		for _, sl := range rl.ScopeLogs().All() {
			scope := plog.NewScopeLogs()
			for _, lr := range sl.LogRecords().All() {
				if keep(n, lr) {
					lr.CopyTo(scope.LogRecords().AppendEmpty())
				}
				n++
			}
			if scope.LogRecords().Len() > 0 {
				sl.Scope().CopyTo(scope.Scope())
				scope.SetSchemaUrl(sl.SchemaUrl())
				scope.MoveTo(to.ScopeLogs().AppendEmpty())
			}
		}
		if to.ScopeLogs().Len() > 0 {
			rl.Resource().CopyTo(to.Resource())
			to.SetSchemaUrl(rl.SchemaUrl())
			to.MoveTo(out.ResourceLogs().AppendEmpty())
		}
	}
	return out
}
