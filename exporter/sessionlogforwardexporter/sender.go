package sessionlogforwardexporter

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/collector/component"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/shape"
	"github.com/otel-sessionlog/sessionlog/session"
)

// sender is the backend that lies behind HTTP: it makes documents of events, calls of documents, and reads what became of each.
type sender struct {
	config   TargetConfig
	protocol protocol
	writer   protocolWriter
	settings component.TelemetrySettings
	host     component.Host
	client   *targetClient
	drafts   sync.Pool
	hasTaken atomic.Bool // the target has taken a record since the start
}

var _ backend.Backend = (*sender)(nil)

// draft is what a Write needs for its time.
type draft struct {
	request  request
	shaper   *shape.Shaper
	document []byte
}

func newSender(c TargetConfig, set component.TelemetrySettings, version string) *sender {
	p := protocols[c.Protocol]
	s := &sender{config: c, protocol: p, writer: p.open(c, c.format()), settings: set}
	s.drafts.New = func() any {
		return &draft{shaper: shape.New(c.format(), shape.Options{Version: version})}
	}
	return s
}

// SetHost gives the extensions that the client's auth names.
func (s *sender) SetHost(host component.Host) { s.host = host }

// Start asks the target whether it is there and would take records.
func (s *sender) Start(ctx context.Context) error {
	if s.client == nil {
		client, err := newTargetClient(ctx, s.config, s.protocol, s.writer, s.host, s.settings)
		if err != nil {
			return backend.Misconfigured(err)
		}
		s.client = client
	}
	return s.client.probe(ctx)
}

// Shutdown closes the connections.
func (s *sender) Shutdown(context.Context) error {
	if s.client != nil {
		s.client.http.CloseIdleConnections()
	}
	return nil
}

// batchOutcome gathers what became of the records of a batch.
type batchOutcome struct {
	result  backend.Result
	refused []backend.Rejection // by the target
	later   []int
	err     error // why those of later were not taken
}

// Write sends the events. Where some were taken and others must wait, its error is a [backend.PartialError].
func (s *sender) Write(ctx context.Context, events iter.Seq2[int, *session.Event]) (backend.Result, error) {
	d := s.drafts.Get().(*draft)
	defer s.drafts.Put(d)
	r := &d.request
	r.reset()
	var out batchOutcome
	for place, e := range events {
		if out.err != nil {
			out.later = append(out.later, place)
			continue
		}
		if reason := backend.Refusal(e); reason != "" {
			out.result.Rejected = append(out.result.Rejected, backend.Rejection{Index: place, Reason: reason})
			continue
		}
		if !d.shaper.Includes(e) {
			out.result.LeftOut++
			continue
		}
		d.document = d.shaper.Append(d.document[:0], e)
		r.starts, r.places = append(r.starts, len(r.body)), append(r.places, place)
		r.body = s.writer.appendRecord(r.body, e, d.document)
		if len(r.body) >= s.config.MaxRequestBytes {
			s.sendFull(ctx, r, &out)
		}
	}
	s.send(ctx, r, 0, r.count(), &out)
	return s.finish(&out)
}

// sendFull sends what was there before the record that made r too large; that one begins the next call.
func (s *sender) sendFull(ctx context.Context, r *request, out *batchOutcome) {
	if r.count() == 1 {
		s.send(ctx, r, 0, 1, out)
		r.reset()
		return
	}
	record, place := r.takeLast()
	s.send(ctx, r, 0, r.count(), out)
	r.reset()
	if out.err != nil {
		out.later = append(out.later, place)
		return
	}
	r.add(record, place)
}

// mostRefusals of a target that has taken nothing yet: more are no fault of the records.
const mostRefusals = 16

// send sends the records from, …, to-1 of r in one call, and in halves where the target refuses some and does not say which.
func (s *sender) send(ctx context.Context, r *request, from, to int, out *batchOutcome) {
	if from == to {
		return
	}
	if out.err != nil {
		out.later = append(out.later, r.places[from:to]...)
		return
	}
	got, err := s.client.call(ctx, r.bytesOf(from, to), to-from)
	if err != nil {
		out.postpone(r.places[from:to], err)
		return
	}
	switch got.verdict {
	case takenAll:
		s.hasTaken.Store(true)
		out.result.Written += to - from
	case seeRecords:
		s.readRecords(r.places[from:to], got.records, out)
	case tryAgain:
		out.postpone(r.places[from:to], failureOf(got.reason, got.key))
	case refusedSome:
		s.sendHalves(ctx, r, from, to, got.reason, out)
	}
}

// sendHalves begins with either half: while nothing was ever taken the search ends at [mostRefusals], and the next try is to look elsewhere.
func (s *sender) sendHalves(ctx context.Context, r *request, from, to int, reason string, out *batchOutcome) {
	if to-from == 1 {
		s.refuse(r.places[from], reason, out)
		return
	}
	middle := from + (to-from)/2
	if rand.IntN(2) == 0 {
		s.send(ctx, r, from, middle, out)
		s.send(ctx, r, middle, to, out)
		return
	}
	s.send(ctx, r, middle, to, out)
	s.send(ctx, r, from, middle, out)
}

// refuse postpones all the rest where a target that has taken nothing yet refuses record after record: to search on would be a call
// for each.
func (s *sender) refuse(place int, reason string, out *batchOutcome) {
	out.refused = append(out.refused, backend.Rejection{Index: place, Reason: reason})
	if len(out.refused) >= mostRefusals && !s.hasTaken.Load() {
		out.err = neverTakenError(reason)
	}
}

func neverTakenError(reason string) error {
	return failureOf("the target has taken nothing yet and refuses what is sent: "+reason, "endpoint, protocol or format")
}

// postpone keeps the first reason.
func (out *batchOutcome) postpone(places []int, err error) {
	out.later = append(out.later, places...)
	if out.err == nil {
		out.err = err
	}
}

func (s *sender) readRecords(places []int, records []recordAnswer, out *batchOutcome) {
	for i, one := range records {
		switch one.verdict {
		case recordTaken:
			s.hasTaken.Store(true)
			out.result.Written++
		case recordKnown:
			s.hasTaken.Store(true)
			out.result.Duplicates++
		case recordRefused:
			out.refused = append(out.refused, backend.Rejection{Index: places[i], Reason: one.reason})
		case recordLater:
			out.postpone(places[i:i+1], failureOf("the target does not take some records yet: "+one.reason, "elasticsearch"))
		}
	}
}

// finish gives up what the target refuses only where it has taken others: one that has taken nothing yet may be another than is meant.
func (s *sender) finish(out *batchOutcome) (backend.Result, error) {
	if len(out.refused) > 0 && out.err == nil && !s.hasTaken.Load() {
		out.err = neverTakenError(out.refused[0].Reason)
	}
	if out.err == nil {
		out.result.Rejected = append(out.result.Rejected, out.refused...)
		return out.result, nil
	}
	for _, refused := range out.refused {
		out.later = append(out.later, refused.Index)
	}
	slices.Sort(out.later)
	return out.result, &backend.PartialError{Err: out.err, Remaining: out.later}
}

// targetError is a failure that is mended at the target or in the configuration.
type targetError struct{ reason, key string }

func failureOf(reason, key string) error { return &targetError{reason, key} }

func (e *targetError) Error() string {
	if e.key == "" {
		return e.reason
	}
	return e.reason + " (key " + e.key + ")"
}

var errRedirect = errors.New("the target redirects: write the address to which it does under endpoint")
