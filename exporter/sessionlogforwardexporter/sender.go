package sessionlogforwardexporter

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/internal/shape"
	"github.com/otel-sessionlog/sessionlog/session"
)

// documentSender is the backend that is reached over HTTP: it makes documents of events, calls of documents, and reads what became of each.
type documentSender struct {
	config   TargetConfig
	protocol forwardProtocol
	writer   protocolWriter
	settings component.TelemetrySettings
	host     component.Host
	client   *targetClient
	buffers  sync.Pool
	// lastTaken is the body of the last record that the target has taken since the start. Where it refuses all others, it is asked for this one.
	lastTaken  atomic.Pointer[[]byte]
	suspects   suspectRecords
	tellsFirst sync.Once // that the target takes records
	conditions *conditionlog.Logger
}

var _ backend.Backend = (*documentSender)(nil)

type writeBuffers struct {
	request  requestBody
	shaper   *shape.Shaper
	document []byte
}

func newSender(c TargetConfig, set component.TelemetrySettings, version string) *documentSender {
	p := forwardProtocols[c.Protocol]
	s := &documentSender{config: c, protocol: p, writer: p.open(c, c.documentFormat()), settings: set, conditions: conditionlog.New(set.Logger, time.Now)}
	s.buffers.New = func() any {
		return &writeBuffers{shaper: shape.New(c.documentFormat(), shape.Options{Version: version})}
	}
	return s
}

func (s *documentSender) SetHost(host component.Host) { s.host = host }

func (s *documentSender) Start(ctx context.Context) error {
	if s.client == nil {
		client, err := newTargetClient(ctx, s.config, s.protocol, s.writer, s.host, s.settings)
		if err != nil {
			return backend.MarkMisconfigured(err)
		}
		s.client = client
	}
	err := s.client.probeTarget(ctx)
	if err == nil {
		s.raiseTimeField()
	}
	return err
}

func (s *documentSender) Shutdown(context.Context) error {
	if s.client != nil {
		s.client.http.CloseIdleConnections()
	}
	return nil
}

type batchOutcome struct {
	result  backend.Result
	refused []backend.Rejection // by the target
	later   []int
	err     error // why those of later were not taken
	// isBelieved: the target takes others, so that what it refuses is at fault.
	isBelieved bool
	// isSplitting: calls are halved to find what makes the target fail.
	isSplitting bool
	suspects    []int // the places of records that alone make the target fail
	suspicion   error // why those of suspects were not taken
}

func (out *batchOutcome) hasTaken() bool { return out.result.Written+out.result.Duplicates > 0 }

// Write sends the events. Where some were taken and others must wait, its error is a [backend.PartialError].
func (s *documentSender) Write(ctx context.Context, events iter.Seq2[int, *session.Event]) (backend.Result, error) {
	d := s.buffers.Get().(*writeBuffers)
	defer s.buffers.Put(d)
	r := &d.request
	r.removeAll()
	var out batchOutcome
	for place, e := range events {
		if out.err != nil {
			out.later = append(out.later, place)
			continue
		}
		if reason := backend.RefusalReason(e); reason != "" {
			out.result.Rejected = append(out.result.Rejected, backend.Rejection{Index: place, Reason: reason})
			continue
		}
		if !d.shaper.Includes(e) {
			out.result.LeftOut++
			continue
		}
		d.document = d.shaper.Append(d.document[:0], e)
		r.startRecord(place, e.RecordID)
		r.body = s.writer.appendRecord(r.body, e, d.document)
		if len(r.body) >= s.config.MaxRequestBytes {
			s.sendFull(ctx, r, &out)
		}
	}
	s.sendRecords(ctx, r, 0, r.recordCount(), &out)
	return s.finishBatch(ctx, &out)
}

func (s *documentSender) sendFull(ctx context.Context, r *requestBody, out *batchOutcome) {
	if r.recordCount() == 1 {
		s.sendRecords(ctx, r, 0, 1, out)
		r.removeAll()
		return
	}
	record, body := r.takeLast()
	s.sendRecords(ctx, r, 0, r.recordCount(), out)
	r.removeAll()
	if out.err != nil {
		out.later = append(out.later, record.place)
		return
	}
	r.startRecord(record.place, record.id) // it begins the next call
	r.body = append(r.body, body...)
}

// mostRefusals are the last that are believed of a target that takes nothing: more may be no fault of the records.
const mostRefusals = 16

// sendRecords sends the records from, …, to-1 of r in one call, and in halves where the target refuses some and does not say which.
func (s *documentSender) sendRecords(ctx context.Context, r *requestBody, from, to int, out *batchOutcome) {
	if from == to {
		return
	}
	if out.err != nil {
		out.postpone(r.records[from:to], out.err)
		return
	}
	got, err := s.client.sendCall(ctx, r.bytesOf(from, to), to-from)
	if err != nil {
		out.postpone(r.records[from:to], err)
		return
	}
	switch got.verdict {
	case takenAll:
		s.rememberTaken(r, from)
		s.suspects.forget(r.records[from:to]...)
		out.result.Written += to - from
	case seeRecords:
		s.readRecords(r, from, got.records, out)
		s.suspectItems(ctx, r.records[from:to], got.records, out)
	case tryAgain:
		out.postpone(r.records[from:to], failureOf(got.reason, got.key))
	case isFailing:
		s.sendSuspects(ctx, r, from, to, got, out)
	case refusedSome:
		s.sendHalves(ctx, r, from, to, got.reason, out)
	}
}

// sendHalves begins with either half: where nothing is taken the search may end at [mostRefusals], and the next try is to look elsewhere.
func (s *documentSender) sendHalves(ctx context.Context, r *requestBody, from, to int, reason string, out *batchOutcome) {
	if to-from == 1 {
		s.refuseRecord(ctx, r.records[from].place, reason, out)
		return
	}
	middle := from + (to-from)/2
	if rand.IntN(2) == 0 {
		s.sendRecords(ctx, r, from, middle, out)
		s.sendRecords(ctx, r, middle, to, out)
		return
	}
	s.sendRecords(ctx, r, middle, to, out)
	s.sendRecords(ctx, r, from, middle, out)
}

func (s *documentSender) refuseRecord(ctx context.Context, place int, reason string, out *batchOutcome) {
	out.refused = append(out.refused, backend.Rejection{Index: place, Reason: reason})
	// Where a target refuses record after record for reasons of its own, to search on would be a call for each.
	if len(out.refused) >= mostRefusals {
		s.checkRefusals(ctx, out)
	}
}

// checkRefusals sets out.err where the target refuses everything: a mapping, a pipeline or a limit that has changed is no fault of the records.
// It is asked for the last record that it took: one that it refuses now shows that.
func (s *documentSender) checkRefusals(ctx context.Context, out *batchOutcome) {
	if out.err != nil || out.isBelieved || out.hasTaken() {
		return
	}
	reason, last := out.refused[0].Reason, s.lastTaken.Load()
	if last == nil {
		out.err = failureOf("the target has taken nothing yet and refuses what is sent: "+reason, "endpoint, protocol, format or compression")
		return
	}
	got, err := s.client.sendCall(ctx, *last, 1)
	switch {
	case err != nil:
		out.err = err
	case got.hasTakenOne():
		out.isBelieved = true
	case got.verdict == tryAgain, got.verdict == isFailing:
		out.err = failureOf(got.reason, got.key)
	default:
		out.err = failureOf("the target has changed, and refuses even what it took before (see its mapping, pipeline and limits): "+reason, "endpoint")
	}
}

func isTaken(v recordVerdict) bool { return v == recordTaken || v == recordKnown }

// hasTakenOne is asked of the answer to a call with one record.
func (a *targetAnswer) hasTakenOne() bool {
	return a.verdict == takenAll || a.verdict == seeRecords && isTaken(a.records[0].verdict)
}

func (s *documentSender) rememberTaken(r *requestBody, record int) {
	body := slices.Clone(r.bytesOf(record, record+1))
	s.lastTaken.Store(&body)
}

// postpone keeps the first reason.
func (out *batchOutcome) postpone(records []requestRecord, err error) {
	for i := range records {
		out.later = append(out.later, records[i].place)
	}
	if out.err == nil {
		out.err = err
	}
}

func (s *documentSender) readRecords(r *requestBody, from int, records []recordAnswer, out *batchOutcome) {
	hadTaken := out.hasTaken()
	for i, one := range records {
		record := r.records[from+i]
		switch one.verdict {
		case recordTaken:
			out.result.Written++
		case recordKnown:
			out.result.Duplicates++
		case recordRefused:
			out.refused = append(out.refused, backend.Rejection{Index: record.place, Reason: one.reason})
		case recordSetAside:
			out.result.Rejected = append(out.result.Rejected, backend.Rejection{Index: record.place, Reason: one.reason})
		case recordLater:
			out.postponeItem(record, one)
		case recordFailing, recordUnavailable:
			continue
		}
		s.suspects.forget(record)
		if isTaken(one.verdict) && !hadTaken {
			s.rememberTaken(r, from+i)
			hadTaken = true
		}
	}
}

func (out *batchOutcome) postponeItem(record requestRecord, answer recordAnswer) {
	out.postpone([]requestRecord{record}, failureOf("the target does not take some records yet: "+answer.reason, "elasticsearch"))
}

func (s *documentSender) finishBatch(ctx context.Context, out *batchOutcome) (backend.Result, error) {
	if len(out.refused) > 0 {
		s.checkRefusals(ctx, out)
	}
	if out.hasTaken() {
		s.raiseTimeField()
		s.tellsFirst.Do(func() {
			s.settings.Logger.Info("the target has taken its first records", zap.String("target", addressWithoutQuery(s.config.Client.Endpoint)),
				zap.Int("new", out.result.Written), zap.Int("known", out.result.Duplicates))
		})
	}
	if out.err == nil {
		out.result.Rejected = append(out.result.Rejected, out.refused...)
		out.err = out.suspicion
	} else {
		for _, refused := range out.refused {
			out.later = append(out.later, refused.Index)
		}
	}
	if out.err == nil {
		return out.result, nil
	}
	out.later = append(out.later, out.suspects...)
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

var errRedirect = errors.New("the target redirects: write the address that it redirects to under endpoint")

// WriteSize implements [backend.SharedWriter]: what waits shares calls. Each has max_request_bytes at most.
func (s *documentSender) WriteSize() backend.WriteSize {
	return backend.WriteSize{Enough: 8192, AtOnce: 4}
}
