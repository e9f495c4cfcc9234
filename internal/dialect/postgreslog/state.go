package postgreslog

import (
	"encoding/json"
	"fmt"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
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
