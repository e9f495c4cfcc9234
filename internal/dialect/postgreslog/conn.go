package postgreslog

import (
	"container/list"
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

// undecidedConn is a connection without verdict. Its exported fields are the saved state.
type undecidedConn struct {
	ID          BackendID
	Stage       connStage
	FirstTime   int64 // time of its first line
	VerdictTime int64 // time of the line that the verdict will bear
	SQLState    string
	Reason      string
	Detail      string
	ConnectionFacts

	due            int64      // when it is decided without more
	text           *TextState // of its first line; nil if a parser before a restart read that
	offset         int64
	inSeveralTexts bool       // it has lines in other texts too
	refusedIn      *TextState // where it was refused
	queue          *list.List // of connections, in the order of their due times
	inQueue        *list.Element
}

func (c *undecidedConn) factsOrNone() ConnectionFacts {
	if c == nil {
		return ConnectionFacts{}
	}
	return c.ConnectionFacts
}

// findConnection also notes that a connection has lines in several texts.
func (a *Assembler) findConnection(l *Line) *undecidedConn {
	c := a.open[l.ID]
	if c != nil && c.text != a.currentText {
		c.inSeveralTexts = true
	}
	return c
}

func (a *Assembler) addConnection(l *Line, at int64) *undecidedConn {
	c := &undecidedConn{ID: l.ID, FirstTime: l.Time, VerdictTime: l.Time, text: a.currentText, offset: at}
	if a.isRemembered(l.ID) { // another one, whose pid this is now
		a.unproven.byID.Remove(l.ID)
		a.decided.byID.Remove(l.ID)
	}
	a.open[l.ID] = c
	a.currentText.undecided = append(a.currentText.undecided, firstLine{c, at})
	a.enqueueByStage(c)
	return c
}

func (a *Assembler) enqueueByStage(c *undecidedConn) {
	c.leaveQueue()
	switch c.Stage {
	case stageAuthorized:
		c.due, c.queue = addDuration(c.VerdictTime, time.Duration(a.decideAfter)), &a.authorizedQueue
	case stageRefused:
		c.due, c.queue = addDuration(c.VerdictTime, detailTimeout), &a.refusedQueue
	default:
		c.due, c.queue = addDuration(c.FirstTime, authenticationTimeout), &a.unauthorized
	}
	c.inQueue = c.queue.PushBack(c)
}

func (c *undecidedConn) leaveQueue() {
	if c.queue != nil {
		c.queue.Remove(c.inQueue)
	}
}

func (a *Assembler) removeConnection(c *undecidedConn) {
	c.leaveQueue()
	delete(a.open, c.ID)
}

// firstDueConnection returns the connection that has been due for longest, nil where none is.
func (a *Assembler) firstDueConnection(queue *list.List, now int64) *undecidedConn {
	if first := queue.Front(); first != nil {
		if c := first.Value.(*undecidedConn); now >= c.due || queue != &a.refusedQueue && len(a.open) > maxOpen {
			return c
		}
	}
	return nil
}

// textInterner keeps one copy of each repeated text: an undecided connection must not keep the large text that it came in. It is emptied
// when it has grown large, so that many names of an attacker cost time, not memory. Package unique took 31 % of a whole pipeline here.
type textInterner struct{ byText map[string]string }

const (
	maxInternedTexts = 4096
	maxInternedSize  = 512
)

func (n *textInterner) internText(s string) string {
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

func (n *textInterner) internFacts(f *ConnectionFacts) ConnectionFacts {
	kept := *f
	for _, field := range [...]*string{
		&kept.Host, &kept.User, &kept.Database, &kept.Application, &kept.Identity, &kept.Method, &kept.HBA, &kept.Protocol, &kept.Cipher, &kept.Bits, &kept.Principal,
	} {
		*field = n.internText(*field)
	}
	return kept
}
