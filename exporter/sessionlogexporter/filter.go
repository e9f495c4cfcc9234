package sessionlogexporter

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

var errNotEvent = errors.New("not an authentication event: its event name is none of sessionlog.login, sessionlog.logout, sessionlog.session.start, sessionlog.session.update")

var errEnded = errors.New("the exporter has been shut down: none of these records was kept")

// ConsumeLogs returns nil when every record is durable. Records that are no events are sorted out before the queue, where
// they can still be told to their sender and to nobody else; the events beside them are delivered first.
func (e *sessionlogExporter) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.ended, cancel)()
	err := e.consume(running, ld)
	if err != nil && e.ended.Err() != nil && ctx.Err() == nil {
		return errEnded
	}
	return err
}

func (e *sessionlogExporter) consume(ctx context.Context, ld plog.Logs) error {
	total, others := count(ld)
	if others == 0 {
		return e.deliver(ctx, e.hiddenForQueue(ld), total)
	}
	if others < total {
		events := subset(ld, func(_ int, lr plog.LogRecord) bool { return plogs.IsEvent(lr) })
		if err := e.deliver(ctx, e.hiddenForQueue(events), total-others); err != nil {
			return err
		}
	}
	rest := subset(ld, func(_ int, lr plog.LogRecord) bool { return !plogs.IsEvent(lr) })
	if e.cfg.NotEvents == NotEventsDeadLetter {
		if err := e.writeDeadLetter(ctx, rest, errNotEvent); err != nil {
			return err
		}
		e.tel.notEvents(ctx, others)
		return nil
	}
	e.tel.notEvents(ctx, others)
	e.notices.Count("log records refused", "records", others, zap.String("reason", errNotEvent.Error()))
	return refusal(rest, total)
}

// hiddenForQueue redacts before the chain where its queue is on a disk. Elsewhere events are redacted as the backend reads them, for to
// write each record anew costs more than all the rest of redaction.
func (e *sessionlogExporter) hiddenForQueue(ld plog.Logs) plog.Logs {
	if !e.queueOnDisk() {
		return ld
	}
	return e.hidden(ld)
}

func (e *sessionlogExporter) queueOnDisk() bool {
	queue := e.cfg.QueueConfig.Get()
	return queue != nil && queue.StorageID != nil
}

func (e *sessionlogExporter) newDecoder() any {
	d := plogs.NewDecoder()
	if e.redact != nil && !e.queueOnDisk() {
		d.Hiding(e.redact.Apply)
	}
	return d
}

// hidden is a redacted copy.
func (e *sessionlogExporter) hidden(ld plog.Logs) plog.Logs {
	if e.redact == nil {
		return ld
	}
	return plogs.Hidden(ld, e.version, e.redact.Apply)
}

// refusal tells every kind of caller that the rest is refused for good, and only the rest: the collector (permanent, with
// the records that failed), and receivers that answer in HTTP or gRPC (the request was at fault).
func refusal(rest plog.Logs, total int) error {
	text := fmt.Sprintf("%d of %d log records refused: %s; keep them out with a filter processor or keep them with not_events: dead_letter",
		rest.LogRecordCount(), total, errNotEvent)
	s := status.New(codes.InvalidArgument, text)
	return consumererror.NewPermanent(consumererror.NewOTLPGRPCError(consumererror.NewLogs(s.Err(), rest), s))
}

// deliver hands events to the chain, in parts when they are more than the queue can ever hold: it would refuse them each
// time, and their source would send them for ever. While the backend has not started, those who wait for the result learn so at once.
func (e *sessionlogExporter) deliver(ctx context.Context, ld plog.Logs, total int) error {
	if e.waitsForResult() && !e.startup.isReady() {
		return e.startup.notReady()
	}
	limit := e.largest()
	if limit == 0 || total <= limit {
		return e.Logs.ConsumeLogs(ctx, ld)
	}
	for from := 0; from < total; from += limit {
		part := subset(ld, func(n int, _ plog.LogRecord) bool { return n >= from && n < from+limit })
		if err := e.Logs.ConsumeLogs(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// largest is how many records one call of the chain may have; 0 when there is no limit that counts records.
func (e *sessionlogExporter) largest() int {
	queue := e.cfg.QueueConfig.Get()
	if queue == nil || queue.Sizer != exporterhelper.RequestSizerTypeItems {
		return 0
	}
	return int(queue.QueueSize)
}

// count tells how many records there are, and how many of them are no events.
func count(ld plog.Logs) (total, others int) {
	for i := range ld.ResourceLogs().Len() {
		scopes := ld.ResourceLogs().At(i).ScopeLogs()
		for j := range scopes.Len() {
			records := scopes.At(j).LogRecords()
			for k := range records.Len() {
				if !plogs.IsEvent(records.At(k)) {
					others++
				}
			}
			total += records.Len()
		}
	}
	return total, others
}

// subset copies the records that keep wants, with their resources and scopes. The number is the record's place among all
// records of ld, as [plogs.Decoder] counts.
func subset(ld plog.Logs, keep func(n int, lr plog.LogRecord) bool) plog.Logs {
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
