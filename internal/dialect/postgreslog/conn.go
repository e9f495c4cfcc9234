package postgreslog

import (
	"strings"
	"time"
)

type connStage uint8

const (
	stageReceived connStage = iota
	stageAuthenticated
	stageAuthorized
	stageRefused
	stageReady // only the line "connection ready" was read
)

// undecidedConn is a connection without verdict. Its JSON is the saved state.
type undecidedConn struct {
	ID              BackendID `json:"id"`
	Stage           connStage `json:"stage"`
	FirstTime       int64     `json:"first"`    // time of its first line
	VerdictTime     int64     `json:"decisive"` // time of the line that the verdict will bear
	SQLState        string    `json:"sqlState,omitempty"`
	Reason          string    `json:"reason,omitempty"`
	Detail          string    `json:"detail,omitempty"`
	connectionFacts `json:"facts"`

	Due            int64 `json:"-"` // when it is decided without more
	text           *Text // of its first line; nil if a parser before a restart read that
	offset         int64
	inSeveralTexts bool  // it has lines in other texts too
	refusedIn      *Text // where it was refused
	queuedIn       *dueQueue
	prev, next     *undecidedConn
}

func (c *undecidedConn) factsOrNone() connectionFacts {
	if c == nil {
		return connectionFacts{}
	}
	return c.connectionFacts
}

// findConn also notes that a connection has lines in several texts.
func (a *Assembler) findConn(l *Line) *undecidedConn {
	c := a.open[l.ID]
	if c != nil && c.text != a.currentText {
		c.inSeveralTexts = true
	}
	return c
}

// addConn begins a connection with the current line.
func (a *Assembler) addConn(l *Line, at int64) *undecidedConn {
	var c *undecidedConn
	if n := len(a.freeList); n > 0 {
		c, a.freeList = a.freeList[n-1], a.freeList[:n-1]
	} else {
		c = &undecidedConn{}
	}
	*c = undecidedConn{ID: l.ID, FirstTime: l.Time, VerdictTime: l.Time, text: a.currentText, offset: at}
	if a.isRemembered(l.ID) { // another one, whose pid this is now
		a.unproven.removeConn(l.ID)
		a.decided.removeConn(l.ID)
	}
	a.open[l.ID] = c
	a.currentText.undecided = append(a.currentText.undecided, firstLine{c, at})
	a.enqueue(c)
	return c
}

// enqueue sets the due time of a connection by its stage.
func (a *Assembler) enqueue(c *undecidedConn) {
	if c.queuedIn != nil {
		c.queuedIn.removeConn(c)
	}
	switch c.Stage {
	case stageAuthorized:
		c.Due = addDuration(c.VerdictTime, time.Duration(a.decideAfter))
		a.authorizedQueue.pushConn(c)
	case stageRefused:
		c.Due = addDuration(c.VerdictTime, detailTimeout)
		a.refusedQueue.pushConn(c)
	default:
		c.Due = addDuration(c.FirstTime, authenticationTimeout)
		a.unauthorized.pushConn(c)
	}
}

func (a *Assembler) removeConn(c *undecidedConn) {
	if c.queuedIn != nil {
		c.queuedIn.removeConn(c)
	}
	delete(a.open, c.ID)
	if len(a.freeList) < 1024 {
		a.freeList = append(a.freeList, c)
	}
}

// dueQueue is in the order of due times.
type dueQueue struct{ first, last *undecidedConn }

func (q *dueQueue) pushConn(c *undecidedConn) {
	c.queuedIn, c.prev, c.next = q, q.last, nil
	if q.last != nil {
		q.last.next = c
	} else {
		q.first = c
	}
	q.last = c
}

func (q *dueQueue) removeConn(c *undecidedConn) {
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
	c.queuedIn, c.prev, c.next = nil, nil, nil
}

// textInterner keeps one copy of each repeated text: an undecided connection must not keep the large text that it came in. It is emptied
// when it has grown large, so that many names of an attacker cost time, not memory. Package unique took 31 % of a whole pipeline here.
type textInterner struct{ byText map[string]string }

const (
	maxInternedTexts = 4096
	maxInternedSize  = 512
)

func (n *textInterner) intern(s string) string {
	if s == "" { // most fields are
		return ""
	}
	if kept, ok := n.byText[s]; ok {
		return kept
	}
	return n.keepCopy(strings.Clone(s))
}

func (n *textInterner) internBytes(b []byte) string {
	if kept, ok := n.byText[string(b)]; ok {
		return kept
	}
	return n.keepCopy(string(b))
}

func (n *textInterner) keepCopy(s string) string {
	if len(s) > maxInternedSize {
		return s
	}
	if n.byText == nil || len(n.byText) >= maxInternedTexts {
		n.byText = make(map[string]string, 64)
	}
	n.byText[s] = s
	return s
}

func (n *textInterner) copyInterned(dst, src *connectionFacts) {
	*dst = *src
	for _, field := range dst.textFields() {
		*field = n.intern(*field)
	}
}

func (f *connectionFacts) textFields() [11]*string {
	return [...]*string{
		&f.Host, &f.User, &f.Database, &f.Application, &f.Identity, &f.Method, &f.HBA, &f.Protocol, &f.Cipher, &f.Bits, &f.Principal,
	}
}
