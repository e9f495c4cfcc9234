package postgreslog

import (
	"encoding/json"
	"fmt"
)

// state is what a text's cursor must hold beside the place of the text's own first undecided line: the connections that
// began in other texts, and the memory.
type state struct {
	Open      []*conn      `json:"open,omitempty"`
	Doubted   []remembered `json:"doubted,omitempty"`
	Elsewhere []remembered `json:"elsewhere,omitempty"`
}

// State is nil when there is nothing to know.
func (a *Assembler) State(text *Text) []byte {
	s := state{Doubted: a.doubted.all(), Elsewhere: a.elsewhere.all()}
	for _, q := range [...]*queue{&a.opening, &a.waiting} {
		for c := q.first; c != nil; c = c.next {
			if c.text != text {
				s.Open = append(s.Open, c)
			}
		}
	}
	if len(s.Open)+len(s.Doubted)+len(s.Elsewhere) == 0 {
		return nil
	}
	out, _ := json.Marshal(s) // strings and numbers always can
	return out
}

// Restore adds what a state knows to what is known already, from other texts that were read before.
func (a *Assembler) Restore(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("state of the parser: %w", err)
	}
	a.recall(&a.doubted, s.Doubted)
	a.recall(&a.elsewhere, s.Elsewhere)
	for _, c := range s.Open {
		if a.open[c.ID] != nil || a.decided(c.ID) {
			continue
		}
		a.open[c.ID] = c
		switch c.Stage {
		case stageAuthorized:
			a.waiting.push(c)
		case stageRefused:
			a.opening.push(c)
			a.refused = c
		default:
			a.opening.push(c)
		}
	}
	return nil
}

// recall takes decided connections out of those that a text just read seems to have left open.
func (a *Assembler) recall(m *memory, list []remembered) {
	for _, r := range list {
		if !m.has(r.ID) {
			m.add(r)
		}
		if c := a.open[r.ID]; c != nil {
			a.drop(c)
		}
	}
}
