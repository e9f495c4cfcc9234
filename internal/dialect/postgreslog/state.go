package postgreslog

import (
	"container/list"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// assemblerState is saved beside the offset of the text's first undecided line: the connections of which that text does not have all
// lines, and the decided ones. Where there are few, also those that it has, for the case that the text is gone at a restart.
type assemblerState struct {
	Clock   int64
	Open    []*undecidedConn
	Own     []*undecidedConn
	Doubted []*decidedConn
	Decided []*decidedConn
	Seen    int64 // time of the last line about a connection
}

// maxOwnConns bounds the size of a cursor, which is written with every batch.
const maxOwnConns = 256

// SaveState is nil when there is nothing to know.
func (a *Assembler) SaveState(text *TextState) []byte {
	s := assemblerState{Clock: a.lastLineTime, Doubted: a.unproven.byID.Values(), Decided: a.decided.byID.Values(), Seen: a.watch.lastConnectionLine}
	for _, queue := range [...]*list.List{&a.unauthorized, &a.authorizedQueue, &a.refusedQueue} {
		for waiting := queue.Front(); waiting != nil; waiting = waiting.Next() {
			switch c := waiting.Value.(*undecidedConn); {
			case c.text != text || c.inSeveralTexts:
				s.Open = append(s.Open, c)
			case len(a.open) <= maxOwnConns:
				s.Own = append(s.Own, c)
			}
		}
	}
	if len(s.Open)+len(s.Own)+len(s.Doubted)+len(s.Decided) == 0 && s.Seen == 0 {
		return nil
	}
	return logformat.EncodeState(s)
}

// Restore adds what a state knows to what is known already, from other texts that were read before. gone says that the state's
// own text is not going to be read.
func (a *Assembler) Restore(text []byte, gone bool) error {
	var s assemblerState
	if err := logformat.DecodeState(text, &s); err != nil {
		return err
	}
	a.lastLineTime = max(a.lastLineTime, s.Clock)
	a.watch.firstTime, a.watch.lastConnectionLine = max(a.watch.firstTime, s.Clock), max(a.watch.lastConnectionLine, s.Seen)
	a.restoreDecided(&a.unproven, s.Doubted)
	a.restoreDecided(&a.decided, s.Decided)
	if gone {
		s.Open = append(s.Open, s.Own...)
	}
	for _, c := range s.Open {
		a.mergeSavedConnection(c)
	}
	return nil
}

func (a *Assembler) mergeSavedConnection(c *undecidedConn) {
	if had := a.open[c.ID]; had != nil {
		if had.Stage < c.Stage {
			had.Stage, had.VerdictTime, had.ConnectionFacts, had.inSeveralTexts = c.Stage, c.VerdictTime, c.ConnectionFacts, true
			had.SQLState, had.Reason, had.Detail = c.SQLState, c.Reason, c.Detail
			a.enqueueByStage(had)
		}
		return
	}
	if a.isRemembered(c.ID) {
		return
	}
	a.open[c.ID] = c
	a.enqueueByStage(c)
}

// restoreDecided removes decided connections from those that a text just read seems to have left open.
func (a *Assembler) restoreDecided(m *decidedConns, list []*decidedConn) {
	for _, r := range list {
		c := a.open[r.ID]
		if c != nil && c.FirstTime > r.VerdictTime {
			continue // another one, with the same pid
		}
		if c != nil {
			a.removeConnection(c)
		}
		if !m.byID.Contains(r.ID) {
			m.addConnection(*r)
		}
	}
}
