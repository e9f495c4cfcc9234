package postgreslog

import "time"

// stage is how far a connection has come.
type stage uint8

const (
	stageReceived stage = iota
	stageAuthenticated
	stageAuthorized
	stageRefused
	stageReady // nothing but the line that says it is open
)

// conn is a connection without verdict. All that counts of it can be written down.
type conn struct {
	ID       BackendID `json:"id"`
	Stage    stage     `json:"stage"`
	First    int64     `json:"first"`    // time of its first line
	Decisive int64     `json:"decisive"` // time of the line that the verdict will bear
	SQLState string    `json:"sqlState,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	facts    `json:"facts"`

	Due        int64 `json:"-"` // when it is decided without more
	text       *Text // where its first line stands; nil if that was read by another parser than those of now
	at         int64
	mixed      bool  // lines of it stand in other texts, too
	end        *Text // where it was refused
	in         *queue
	prev, next *conn
}

func (c *conn) known() facts {
	if c == nil {
		return facts{}
	}
	return c.facts
}

// of finds the undecided connection that a line is of.
func (a *Assembler) of(l *Line) *conn {
	c := a.open[l.ID]
	if c != nil && c.text != a.reading {
		c.mixed = true
	}
	return c
}

// add begins a connection with the line at hand, the first that is known of it.
func (a *Assembler) add(l *Line, at int64) *conn {
	var c *conn
	if n := len(a.free); n > 0 {
		c, a.free = a.free[n-1], a.free[:n-1]
	} else {
		c = &conn{}
	}
	*c = conn{ID: l.ID, First: l.Time, Decisive: l.Time, text: a.reading, at: at}
	if a.remembers(l.ID) { // another one, whose pid this is now
		a.doubted.forget(l.ID)
		a.decided.forget(l.ID)
	}
	a.open[l.ID] = c
	a.reading.undecided = append(a.reading.undecided, beginning{c, at})
	a.queue(c)
	return c
}

// queue puts a connection where its stage has it wait, and says until when.
func (a *Assembler) queue(c *conn) {
	if c.in != nil {
		c.in.remove(c)
	}
	switch c.Stage {
	case stageAuthorized:
		c.Due = until(c.Decisive, time.Duration(a.patient))
		a.waiting.push(c)
	case stageRefused:
		c.Due = until(c.Decisive, detailWait)
		a.refused.push(c)
	default:
		c.Due = until(c.First, givenUp)
		a.opening.push(c)
	}
}

func (a *Assembler) drop(c *conn) {
	if c.in != nil {
		c.in.remove(c)
	}
	delete(a.open, c.ID)
	if len(a.free) < 1024 {
		a.free = append(a.free, c)
	}
}

// queue is a list of connections in the order in which they are due.
type queue struct{ first, last *conn }

func (q *queue) push(c *conn) {
	c.in, c.prev, c.next = q, q.last, nil
	if q.last != nil {
		q.last.next = c
	} else {
		q.first = c
	}
	q.last = c
}

func (q *queue) remove(c *conn) {
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		q.first = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		q.last = c.prev
	}
	c.in, c.prev, c.next = nil, nil, nil
}

// names keeps one copy of each text that recurs: what is held back must not hold on to the large text that it came in. It
// forgets all when it has grown large, so that an attacker's many names cost time, not memory.
type names struct{ kept map[string]string }

const (
	maxNames    = 4096
	maxNameSize = 512
)

func (n *names) name(s string) string {
	if s == "" {
		return ""
	}
	if kept, ok := n.kept[s]; ok {
		return kept
	}
	own := string([]byte(s))
	if len(s) > maxNameSize {
		return own
	}
	if n.kept == nil || len(n.kept) >= maxNames {
		n.kept = make(map[string]string, 64)
	}
	n.kept[own] = own
	return own
}

func (n *names) keep(dst, src *facts) {
	*dst = *src
	for _, field := range dst.texts() {
		*field = n.name(*field)
	}
}

func (f *facts) texts() [11]*string {
	return [...]*string{
		&f.Host, &f.User, &f.Database, &f.Application, &f.Identity, &f.Method, &f.HBA, &f.Protocol, &f.Cipher, &f.Bits, &f.Principal,
	}
}
