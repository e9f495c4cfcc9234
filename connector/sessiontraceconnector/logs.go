package sessiontraceconnector

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/connector/sessiontraceconnector/internal/correlation"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// logsConnector passes records on, those of logins with the trace that is known to be theirs, and delivers updates.
type logsConnector struct {
	*sharedState
	startGuard
	next         consumer.Logs
	updateSender *updateSender
}

func newLogsConnector(h *sharedState, next consumer.Logs, set connector.Settings) *logsConnector {
	h.logsConnectors++ // connectors are made one after another
	return &logsConnector{sharedState: h, next: next, updateSender: newUpdateSender(h, next, set)}
}

func (l *logsConnector) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

func (l *logsConnector) Start(context.Context, component.Host) error {
	if err := l.start(l.sharedState); err != nil {
		return err
	}
	l.keepUpdates(true)
	l.updateSender.startSending()
	return nil
}

func (l *logsConnector) Shutdown(ctx context.Context) error {
	if !l.isStarted {
		return nil
	}
	l.updateSender.stopSending(ctx)
	l.keepUpdates(false)
	return l.stop(l.sharedState)
}

// ConsumeLogs adds what is known and passes the records on at once. What they say is remembered before they are delivered:
// it is true whatever becomes of the delivery, and a record that comes again changes nothing.
func (l *logsConnector) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	l.learnRecords(ld, true)
	return l.next.ConsumeLogs(ctx, ld)
}

// learnRecords takes note of every event and then, to enrich them, sets the trace of those that have none.
func (h *sharedState) learnRecords(ld plog.Logs, enrich bool) {
	d := decoderPool.Get().(*plogs.Decoder)
	defer decoderPool.Put(d)
	b := h.lockStore()
	defer h.unlockStore(b)
	notes := notePool.Get().(*[]notedEvent)
	defer notePool.Put(notes)
	*notes = (*notes)[:0]
	for n, e := range d.All(ld) {
		*notes = append(*notes, notedEvent{n, b.Learn(e)})
	}
	if !enrich {
		return
	}
	setTraces(b, ld, *notes)
}

func setTraces(b correlation.LockedStore, ld plog.Logs, notes []notedEvent) {
	number := -1
	for _, resource := range ld.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				if number++; len(notes) == 0 || notes[0].number != number {
					continue
				}
				if trace, ok := b.Trace(notes[0].LearnedRecord); ok {
					record.SetTraceID(trace.TraceID)
					record.SetSpanID(trace.SpanID)
					record.Attributes().PutStr(session.AttrCorrelation, trace.By.String())
				}
				notes = notes[1:]
			}
		}
	}
}

type notedEvent struct {
	number int // of its record
	correlation.LearnedRecord
}

var (
	decoderPool = sync.Pool{New: func() any { return plogs.NewDecoder() }}
	notePool    = sync.Pool{New: func() any { return new([]notedEvent) }}
)
