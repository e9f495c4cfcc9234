package correlation

import "github.com/otel-sessionlog/sessionlog/session"

// TakeUpdates appends up to n updates that wait, each an event of its own; observed is the time of now. What is taken is no longer
// the store's.
//
// The id of an update is made of the login's and the evidence: whoever finds the same again makes the same record, and of
// two different findings by one evidence the backend keeps the first.
func (b LockedStore) TakeUpdates(to []session.Event, n int, h *session.Hasher) []session.Event {
	s := b.s
	for ; n > 0 && s.updates.Len() > 0; n-- {
		l := s.updates.Front().Value.(*rememberedLogin)
		s.removeUpdate(l)
		s.stats.Updates[l.by]++
		to = append(to, l.updateEvent(h, s.wall))
	}
	return to
}

func (l *rememberedLogin) updateEvent(h *session.Hasher, observed int64) session.Event {
	e := session.Event{
		Kind: session.KindSessionUpdate, Outcome: l.outcome, SourceEvent: session.TraceCorrelated, Time: l.start, Observed: observed,
		System: l.system, Instance: l.instance, Host: l.host,
		User: l.user, UserHash: l.userHash, ClientAddress: l.address, ClientPort: l.port,
		TraceID: l.trace, SpanID: l.span, Correlation: l.by.String(),
		SessionKey: l.key, SessionID: l.sessionID,
		Extra: []session.Attr{{Key: session.AttrLoginUID, Value: l.uidText}},
	}
	// Else a session by that name would seem to have begun.
	if l.failed {
		e.SessionKey, e.SessionID = session.ID{}, ""
	}
	e.RecordID = h.Start("correlation", l.system, l.instance).Bytes(l.uid[:]).Str(l.by.String()).RecordID(l.start)
	return e
}

// Dropped counts updates that were taken and could not be delivered.
func (b LockedStore) Dropped(n int) { b.s.stats.DroppedUpdates += int64(n) }
