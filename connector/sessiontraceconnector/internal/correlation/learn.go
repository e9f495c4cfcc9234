package correlation

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Trace is the trace that a record belongs to.
type Trace struct {
	TraceID [16]byte
	SpanID  [8]byte
	By      Evidence
}

// Note is what the store has understood of a record. It is good until the batch ends.
type Note struct {
	handle
	at   int64
	kind session.Kind
}

// Learn takes note of a record. A caller with many records has all of them learned before it asks for the trace of the
// first: what one of them says may make another ambiguous.
func (b Batch) Learn(e *session.Event) Note {
	s := b.s
	s.advance(e)
	note := Note{handle: handle{place: nobody}, at: e.Time, kind: e.Kind}
	i := nobody
	switch e.Kind {
	case session.KindLogin, session.KindSessionStart:
		i = s.learn(e)
	case session.KindLogout:
		i = s.logout(e)
	case session.KindSessionUpdate:
		s.update(e)
	}
	if i != nobody && e.TraceID == [16]byte{} {
		note.handle = s.handle(i)
	}
	return note
}

// advance remembers how far a node's log has been read.
func (s *Store) advance(e *session.Event) {
	n := node{e.System, e.Instance, e.Host}
	known, ok := s.latest[n]
	if ok && known >= e.Time {
		return
	}
	if !ok {
		if len(s.latest) >= maxNodes {
			clear(s.latest)
		}
		if len(n.system)+len(n.instance)+len(n.host) > maxTexts {
			return
		}
		n = node{strings.Clone(n.system), strings.Clone(n.instance), strings.Clone(n.host)}
	}
	s.latest[n] = e.Time
}

// Trace tells the trace of a record that was learned, when it brought none and one is known.
func (b Batch) Trace(n Note) (t Trace, ok bool) {
	s := b.s
	if n.place == nobody {
		return t, false
	}
	l, ok := s.resolve(n.handle)
	if !ok {
		return t, false
	}
	if n.kind == session.KindLogout {
		t, ok = s.atLogout(l, n)
	} else {
		t, ok = s.atLogin(l, n)
	}
	if ok {
		s.stats.Records[t.By]++
	}
	return t, ok
}

// atLogin is for the beginning of a session, or a failed attempt.
func (s *Store) atLogin(l *login, n Note) (Trace, bool) {
	if l.by == noTrace {
		guess := s.wall-n.at >= int64(s.limits.Window)
		if seen, by, ok := s.find(l, n.place, guess, false); ok {
			l.trace, l.span, l.by = seen.trace, seen.span, by
		} else if by == noTrace && (l.brief || !guess && l.keys[UserAddress] != 0) {
			n.due = s.now + s.patience
			s.undecided.push(n.handle)
		}
	}
	return Trace{l.trace, l.span, l.by}, l.by < kinds
}

// atLogout gives the trace that lasted when the session ended, which need not be its login's.
func (s *Store) atLogout(l *login, n Note) (Trace, bool) {
	probe := login{start: n.at, end: n.at, learned: s.now, seen: s.now, keys: l.keys, traits: l.traits}
	probe.system, probe.instance, probe.host, probe.brief = l.system, l.instance, l.host, l.brief
	seen, by, ok := s.find(&probe, n.place, false, false)
	return Trace{seen.trace, seen.span, by}, ok
}

// learn remembers a login, or finds it again: records may come twice, and a session's start tells of the same session. One
// that is too large gets no place.
func (s *Store) learn(e *session.Event) int32 {
	id := e.SessionKey
	if id.IsZero() || e.Outcome == session.OutcomeFailure {
		id = e.RecordID // a failed attempt may share its key with the one that succeeds
	}
	if i, ok := s.known(id, e); ok {
		s.again(i, e)
		return i
	}
	address := NormalAddress(e.ClientAddress)
	if texts(e, address) > maxTexts {
		s.stats.EvictedSessions++
		return nobody
	}
	fresh := login{id: id, learned: s.now, seen: s.now}
	fresh.fill(e, address)
	fresh.keys, fresh.traits = s.ofEvent(e, address)
	s.makeRoom(fresh.bytes)
	i, l := s.logins.place()
	fresh.gen = l.gen
	*l = fresh
	s.logins.link(i)
	return i
}

// known finds what a record tells of again. A session may be entered anew under the same key: an application keeps its
// session's id when another user logs in, or the same one after a logout. Then its former login is known by its record id alone.
func (s *Store) known(id session.ID, e *session.Event) (int32, bool) {
	i, ok := s.logins.byID[id]
	if !ok || e.Kind != session.KindLogin || e.RecordID.IsZero() || s.logins.at(i).uid == e.RecordID {
		return i, ok
	}
	if former, ok := s.logins.byID[e.RecordID]; ok {
		return former, true
	}
	l := s.logins.at(i)
	if _, taken := s.logins.byID[l.uid]; taken || l.uid.IsZero() || !l.named || !l.enteredAnew(e) {
		return i, true
	}
	if !l.ended {
		s.end(i, e.Time)
	}
	s.logins.rename(i, l.uid)
	return nobody, false
}

// enteredAnew tells whether another login of the session is more than another word about the same one.
func (l *login) enteredAnew(e *session.Event) bool {
	other := e.User != "" && l.user != "" && e.User != l.user || e.UserHash != "" && l.userHash != "" && e.UserHash != l.userHash
	return l.ended && e.Time > l.end || other && e.Time > l.start
}

// again completes a login by another record of the same session.
func (s *Store) again(i int32, e *session.Event) {
	l := s.logins.at(i)
	l.start = min(l.start, e.Time)
	if !l.named && e.Kind == session.KindLogin {
		l.uid, l.uidText, l.named = e.RecordID, e.RecordID.String(), true
	}
	if e.Outcome == session.OutcomeSuccess {
		l.outcome = e.Outcome
	}
	if l.by > UserAddress && l.by != ownTrace && e.TraceID != [16]byte{} {
		l.trace, l.span, l.by = e.TraceID, e.SpanID, ownTrace
	}
	s.logins.touch(i, s.now)
}

// logout ends the session, if its login was seen.
func (s *Store) logout(e *session.Event) int32 {
	i, ok := s.logins.byID[e.SessionKey]
	if !ok || e.SessionKey.IsZero() {
		return nobody
	}
	s.end(i, e.Time)
	return i
}

func (s *Store) end(i int32, at int64) {
	l := s.logins.at(i)
	l.end = max(at, l.start)
	s.logins.close(i)
	s.logins.touch(i, s.now)
}

// update may be somebody else's finding, which ours would only repeat, or a database's correction: what was taken for a
// login was refused in the end.
func (s *Store) update(e *session.Event) {
	i, ok := s.logins.byID[e.SessionKey]
	if !ok || e.SessionKey.IsZero() {
		return
	}
	if l := s.logins.at(i); l.by == noTrace && e.TraceID != [16]byte{} {
		l.trace, l.span, l.by = e.TraceID, e.SpanID, ownTrace
	}
	if e.Outcome == session.OutcomeFailure && session.IsDatabase(e.System) {
		s.end(i, e.Time)
	}
}
