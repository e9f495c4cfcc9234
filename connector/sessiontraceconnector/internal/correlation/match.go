package correlation

// maxChain is how many logins of one key are looked at, the newest first. What comes after them has either ended long
// before, or so many share the key that it proves nothing. A user and an address have that many only if several
// connections last at once, and the one that ended need not be older than those behind it.
const maxChain = 64

// only finds the one login that fits a span by a key. Several that fit are as good as none.
func (s *Store) only(by Evidence, key uint64, c *Clues, t traits) (found int32, ambiguous bool) {
	found = nobody
	i, ok := s.logins.heads[by][key]
	if !ok {
		return nobody, false
	}
	for n := 0; i != nobody; n++ {
		l := s.logins.at(i)
		if n == maxChain {
			return found, by == UserAddress || c.Start-int64(s.limits.Tolerance) <= l.end
		}
		if s.fits(l, c.Start, c.End, t, by) && l.sameClient(c, by) {
			if found != nobody {
				return nobody, true
			}
			found = i
		}
		i = l.down[by]
	}
	return found, false
}

// find finds the span that a login belongs to, in the order of the evidence: the span during which it happened, or else the
// session's first one. self is the login's place. What is not settled yet is found only when final says that this is the
// last time to ask.
func (s *Store) find(l *login, self int32, guess, final bool) (best sighting, by Evidence, ok bool) {
	for by = range kinds {
		key := l.keys[by]
		if key == 0 || by == UserAddress && (!guess || !s.mayGuess(l)) {
			continue
		}
		n := 0
		s.spans.each(key, s.seconds(), func(c *sighting) bool {
			if s.fits(l, c.start, c.end, c.traits, by) {
				if n++; n == 1 || c.nearer(&best, l.start) {
					best = *c
				}
			}
			return true
		})
		if n == 0 {
			continue
		}
		if by == UserAddress && (n > 1 || s.spans.mayLack(key, s.seconds(), l.start-int64(s.limits.Window))) || s.shared(by, key, &best, self) {
			s.stats.Ambiguous[by]++
			return best, by, false
		}
		if !final && !s.settled(l, best.end) {
			return best, noTrace, false
		}
		return best, by, true
	}
	return best, noTrace, false
}

// mayGuess tells whether the spans around a login would still be remembered, all of them, for they are kept longer than the
// lateness by the window: the one that is left of two is no guess.
func (s *Store) mayGuess(l *login) bool {
	return s.limits.Window > 0 && s.wall-l.start <= int64(s.limits.Lateness)
}

// settled tells whether all logins are known that a span until end could belong to. Sessions of single requests follow each
// other on one connection within milliseconds, and so do failed logins, but a log is read in pages: the next one may hold
// the login that the span really belongs to. It has been read when the source has told of something later, or has had its
// time.
func (s *Store) settled(l *login, end int64) bool {
	return !l.brief || s.now-l.learned >= s.patience || s.latest[node{l.system, l.instance, l.host}] > end+int64(s.limits.Tolerance)
}

// nearer prefers what lasted while the login happened, the innermost of it, and else what came first.
func (c *sighting) nearer(o *sighting, at int64) bool {
	inC, inO := c.start <= at && at <= c.end, o.start <= at && at <= o.end
	switch {
	case inC != inO:
		return inC
	case inC:
		return c.start > o.start
	}
	return c.start < o.start
}

// shared tells whether another login fits the same sighting.
func (s *Store) shared(by Evidence, key uint64, c *sighting, self int32) bool {
	i, ok := s.logins.heads[by][key]
	if !ok {
		return false
	}
	for n := 0; i != nobody; n++ {
		l := s.logins.at(i)
		if n == maxChain {
			return by == UserAddress || c.start-int64(s.limits.Tolerance) <= l.end
		}
		if i != self && s.fits(l, c.start, c.end, c.traits, by) {
			return true
		}
		i = l.down[by]
	}
	return false
}

// fits tells whether a span from start to end can belong to a login, beside the key that they share: they overlap in time,
// and nothing else that both say differs.
func (s *Store) fits(l *login, start, end int64, t traits, by Evidence) bool {
	tolerance := int64(s.limits.Tolerance)
	last := l.end
	if l.brief {
		last = l.start
	}
	if end < l.start-tolerance || start-tolerance > last || l.contradicts(t, by) {
		return false
	}
	switch by {
	case ClientPort:
		return s.now-l.seen <= int64(s.limits.Idle)
	case UserAddress:
		window := int64(s.limits.Window)
		return window > 0 && start <= l.start+window && end >= l.start-window
	}
	return true
}

func (s *Store) seconds() uint32 { return uint32(s.now / 1e9) }
