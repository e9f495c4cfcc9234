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

// logs passes records on, those of logins with the trace that is known to be theirs, and tells updates.
type logs struct {
	*hub
	lifecycle
	next   consumer.Logs
	teller *teller
}

func newLogs(h *hub, next consumer.Logs, set connector.Settings) *logs {
	h.tellers++ // connectors are made one after another
	return &logs{hub: h, next: next, teller: newTeller(h, next, set)}
}

// Capabilities says that trace ids are set.
func (l *logs) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: true} }

// Start joins the memory of this id and begins to tell updates.
func (l *logs) Start(context.Context, component.Host) error {
	if l.running() {
		return nil
	}
	if err := l.enter(l.hub); err != nil {
		return err
	}
	l.telling(true)
	l.teller.start()
	return nil
}

// Shutdown tells what waits, once and for a few seconds at most, and leaves.
func (l *logs) Shutdown(ctx context.Context) error {
	if !l.running() {
		return nil
	}
	l.teller.stop(ctx)
	l.telling(false)
	return l.exit(l.hub)
}

// ConsumeLogs adds what is known and passes the records on at once. What they say is remembered before they are delivered:
// it is true whatever becomes of the delivery, and a record that comes again changes nothing.
func (l *logs) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	l.learn(ld, true)
	return l.next.ConsumeLogs(ctx, ld)
}

// learn takes note of every event and then, if told so, sets the trace of those that have none.
func (h *hub) learn(ld plog.Logs, set bool) {
	d := decoders.Get().(*plogs.Decoder)
	defer decoders.Put(d)
	b := h.begin()
	defer h.end(b)
	notes := scratch.Get().(*[]noted)
	defer scratch.Put(notes)
	*notes = (*notes)[:0]
	for n, e := range d.All(ld) {
		*notes = append(*notes, noted{n, b.Learn(e)})
	}
	if !set {
		return
	}
	at := place{logs: ld}
	for _, n := range *notes {
		trace, ok := b.Trace(n.Note)
		if !ok {
			continue
		}
		lr := at.record(n.number)
		lr.SetTraceID(trace.TraceID)
		lr.SetSpanID(trace.SpanID)
		lr.Attributes().PutStr(session.AttrCorrelation, trace.By.String())
	}
}

// noted is an event, with the number of its record.
type noted struct {
	number int
	correlation.Note
}

var (
	decoders = sync.Pool{New: func() any { return plogs.NewDecoder() }}
	scratch  = sync.Pool{New: func() any { return new([]noted) }}
)

// place walks all records of ld, as the decoder counts them.
type place struct {
	logs       plog.Logs
	i, j       int // resource and scope
	first, end int // the numbers of the scope's records
	begun      bool
}

// record gives the record with a number that is not smaller than the one before.
func (p *place) record(n int) plog.LogRecord {
	for {
		resources := p.logs.ResourceLogs()
		scopes := resources.At(p.i).ScopeLogs()
		if p.j < scopes.Len() {
			rs := scopes.At(p.j).LogRecords()
			if !p.begun {
				p.first, p.end, p.begun = p.end, p.end+rs.Len(), true
			}
			if n < p.end {
				return rs.At(n - p.first)
			}
			p.j, p.begun = p.j+1, false
			continue
		}
		p.i, p.j = p.i+1, 0
	}
}
