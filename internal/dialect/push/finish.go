package push

import "github.com/otel-sessionlog/sessionlog/session"

func (r *Reader) completeEvent(rec *Record, env Envelope) error {
	e := rec.Event
	if e.Kind == session.KindUnknown {
		if e.Kind = parseEventName(env.Type); e.Kind == session.KindUnknown {
			return errNoKind
		}
	}
	if e.Time == 0 {
		if e.Time = env.Time; e.Time == 0 {
			return errNoTime
		}
	}
	if e.System == "" {
		e.System = r.dialect.System
	}
	if e.Instance == "" {
		e.Instance = r.origin.Instance
	}
	if rec.ID == "" {
		rec.ID = env.ID
	}
	e.NormalizeClient()
	if e.Severity == e.DefaultSeverity() {
		e.Severity = 0
	}
	if r.origin.Hide != nil {
		r.redactEvent(rec)
	}
	if e.SessionKey.IsZero() && e.SessionID != "" {
		e.SessionKey = r.hash.Start("session", e.System, e.Instance).Str(e.SessionID).Key()
	}
	e.RecordID = r.computeRecordID(rec)
	if rec.ID != "" {
		e.Extra = append(e.Extra, session.Attr{Key: session.AttrSenderRecordUID, Value: rec.ID})
	}
	e.Observed = r.origin.Observed
	setMissingTrace(e, env.Trace, r.origin.Trace)
	return nil
}

func (r *Reader) redactEvent(rec *Record) {
	e, uid := rec.Event, session.Attr{Key: session.AttrSenderRecordUID, Value: rec.ID}
	e.Extra = append(e.Extra, uid)
	r.origin.Hide(e)
	if last := len(e.Extra) - 1; last >= 0 && e.Extra[last] == uid {
		e.Extra = e.Extra[:last] // it comes back below the id
	} else {
		rec.ID = "" // the record id is computed from it: one that was changed is not used
	}
}

// computeRecordID hashes the sender's id of the event, in the sender's own namespace: no sender can reach another's record. Without an
// id it hashes the call's Idempotency-Key and the item's number, and without that the whole event.
//
// The event's time is part of it (session.Hasher.RecordID), so an id that a sender uses again another day is another record.
func (r *Reader) computeRecordID(rec *Record) session.ID {
	e := rec.Event
	var content session.ID
	if rec.ID == "" && r.origin.Key == "" {
		content = e.ContentID(&r.digest)
	}
	r.hash.Start("push", e.System, e.Instance).Str(r.origin.Sender)
	switch {
	case rec.ID != "":
		r.hash.Str("id").Str(rec.ID)
	case r.origin.Key != "":
		r.hash.Str("key").Str(r.origin.Key).Int(int64(r.nextIndex))
	default:
		r.hash.Str("content").Bytes(content[:])
	}
	return r.hash.RecordID(e.Time)
}

func setMissingTrace(e *session.Event, contexts ...Trace) {
	for _, t := range contexts {
		if e.TraceID == [16]byte{} && t != (Trace{}) {
			e.TraceID, e.SpanID, e.Correlation = t.TraceID, t.SpanID, CorrelationTraceparent
		}
	}
}
