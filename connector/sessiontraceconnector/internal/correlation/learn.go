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

// LearnedRecord is what the store has understood of a record. It is good until the batch ends.
type LearnedRecord struct {
	login *rememberedLogin // nil where no trace is asked for
	time  int64
	kind  session.Kind
}

// Learn takes note of a record. A caller with many records has all of them learned before it asks for the trace of the
// first: what one of them says may make another ambiguous.
func (b LockedStore) Learn(e *session.Event) LearnedRecord {
	s := b.s
	s.noteReadUntil(e)
	note := LearnedRecord{time: e.Time, kind: e.Kind}
	var l *rememberedLogin
	switch e.Kind {
	case session.KindLogin, session.KindSessionStart:
		l = s.learnLogin(e)
	case session.KindLogout:
		l = s.learnLogout(e)
	case session.KindSessionUpdate:
		s.learnUpdate(e)
	}
	if e.TraceID == [16]byte{} {
		note.login = l
	}
	return note
}

func (s *Store) noteReadUntil(e *session.Event) {
	n := logNode{e.System, e.Instance, e.Host}
	known, ok := s.readUntil[n]
	if ok && known >= e.Time {
		return
	}
	if !ok {
		if len(s.readUntil) >= maxLogNodes {
			clear(s.readUntil)
		}
		if len(n.system)+len(n.instance)+len(n.host) > maxTextBytes {
			return
		}
		n = logNode{strings.Clone(n.system), strings.Clone(n.instance), strings.Clone(n.host)}
	}
	s.readUntil[n] = e.Time
}

// Trace returns the trace of a learned record that had none of its own, if one is known.
func (b LockedStore) Trace(n LearnedRecord) (t Trace, ok bool) {
	s, l := b.s, n.login
	if l == nil || s.logins.byID[l.id] != l { // forgotten since
		return t, false
	}
	if n.kind == session.KindLogout {
		t, ok = s.traceAtLogout(l, n)
	} else {
		t, ok = s.traceAtLogin(l, n)
	}
	if ok {
		s.stats.Records[t.By]++
	}
	return t, ok
}

func (s *Store) traceAtLogin(l *rememberedLogin, n LearnedRecord) (Trace, bool) {
	if l.by == noTrace {
		mayGuess := s.wall-n.time >= int64(s.limits.Window)
		if seen, by, ok := s.traceOfLogin(l, l, mayGuess, false); ok {
			l.trace, l.span, l.by = seen.trace, seen.span, by
		} else if by == noTrace && l.undecided == nil && (l.brief || !mayGuess && l.evidenceKeys[UserAddress] != 0) {
			l.decideAt, l.undecided = s.now+s.decisionDelay, s.undecided.PushBack(l)
		}
	}
	return Trace{l.trace, l.span, l.by}, l.by < evidenceCount
}

func (s *Store) traceAtLogout(l *rememberedLogin, n LearnedRecord) (Trace, bool) {
	// The trace that lasted when the session ended need not be its login's.
	probe := rememberedLogin{start: n.time, end: n.time, firstSeen: s.now, lastSeen: s.now, evidenceKeys: l.evidenceKeys, clientTraits: l.clientTraits}
	probe.system, probe.instance, probe.host, probe.brief = l.system, l.instance, l.host, l.brief
	seen, by, ok := s.traceOfLogin(&probe, l, false, false)
	return Trace{seen.trace, seen.span, by}, ok
}

func (s *Store) learnLogin(e *session.Event) *rememberedLogin {
	id := e.SessionKey
	if id.IsZero() || e.Outcome == session.OutcomeFailure {
		id = e.RecordID // a failed attempt may share its key with the one that succeeds
	}
	// Records may come twice, and a session's start is of the same session.
	if l, ok := s.knownLogin(id, e); ok {
		s.completeLogin(l, e)
		return l
	}
	address := NormalAddress(e.ClientAddress)
	if rememberedTextBytes(e, address) > maxTextBytes {
		s.stats.EvictedSessions++
		return nil
	}
	l := &rememberedLogin{id: id, firstSeen: s.now, lastSeen: s.now}
	l.copyEvent(e, address)
	l.evidenceKeys, l.clientTraits = s.hashEventKeys(e, address)
	s.evictUntilRoom(l.bytes)
	s.logins.addLogin(l)
	return l
}

func (s *Store) knownLogin(id session.ID, e *session.Event) (*rememberedLogin, bool) {
	l, ok := s.logins.byID[id]
	if !ok || e.Kind != session.KindLogin || e.RecordID.IsZero() || l.uid == e.RecordID {
		return l, ok
	}
	if former, ok := s.logins.byID[e.RecordID]; ok {
		return former, true
	}
	if _, taken := s.logins.byID[l.uid]; taken || l.uid.IsZero() || !l.named || !l.isEnteredAnew(e) {
		return l, true
	}
	// A session is entered again under the same key: an application keeps its session's id when another user logs in, or the same one after a
	// logout. Its former login is known by its record id alone.
	if !l.hasEnded {
		s.endSession(l, e.Time)
	}
	s.logins.renameLogin(l, l.uid)
	return nil, false
}

func (l *rememberedLogin) isEnteredAnew(e *session.Event) bool {
	otherUser := e.User != "" && l.user != "" && e.User != l.user || e.UserHash != "" && l.userHash != "" && e.UserHash != l.userHash
	return l.hasEnded && e.Time > l.end || otherUser && e.Time > l.start
}

func (s *Store) completeLogin(l *rememberedLogin, e *session.Event) {
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
	s.logins.touchLogin(l, s.now)
}

func (s *Store) learnLogout(e *session.Event) *rememberedLogin {
	l, ok := s.logins.byID[e.SessionKey]
	if !ok || e.SessionKey.IsZero() {
		return nil
	}
	s.endSession(l, e.Time)
	return l
}

func (s *Store) endSession(l *rememberedLogin, unixNano int64) {
	l.end = max(unixNano, l.start)
	s.logins.endSession(l)
	s.logins.touchLogin(l, s.now)
}

func (s *Store) learnUpdate(e *session.Event) {
	l, ok := s.logins.byID[e.SessionKey]
	if !ok || e.SessionKey.IsZero() {
		return
	}
	// Somebody else has found it: ours would only repeat that.
	if l.by == noTrace && e.TraceID != [16]byte{} {
		l.trace, l.span, l.by = e.TraceID, e.SpanID, ownTrace
	}
	// What was taken for a login was refused in the end.
	if e.Outcome == session.OutcomeFailure && session.IsDatabase(e.System) {
		s.endSession(l, e.Time)
	}
}
