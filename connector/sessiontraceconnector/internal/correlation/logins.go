package correlation

import "github.com/otel-sessionlog/sessionlog/session"

// chunk is how many places the slab grows by.
const chunk = 1024

// logins is the memory of logins: a slab, three indexes of chains (the newest login first), and two lists by when a login
// was last heard of. All that can end early stands in the list of the ended, which makes way first: a flood of failed
// logins pushes out its own kind before it reaches a session that lasts.
type logins struct {
	slab  []*[chunk]login
	free  []int32
	used  int
	bytes int64

	byID map[session.ID]int32
	heads
	lasting, over list
	open          map[Place]int64 // sessions that last, by server
}

type heads [kinds]map[uint64]int32

// list is doubly linked, the one heard of last in front.
type list struct{ front, back int32 }

// Place is the server that a session belongs to.
type Place struct{ System, Instance string }

func newLogins() *logins {
	m := &logins{byID: map[session.ID]int32{}, lasting: list{nobody, nobody}, over: list{nobody, nobody}, open: map[Place]int64{}}
	for i := range m.heads {
		m.heads[i] = map[uint64]int32{}
	}
	return m
}

func (m *logins) at(i int32) *login { return &m.slab[i/chunk][i%chunk] }

// place gives an empty login that is not linked yet.
func (m *logins) place() (int32, *login) {
	if len(m.free) == 0 {
		first := int32(len(m.slab)) * chunk
		m.slab = append(m.slab, new([chunk]login))
		for i := first + chunk - 1; i >= first; i-- {
			m.free = append(m.free, i)
		}
	}
	i := m.free[len(m.free)-1]
	m.free = m.free[:len(m.free)-1]
	l := m.at(i)
	*l = login{gen: l.gen + 1}
	return i, l
}

// link makes a filled login known.
func (m *logins) link(i int32) {
	l := m.at(i)
	m.byID[l.id] = i
	for k, key := range l.keys {
		if key == 0 {
			continue
		}
		l.up[k], l.down[k] = nobody, nobody
		if head, ok := m.heads[k][key]; ok {
			l.down[k] = head
			m.at(head).up[k] = i
		}
		m.heads[k][key] = i
	}
	l.ended = l.end != open
	m.push(m.list(l), i)
	m.used++
	m.bytes += l.bytes
	if !l.ended {
		m.open[Place{l.system, l.instance}]++
	}
}

// forget takes a login out of everything and gives its place back.
func (m *logins) forget(i int32) {
	l := m.at(i)
	m.close(i)
	m.unlink(&m.over, i)
	delete(m.byID, l.id)
	for k, key := range l.keys {
		if key != 0 {
			m.unchain(k, key, i)
		}
	}
	m.used--
	m.bytes -= l.bytes
	*l = login{gen: l.gen}
	m.free = append(m.free, i)
}

func (m *logins) unchain(k int, key uint64, i int32) {
	l := m.at(i)
	if l.down[k] != nobody {
		m.at(l.down[k]).up[k] = l.up[k]
	}
	switch {
	case l.up[k] != nobody:
		m.at(l.up[k]).down[k] = l.down[k]
	case l.down[k] != nobody:
		m.heads[k][key] = l.down[k]
	default:
		delete(m.heads[k], key)
	}
}

// rename has a login found by another id.
func (m *logins) rename(i int32, id session.ID) {
	l := m.at(i)
	delete(m.byID, l.id)
	l.id = id
	m.byID[id] = i
}

// close moves a login to those that are over; once is enough.
func (m *logins) close(i int32) {
	l := m.at(i)
	if l.ended {
		return
	}
	p := Place{l.system, l.instance}
	if m.open[p]--; m.open[p] == 0 {
		delete(m.open, p)
	}
	m.unlink(&m.lasting, i)
	l.ended = true
	m.push(&m.over, i)
}

// touch says that a login was heard of.
func (m *logins) touch(i int32, now int64) {
	l := m.at(i)
	l.seen = now
	where := m.list(l)
	if where.front != i {
		m.unlink(where, i)
		m.push(where, i)
	}
}

func (m *logins) list(l *login) *list {
	if l.ended {
		return &m.over
	}
	return &m.lasting
}

func (m *logins) push(where *list, i int32) {
	l := m.at(i)
	l.prev, l.next = nobody, where.front
	if where.front != nobody {
		m.at(where.front).prev = i
	}
	where.front = i
	if where.back == nobody {
		where.back = i
	}
}

func (m *logins) unlink(where *list, i int32) {
	l := m.at(i)
	if l.prev != nobody {
		m.at(l.prev).next = l.next
	} else {
		where.front = l.next
	}
	if l.next != nobody {
		m.at(l.next).prev = l.prev
	} else {
		where.back = l.prev
	}
}
