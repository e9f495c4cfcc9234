package sessionlogexporter

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/deadletter"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// pushBatch is the end of the chain: nil means that every event of ld is durable, in the backend or in the dead letter.
func (e *sessionlogExporter) pushBatch(ctx context.Context, ld plog.Logs) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.writeContext, cancel)()
	defer e.beginWrite()()

	if err := e.holdUntilBackendStarted(ctx); err != nil {
		return err
	}
	err := e.writeBatch(ctx, ld)
	switch {
	case err == nil:
		e.reportAvailable()
	case ctx.Err() != nil: // the caller or the exporter has stopped: that says nothing about the backend
	case errors.Is(err, errDeadLetter):
		e.status.reportFailure(err)
	case consumererror.IsPermanent(err): // one batch is at fault: others can be written
		e.notices.Count("records refused by the backend for good: their senders got the error, and they are not tried again", "records", ld.LogRecordCount(), zap.String("reason", err.Error()))
	default:
		e.reportUnavailable(err)
	}
	return err
}

var errDeadLetter = errors.New("dead_letter::directory")

const deadLetterUnavailable = "dead letter unavailable"

func (e *sessionlogExporter) writeBatch(ctx context.Context, ld plog.Logs) error {
	rejected, err := e.writeLogs(ctx, ld)
	var partial *backend.PartialError
	switch {
	case err == nil:
		return e.keepRemaining(ctx, ld, rejected, &backend.PartialError{})
	case errors.As(err, &partial):
		return e.keepRemaining(ctx, ld, rejected, partial)
	case consumererror.IsPermanent(err) && e.cfg.firesAndForgets():
		return e.writeDeadLetters(ctx, []deadletter.RefusedLogs{{Logs: ld, Reason: err}})
	}
	return err
}

func (e *sessionlogExporter) writeLogs(ctx context.Context, ld plog.Logs) ([]backend.Rejection, error) {
	if e.sharedWrites == nil {
		return e.writeRecords(ctx, []plog.Logs{ld})
	}
	return e.sharedWrites.writeTogether(ctx, ld)
}

// writeRecords is one write of the backend. The places of its outcome are those among the records of all.
func (e *sessionlogExporter) writeRecords(ctx context.Context, all []plog.Logs) ([]backend.Rejection, error) {
	dec := e.decoders.Get().(*plogs.Decoder)
	begun := time.Now()
	unknown := 0
	result, err := e.backend.Write(ctx, countUnknown(decodeAll(dec, all), &unknown))
	e.decoders.Put(dec)
	e.telemetry.recordWrite(ctx, result, time.Since(begun), err)
	if result.Conflicts > 0 {
		e.notices.Count("records with a known id and other content: kept aside", "records", result.Conflicts, zap.String("reason", "the first version counts; one of the two may be forged"))
	}
	if err == nil {
		e.reportUnknownOutcomes(ctx, unknown)
		e.reportExpired(result.Expired)
	}
	return result.Rejected, err
}

func decodeAll(dec *plogs.Decoder, all []plog.Logs) iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		first := 0
		for _, ld := range all {
			for n, e := range dec.All(ld) {
				if !yield(first+n, e) {
					return
				}
			}
			first += ld.LogRecordCount()
		}
	}
}

// keepRemaining keeps what was rejected. Its error holds the records that are nowhere yet: these alone are tried again, since a store without
// ids would have the others once more with each try.
func (e *sessionlogExporter) keepRemaining(ctx context.Context, ld plog.Logs, rejected []backend.Rejection, partial *backend.PartialError) error {
	remaining, cause := make(map[int]bool, len(partial.Remaining)), partial.Err
	for _, place := range partial.Remaining {
		remaining[place] = true
	}
	if err := e.deadLetterRejected(ctx, ld, rejected, remaining); err != nil {
		cause = err
	}
	switch {
	case cause == nil:
		return nil
	case len(remaining) == ld.LogRecordCount():
		return consumererror.NewLogs(cause, ld)
	}
	return consumererror.NewLogs(cause, copySubset(ld, func(n int, _ plog.LogRecord) bool { return remaining[n] }))
}

func (e *sessionlogExporter) deadLetterRejected(ctx context.Context, ld plog.Logs, rejected []backend.Rejection, remaining map[int]bool) error {
	reasons := map[string]map[int]bool{}
	for _, r := range rejected {
		if reasons[r.Reason] == nil {
			reasons[r.Reason] = map[int]bool{}
		}
		reasons[r.Reason][r.Index] = true
	}
	var letters []deadletter.RefusedLogs
	for reason, places := range reasons {
		some := copySubset(ld, func(n int, _ plog.LogRecord) bool { return places[n] })
		letters = append(letters, deadletter.RefusedLogs{Logs: some, Reason: errors.New(reason)})
	}
	if len(letters) == 0 {
		return nil
	}
	err := e.writeDeadLetters(ctx, letters)
	if err != nil {
		for _, r := range rejected {
			remaining[r.Index] = true
		}
	}
	return err
}

// writeDeadLetters makes records durable in the dead letter. Its error is never permanent: as long as they are nowhere, they are not
// delivered.
func (e *sessionlogExporter) writeDeadLetters(ctx context.Context, letters []deadletter.RefusedLogs) error {
	records := 0
	for i, letter := range letters {
		records += letter.Logs.LogRecordCount()
		letters[i].Logs = e.redactCopy(letter.Logs)
	}
	if err := e.deadLetterWriter.WriteAll(ctx, letters); err != nil {
		err = fmt.Errorf("%w: %d refused records cannot be kept: %w", errDeadLetter, records, err)
		if ctx.Err() == nil {
			e.conditions.Raise(deadLetterUnavailable,
				"the dead letter cannot be written: batches with refused records wait where they come from; free space there, let this user write it, or name another folder",
				zap.String("key", "dead_letter::directory"), zap.Error(err))
		}
		return err
	}
	e.conditions.Clear(deadLetterUnavailable, "the dead letter can be written again", zap.String("key", "dead_letter::directory"))
	e.telemetry.countDeadLettered(ctx, records)
	for _, letter := range letters {
		e.notices.Count("records written into the dead letter", "records", letter.Logs.LogRecordCount(), zap.String("reason", letter.Reason.Error()))
	}
	return nil
}

func (e *sessionlogExporter) reportUnknownOutcomes(ctx context.Context, n int) {
	e.telemetry.countUnknownOutcomes(ctx, n)
	if n > 0 {
		e.notices.Count("logins without an outcome that can be read: they are in session_events, and in no view of logins", "records", n,
			zap.String("reason", "send sessionlog.outcome as success or failure, or error.type with what failed"))
	}
}

func (e *sessionlogExporter) reportExpired(n int) {
	if n > 0 {
		e.conditions.Raise("expired", "records older than ttl were left out, and are counted as expired: a longer ttl would keep them",
			zap.String("key", e.destination.Key+"::ttl"), zap.Int("records", n))
	}
}

func countUnknown(events iter.Seq2[int, *session.Event], unknown *int) iter.Seq2[int, *session.Event] {
	last := -1
	return func(yield func(int, *session.Event) bool) {
		for n, e := range events {
			if n > last { // once, however often a backend iterates over the events
				last = n
				if e.Outcome == session.OutcomeUnknown && e.Kind == session.KindLogin {
					*unknown++
				}
			}
			if !yield(n, e) {
				return
			}
		}
	}
}
