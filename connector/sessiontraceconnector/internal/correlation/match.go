package correlation

// maxChainLength is how many logins of one key are looked at, the newest first. What comes after them has either ended long
// before, or so many share the key that it proves nothing. A user and an address have that many only if several
// connections last at once, and the one that ended need not be older than those after it.
const maxChainLength = 64

func (s *Store) onlyLogin(by Evidence, key uint64, a *SpanAttributes, traits clientTraits) (found *rememberedLogin, ambiguous bool) {
	n := 0
	for l := s.logins.newest[by][key]; l != nil; l = l.older[by] {
		if n++; n > maxChainLength {
			return found, by == UserAddress || a.Start-int64(s.limits.Tolerance) <= l.end
		}
		if s.canBelong(l, a.Start, a.End, traits, by) && l.isClientOf(a, by) {
			if found != nil {
				return nil, true // several that fit are as good as none
			}
			found = l
		}
	}
	return found, false
}

// traceOfLogin finds the trace that a login belongs to, in the order of the evidence: that of the span during which it
// happened, or else the session's first one. What is not settled yet is found only when final says that this is the last
// time to ask; self is no other login.
func (s *Store) traceOfLogin(l, self *rememberedLogin, guess, final bool) (best seenTrace, by Evidence, ok bool) {
	for by = range evidenceCount {
		key := l.evidenceKeys[by]
		if key == 0 || by == UserAddress && (!guess || !s.isWithinGuessTime(l)) {
			continue
		}
		n := 0
		s.spans.eachTrace(key, s.storeClock, func(t *seenTrace) {
			if s.canBelong(l, t.start, t.end, t.clientTraits, by) {
				if n++; n == 1 || t.isNearerTo(&best, l.start) {
					best = *t
				}
			}
		})
		if n == 0 {
			continue
		}
		incomplete := by == UserAddress && (n > 1 || s.spans.mayLackTraces(key, s.storeClock, l.start-int64(s.limits.Window)))
		if incomplete || s.fitsAnother(by, key, &best, self) {
			s.stats.Ambiguous[by]++
			return best, by, false
		}
		if !final && !s.isSettled(l, best.end) {
			return best, noTrace, false
		}
		return best, by, true
	}
	return best, noTrace, false
}

func (s *Store) isWithinGuessTime(l *rememberedLogin) bool {
	// Spans are kept longer than the lateness by the window: until then all around a login are remembered, and the one that is left of two is no
	// guess.
	return s.limits.Window > 0 && s.wall-l.start <= int64(s.limits.Lateness)
}

// isSettled: all logins are known that a span until end could belong to. Sessions of single requests follow each
// other on one connection within milliseconds, and so do failed logins, but a log is read in batches: the next one may hold
// the login that the span really belongs to. It has been read when the source has delivered something later, or has had its
// time.
func (s *Store) isSettled(l *rememberedLogin, end int64) bool {
	return !l.brief || s.now-l.firstSeen >= s.decisionDelay || s.readUntil[logNode{l.system, l.instance, l.host}] > end+int64(s.limits.Tolerance)
}

func (t *seenTrace) isNearerTo(other *seenTrace, unixNano int64) bool {
	inThis, inOther := t.start <= unixNano && unixNano <= t.end, other.start <= unixNano && unixNano <= other.end
	switch {
	case inThis != inOther:
		return inThis
	case inThis:
		return t.start > other.start // the innermost
	}
	return t.start < other.start
}

func (s *Store) fitsAnother(by Evidence, key uint64, t *seenTrace, self *rememberedLogin) bool {
	n := 0
	for l := s.logins.newest[by][key]; l != nil; l = l.older[by] {
		if n++; n > maxChainLength {
			return by == UserAddress || t.start-int64(s.limits.Tolerance) <= l.end
		}
		if l != self && s.canBelong(l, t.start, t.end, t.clientTraits, by) {
			return true
		}
	}
	return false
}

// canBelong: a span from start to end can belong to a login, beside the key that they share: they overlap in time,
// and nothing else that both say differs.
func (s *Store) canBelong(l *rememberedLogin, start, end int64, traits clientTraits, by Evidence) bool {
	tolerance := int64(s.limits.Tolerance)
	last := l.end
	if l.brief {
		last = l.start
	}
	if end < l.start-tolerance || start-tolerance > last || l.contradictsClient(traits, by) {
		return false
	}
	switch by {
	case ClientPort:
		return s.now-l.lastSeen <= int64(s.limits.Idle)
	case UserAddress:
		window := int64(s.limits.Window)
		return window > 0 && start <= l.start+window && end >= l.start-window
	}
	return true
}
