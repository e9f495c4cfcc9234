package correlation

// handle names a login that may have been forgotten meanwhile.
type handle struct {
	place int32
	gen   uint32
	due   int64
}

// queue is first in, first out, and bounded. Its space is used again.
type queue struct {
	items []handle
	head  int
	limit int
}

func (q *queue) len() int { return len(q.items) - q.head }

// push tells whether there was room.
func (q *queue) push(h handle) bool {
	if q.len() >= q.limit {
		return false
	}
	if q.head > 0 && len(q.items) == cap(q.items) {
		n := copy(q.items, q.items[q.head:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, h)
	return true
}

func (q *queue) peek() (handle, bool) {
	if q.len() == 0 {
		return handle{}, false
	}
	return q.items[q.head], true
}

func (q *queue) pop() {
	if q.head++; q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
}

func (s *Store) handle(i int32) handle { return handle{place: i, gen: s.logins.at(i).gen} }

// resolve gives the login that a handle names, unless it was forgotten.
func (s *Store) resolve(h handle) (*login, bool) {
	l := s.logins.at(h.place)
	return l, l.gen == h.gen && !l.id.IsZero()
}
