package correlation

import "github.com/otel-sessionlog/sessionlog/session"

// Owner is the login behind a span.
type Owner struct {
	SessionID, User, UserHash string
	LoginUID                  string // record id of the login
	By                        Evidence
}

// Prepare makes spans ready, a dozen or two at a time: it takes less time than one after another.
func (b Batch) Prepare(spans []Span) {
	for i := range spans {
		spans[i].keys, spans[i].traits = b.s.ofSpan(&spans[i].Clues)
	}
	b.s.spans.fetch(spans)
}

// Span takes note of a span and tells whose it is. A login that waited for a span like it gets its update.
func (b Batch) Span(span *Span) (owner Owner, ok bool) {
	s, c := b.s, &span.Clues
	if span.none() {
		return owner, false
	}
	decided := false
	var unclear keys // by which several fit
	for by := range kinds {
		if span.keys[by] == 0 {
			continue
		}
		i, ambiguous := s.only(by, span.keys[by], c, span.traits)
		switch {
		case ambiguous:
			s.stats.Ambiguous[by]++
			decided, unclear[by] = true, span.keys[by] // what several share does not become clear by weaker evidence
		case i != nobody:
			l := s.logins.at(i)
			if !s.settled(l, c.End) {
				decided = true // it may be another's, who is not known yet
				continue
			}
			s.logins.touch(i, s.now)
			if !unclear.share(&l.keys) {
				s.offer(i, l, c, by)
			}
			if !decided && !l.failed { // what was typed at a failed login may be a password
				owner, ok, decided = l.owner(by), true, true
				s.stats.Spans[by]++
			}
		}
	}
	s.sight(span)
	return owner, ok
}

// owner leaves the user out where nobody says that the login succeeded: what was typed may be a password there, too.
func (l *login) owner(by Evidence) Owner {
	o := Owner{SessionID: l.sessionID, LoginUID: l.uidText, By: by}
	if l.outcome == session.OutcomeSuccess {
		o.User, o.UserHash = l.user, l.userHash
	}
	return o
}

// sight remembers the span for records that come later.
func (s *Store) sight(c *Span) {
	if c.TraceID == ([16]byte{}) {
		return
	}
	seen := sighting{trace: c.TraceID, span: c.SpanID, start: c.Start, end: c.End, traits: c.traits}
	for _, key := range c.keys {
		if key != 0 {
			s.spans.add(key, &seen, s.seconds())
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
