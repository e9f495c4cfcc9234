package correlation

import "github.com/otel-sessionlog/sessionlog/session"

// Owner is the login behind a span.
type Owner struct {
	SessionID, User, UserHash string
	LoginUID                  string // record id of the login
	By                        Evidence
}

// Span takes note of a span and tells whose it is. A login that waited for a span like it gets its update.
func (b Batch) Span(c *Clues) (owner Owner, ok bool) {
	s := b.s
	k, t := s.clues(c)
	if k.none() {
		return owner, false
	}
	decided := false
	for by := range kinds {
		if k[by] == 0 {
			continue
		}
		i, ambiguous := s.only(by, k[by], c, t)
		switch {
		case ambiguous:
			s.stats.Ambiguous[by]++
			decided = true // what several share does not become clear by weaker evidence
		case i != nobody:
			l := s.logins.at(i)
			s.logins.touch(i, s.now)
			s.offer(i, l, c, by)
			if !decided && !l.failed { // what was typed at a failed login may be a password
				owner, ok, decided = Owner{l.sessionID, l.user, l.userHash, l.uidText, by}, true, true
				s.stats.Spans[by]++
			}
		}
	}
	s.sight(c, &k, t)
	return owner, ok
}

// sight remembers the span for records that come later.
func (s *Store) sight(c *Clues, k *keys, t traits) {
	if c.TraceID == ([16]byte{}) {
		return
	}
	seen := sighting{trace: c.TraceID, span: c.SpanID, start: c.Start, end: c.End, traits: t, seen: s.seconds()}
	for _, key := range k {
		if key != 0 {
			s.spans.add(key, &seen)
		}
	}
}

// offer gives a login the trace of a span, where that is better than what it has. A guess has to wait for its window to
// pass: until then another span may come that makes it none.
func (s *Store) offer(i int32, l *login, c *Clues, by Evidence) {
	if by == UserAddress || !by.improves(l.by) || c.TraceID == ([16]byte{}) {
		return
	}
	better := l.trace != c.TraceID
	l.trace, l.span, l.by = c.TraceID, c.SpanID, by
	if better {
		s.announce(i, l)
	}
}

// announce has an update told.
func (s *Store) announce(i int32, l *login) {
	if !s.updates || l.pending {
		return
	}
	if l.pending = s.pending.push(s.handle(i)); !l.pending {
		s.stats.DroppedUpdates++
	}
}

// Trace is the trace that a record belongs to.
type Trace struct {
	TraceID [16]byte
	SpanID  [8]byte
	By      Evidence
}

// Event takes note of a record and tells its trace, when it brought none and one is known.
func (b Batch) Event(e *session.Event) (Trace, bool) {
	s := b.s
	t, ok := s.event(e)
	if ok = ok && e.TraceID == [16]byte{}; ok {
		s.stats.Records[t.By]++
	}
	return t, ok
}

func (s *Store) event(e *session.Event) (Trace, bool) {
	switch e.Kind {
	case session.KindLogin, session.KindSessionStart:
		return s.login(e)
	case session.KindLogout:
		return s.logout(e)
	case session.KindSessionUpdate:
		s.update(e)
	}
	return Trace{}, false
}

// login is the beginning of a session, or a failed attempt.
func (s *Store) login(e *session.Event) (Trace, bool) {
	i := s.learn(e)
	l := s.logins.at(i)
	if l.by == noTrace {
		guess := s.wall-e.Time >= int64(s.limits.Window)
		if seen, by, ok := s.find(l, i, guess); ok {
			l.trace, l.span, l.by = seen.trace, seen.span, by
		} else if !guess && by == noTrace && l.keys[UserAddress] != 0 {
			h := s.handle(i)
			h.due = s.now + int64(s.limits.Window)
			s.undecided.push(h)
		}
	}
	return Trace{l.trace, l.span, l.by}, l.by < kinds
}

// learn remembers a login, or finds it again: records may come twice, and a session's start tells of the same session.
func (s *Store) learn(e *session.Event) int32 {
	id := e.SessionKey
	if id.IsZero() || e.Outcome == session.OutcomeFailure {
		id = e.RecordID // a failed attempt may share its key with the one that succeeds
	}
	if i, ok := s.logins.byID[id]; ok {
		s.again(i, e)
		return i
	}
	fresh := login{id: id, seen: s.now}
	address := NormalAddress(e.ClientAddress)
	fresh.fill(e, address)
	fresh.keys, fresh.traits = s.hasher.event(e, address)
	s.makeRoom(fresh.bytes)
	i, l := s.logins.place()
	fresh.gen = l.gen
	*l = fresh
	s.logins.link(i)
	return i
}

// again completes a login by another record of the same session.
func (s *Store) again(i int32, e *session.Event) {
	l := s.logins.at(i)
	l.start = min(l.start, e.Time)
	if !l.named && e.Kind == session.KindLogin {
		l.uid, l.uidText, l.named = e.RecordID, e.RecordID.String(), true
	}
	if l.by > UserAddress && l.by != ownTrace && e.TraceID != [16]byte{} {
		l.trace, l.span, l.by = e.TraceID, e.SpanID, ownTrace
	}
	s.logins.touch(i, s.now)
}

// logout ends the session. Its own trace is the one of a span that lasted when it happened.
func (s *Store) logout(e *session.Event) (Trace, bool) {
	self := nobody
	if i, ok := s.logins.byID[e.SessionKey]; ok && !e.SessionKey.IsZero() {
		self = i
		s.logins.at(i).end = max(e.Time, s.logins.at(i).start)
		s.logins.close(i)
		s.logins.touch(i, s.now)
	}
	probe := login{start: e.Time, end: e.Time, seen: s.now}
	probe.keys, probe.traits = s.hasher.event(e, NormalAddress(e.ClientAddress))
	seen, by, ok := s.find(&probe, self, false)
	return Trace{seen.trace, seen.span, by}, ok
}

// update is somebody else's finding: ours would only repeat it.
func (s *Store) update(e *session.Event) {
	if i, ok := s.logins.byID[e.SessionKey]; ok && !e.SessionKey.IsZero() && e.TraceID != [16]byte{} {
		if l := s.logins.at(i); l.by == noTrace {
			l.trace, l.span, l.by = e.TraceID, e.SpanID, ownTrace
		}
	}
}
