package correlation

import "github.com/otel-sessionlog/sessionlog/session"

// SpanOwner is the login behind a span.
type SpanOwner struct {
	SessionID, User, UserHash string
	LoginUID                  string // record id of the login
	By                        Evidence
}

// RecordSpan records a span and returns its owner. A login that waited for a span like it gets its update.
func (b LockedStore) RecordSpan(a *SpanAttributes) (owner SpanOwner, ok bool) {
	s := b.s
	keys, traits := s.hashSpanKeys(a)
	if keys.areAllMissing() {
		return owner, false
	}
	decided := false
	var unclear evidenceKeys // by which several fit
	for by := range evidenceCount {
		if keys[by] == 0 {
			continue
		}
		l, ambiguous := s.onlyLogin(by, keys[by], a, traits)
		switch {
		case ambiguous:
			s.stats.Ambiguous[by]++
			decided, unclear[by] = true, keys[by] // what several share does not become clear by weaker evidence
		case l == nil:
		case !s.isSettled(l, a.End):
			decided = true // it may be another's, who is not known yet
		default:
			s.logins.touchLogin(l, s.now)
			if !unclear.shareAnyKey(&l.evidenceKeys) {
				s.offerTrace(l, a, by)
			}
			if !decided && !l.failed { // what was typed at a failed login may be a password
				owner, ok, decided = l.ownerOfSpan(by), true, true
				s.stats.Spans[by]++
			}
		}
	}
	s.rememberSpan(a, &keys, traits)
	return owner, ok
}

func (l *rememberedLogin) ownerOfSpan(by Evidence) SpanOwner {
	o := SpanOwner{SessionID: l.sessionID, LoginUID: l.uidText, By: by}
	if l.outcome == session.OutcomeSuccess { // else what was typed may be a password
		o.User, o.UserHash = l.user, l.userHash
	}
	return o
}

func (s *Store) rememberSpan(a *SpanAttributes, keys *evidenceKeys, traits clientTraits) {
	if a.TraceID == ([16]byte{}) {
		return
	}
	seen := seenTrace{trace: a.TraceID, span: a.SpanID, start: a.Start, end: a.End, clientTraits: traits}
	for _, key := range keys {
		if key != 0 {
			s.spans.rememberTrace(key, seen, s.storeClock)
		}
	}
}

func (s *Store) offerTrace(l *rememberedLogin, a *SpanAttributes, by Evidence) {
	// A guess has to wait for its window to pass: until then another span may come that makes it none.
	if by == UserAddress || !by.isStrongerThan(l.by) || a.TraceID == ([16]byte{}) {
		return
	}
	isNew := l.trace != a.TraceID
	l.trace, l.span, l.by = a.TraceID, a.SpanID, by
	if isNew {
		s.queueUpdate(l)
	}
}

func (s *Store) queueUpdate(l *rememberedLogin) {
	if s.takesUpdates && l.update == nil {
		l.update = s.updates.PushBack(l)
	}
}
