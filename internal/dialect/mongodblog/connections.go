package mongodblog

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// connection is what was read of one that is open.
type connection struct {
	ID      int64    `json:"i"`
	Remote  string   `json:"r"`
	UUID    string   `json:"u,omitempty"`
	Client  client   `json:"c,omitzero"`
	Opened  []opened `json:"o,omitempty"`
	Refused string   `json:"f,omitempty"` // the account that was unknown when the client tried ahead

	order int64 // connections that began later have higher numbers
}

// opened is a login that goes on.
type opened struct {
	User      string `json:"u"`
	Database  string `json:"d"`
	Mechanism string `json:"m"`
	Time      int64  `json:"t"`
	Member    bool   `json:"c,omitempty"`
}

// maxOpened bounds the accounts of one connection; the oldest ends without a logout.
const maxOpened = 16

// session gives the session that a login begins, or the one that goes on.
func (c *connection) session(l *line) (s *opened, again bool) {
	for i := range c.Opened {
		if s := &c.Opened[i]; s.User == l.user && s.Database == l.database {
			return s, true
		}
	}
	if len(c.Opened) == maxOpened {
		c.Opened = slices.Delete(c.Opened, 0, 1)
	}
	c.Opened = append(c.Opened, opened{User: l.user, Database: l.database, Mechanism: l.mechanism, Time: l.time, Member: l.member})
	return &c.Opened[len(c.Opened)-1], false
}

func (c *connection) describe(l *line) {
	c.Client = l.client
}

// connections are those that are open. Their numbers begin anew with the server: the client's address must be the same.
type connections struct {
	open map[int64]*connection
	next int64

	verdicts bool // the log has had a login or a refusal
	begins   bool // the log has had the beginning or end of a connection
}

// maxConnections bounds what is known: the oldest are forgotten first, and then end without a logout.
const maxConnections = 20_000

// find gives the connection of a line, or nil.
func (k *connections) find(l *line) *connection {
	if c := k.open[l.connection]; c != nil && c.Remote == l.remote {
		return c
	}
	return nil
}

// of gives the connection of a line, begun where it is not known.
func (k *connections) of(l *line) *connection {
	if c := k.find(l); c != nil {
		return c
	}
	return k.begin(l)
}

func (k *connections) begin(l *line) *connection {
	c := &connection{ID: l.connection, Remote: l.remote, UUID: l.uuid}
	k.add(c)
	return c
}

func (k *connections) add(c *connection) {
	if k.open == nil {
		k.open = map[int64]*connection{}
	}
	k.next++
	c.order = k.next
	k.open[c.ID] = c
	if len(k.open) > maxConnections {
		for _, old := range k.list()[:maxConnections/10] {
			delete(k.open, old.ID)
		}
	}
}

func (k *connections) end(l *line) {
	if k.find(l) != nil {
		delete(k.open, l.connection)
	}
}

// forgetAll is called where the server has begun anew.
func (k *connections) forgetAll() { clear(k.open) }

// list has the oldest first.
func (k *connections) list() []*connection {
	all := make([]*connection, 0, len(k.open))
	for _, c := range k.open {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *connection) int { return int(a.order - b.order) })
	return all
}

// converted is a copy of which every text was changed.
func (c *connection) converted(change func(string) string) *connection {
	o := *c
	for _, s := range []*string{&o.Remote, &o.UUID, &o.Client.Application, &o.Client.Driver, &o.Client.OS, &o.Client.Platform, &o.Refused} {
		*s = change(*s)
	}
	o.Opened = slices.Clone(c.Opened)
	for i := range o.Opened {
		s := &o.Opened[i]
		s.User, s.Database, s.Mechanism = change(s.User), change(s.Database), change(s.Mechanism)
	}
	return &o
}

// state is that of a cursor.
type state struct {
	Open     []*connection `json:"open,omitempty"`
	Verdicts bool          `json:"verdicts,omitempty"`
	Begins   bool          `json:"begins,omitempty"`
	Last     int64         `json:"last,omitempty"`
	First    int64         `json:"first,omitempty"`
}

func (p *parser) ResumeState() []byte {
	s := state{Verdicts: p.connections.verdicts, Begins: p.connections.begins, Last: p.last, First: p.watch.first}
	for _, c := range p.connections.list() {
		s.Open = append(s.Open, c.converted(logformat.Portable))
	}
	text, _ := json.Marshal(s) // texts and numbers always can
	return text
}

func (p *parser) Restore(offset int64, text []byte, _ bool) error {
	var s state
	if len(text) > 0 {
		if err := json.Unmarshal(text, &s); err != nil {
			return fmt.Errorf("state of the parser: %w", err)
		}
	}
	p.ResumeAt, p.last, p.watch.first = offset, s.Last, s.First
	known := p.connections
	known.verdicts, known.begins = known.verdicts || s.Verdicts, known.begins || s.Begins
	for _, c := range s.Open {
		if c == nil {
			continue
		}
		if c = c.converted(verbatim); known.open[c.ID] == nil {
			known.add(c)
		}
	}
	return nil
}

func verbatim(s string) string { return strings.Clone(logformat.Verbatim(s)) }
