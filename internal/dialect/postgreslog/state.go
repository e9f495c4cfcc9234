package postgreslog

import (
	"encoding/json"
	"fmt"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// state is what a text's cursor must hold beside the place of the text's own first undecided line: the connections of which
// that text does not have all lines, and the memory. For the case that the text is gone when somebody goes on from here, also
// those that it has, if they are few.
type state struct {
	Clock   int64        `json:"clock,omitempty"`
	Open    []*conn      `json:"open,omitempty"`
	Own     []*conn      `json:"own,omitempty"`
	Doubted []remembered `json:"doubted,omitempty"`
	Decided []remembered `json:"elsewhere,omitempty"`
	Seen    int64        `json:"seen,omitempty"` // time of the last line about a connection
}

// maxOwn bounds what a cursor costs: it is written with every batch.
const maxOwn = 256

// State is nil when there is nothing to know.
func (a *Assembler) State(text *Text) []byte {
	s := state{Clock: a.clock, Doubted: a.doubted.all(), Decided: a.decided.all(), Seen: a.watch.seen}
	for _, q := range [...]*queue{&a.opening, &a.waiting, &a.refused} {
		for c := q.first; c != nil; c = c.next {
			switch {
			case c.text != text || c.mixed:
				s.Open = append(s.Open, c)
			case len(a.open) <= maxOwn:
				s.Own = append(s.Own, c)
			}
		}
	}
	if len(s.Open)+len(s.Own)+len(s.Doubted)+len(s.Decided) == 0 && s.Seen == 0 {
		return nil
	}
	out, _ := json.Marshal(s) // strings and numbers always can
	return out
}

// Restore adds what a state knows to what is known already, from other texts that were read before. gone says that the state's
// own text is not going to be read.
func (a *Assembler) Restore(text []byte, gone bool) error {
	if len(text) == 0 {
		return nil
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("state of the parser: %w", err)
	}
	a.clock = max(a.clock, s.Clock)
	a.watch.first, a.watch.seen = max(a.watch.first, s.Clock), max(a.watch.seen, s.Seen)
	a.recall(&a.doubted, s.Doubted)
	a.recall(&a.decided, s.Decided)
	if gone {
		s.Open = append(s.Open, s.Own...)
	}
	for _, c := range s.Open {
		a.merge(c)
	}
	return nil
}

// merge takes over what is known of a connection, unless more is known already.
func (a *Assembler) merge(c *conn) {
	if had := a.open[c.ID]; had != nil {
		if had.Stage < c.Stage {
			had.Stage, had.Decisive, had.facts, had.mixed = c.Stage, c.Decisive, c.facts, true
			had.SQLState, had.Reason, had.Detail = c.SQLState, c.Reason, c.Detail
			a.queue(had)
		}
		return
	}
	if a.remembers(c.ID) {
		return
	}
	a.open[c.ID] = c
	a.queue(c)
}

// recall takes decided connections out of those that a text just read seems to have left open.
func (a *Assembler) recall(m *memory, list []remembered) {
	for _, r := range list {
		c := a.open[r.ID]
		if c != nil && c.First > r.At {
			continue // another one, with the same pid
		}
		if c != nil {
			a.drop(c)
		}
		if !m.has(r.ID) {
			m.add(r)
		}
	}
}

// MarshalJSON keeps names that are not UTF-8 as they are: what a client sends as its name before it is let in may be any
// bytes.
func (c *conn) MarshalJSON() ([]byte, error) {
	portable := *c
	for _, text := range portable.texts() {
		*text = logformat.Portable(*text)
	}
	type plain conn // without these methods
	return json.Marshal((*plain)(&portable))
}

// UnmarshalJSON is the reverse of MarshalJSON.
func (c *conn) UnmarshalJSON(text []byte) error {
	type plain conn
	err := json.Unmarshal(text, (*plain)(c))
	for _, text := range c.texts() {
		*text = logformat.Verbatim(*text)
	}
	return err
}

func (c *conn) texts() []*string {
	known := c.facts.texts()
	return append(known[:], &c.SQLState, &c.Reason, &c.Detail)
}
