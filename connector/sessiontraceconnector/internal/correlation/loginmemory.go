package correlation

import (
	"container/list"

	"github.com/otel-sessionlog/sessionlog/session"
)

// loginMemory finds logins by id and by key, and orders them by when they were last seen. What has ended makes way
// first: a flood of failed logins pushes out its own kind before it reaches a session that lasts.
type loginMemory struct {
	byID           map[session.ID]*rememberedLogin
	newest         [evidenceCount]map[uint64]*rememberedLogin // heads of the chains by key
	lasting, ended *list.List                                 // of *login, the one seen last in front
	openSessions   map[ServerInstance]int64
	bytes          int64
}

// ServerInstance is the server that a session belongs to.
type ServerInstance struct{ System, Instance string }

func newLoginMemory() *loginMemory {
	m := &loginMemory{byID: map[session.ID]*rememberedLogin{}, lasting: list.New(), ended: list.New(), openSessions: map[ServerInstance]int64{}}
	for by := range m.newest {
		m.newest[by] = map[uint64]*rememberedLogin{}
	}
	return m
}

func (m *loginMemory) addLogin(l *rememberedLogin) {
	m.byID[l.id] = l
	m.addToChains(l)
	m.bytes += l.bytes
	if l.hasEnded = l.end != stillOpen; l.hasEnded {
		l.byAge = m.ended.PushFront(l)
		return
	}
	l.byAge = m.lasting.PushFront(l)
	m.openSessions[l.serverPlace()]++
}

func (m *loginMemory) removeLogin(l *rememberedLogin) {
	m.endSession(l)
	m.ended.Remove(l.byAge)
	delete(m.byID, l.id)
	m.removeFromChains(l)
	m.bytes -= l.bytes
}

func (m *loginMemory) addToChains(l *rememberedLogin) {
	for by, key := range l.evidenceKeys {
		if key == 0 {
			continue
		}
		if l.older[by] = m.newest[by][key]; l.older[by] != nil {
			l.older[by].newer[by] = l
		}
		m.newest[by][key] = l
	}
}

func (m *loginMemory) removeFromChains(l *rememberedLogin) {
	for by, key := range l.evidenceKeys {
		if key == 0 {
			continue
		}
		newer, older := l.newer[by], l.older[by]
		if older != nil {
			older.newer[by] = newer
		}
		switch {
		case newer != nil:
			newer.older[by] = older
		case older != nil:
			m.newest[by][key] = older
		default:
			delete(m.newest[by], key)
		}
	}
}

func (m *loginMemory) renameLogin(l *rememberedLogin, id session.ID) {
	delete(m.byID, l.id)
	l.id = id
	m.byID[id] = l
}

func (m *loginMemory) endSession(l *rememberedLogin) {
	if l.hasEnded {
		return
	}
	if m.openSessions[l.serverPlace()]--; m.openSessions[l.serverPlace()] == 0 {
		delete(m.openSessions, l.serverPlace())
	}
	m.lasting.Remove(l.byAge)
	l.hasEnded, l.byAge = true, m.ended.PushFront(l)
}

func (m *loginMemory) touchLogin(l *rememberedLogin, now int64) {
	l.lastSeen = now
	if l.hasEnded {
		m.ended.MoveToFront(l.byAge)
	} else {
		m.lasting.MoveToFront(l.byAge)
	}
}

// oldestLogin is nil for an empty list.
func oldestLogin(logins *list.List) *rememberedLogin {
	if last := logins.Back(); last != nil {
		return last.Value.(*rememberedLogin)
	}
	return nil
}
