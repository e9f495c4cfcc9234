package mongodblog

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

type openConnection struct {
	ID      int64          `json:"i"`
	Remote  string         `json:"r"`
	UUID    string         `json:"u,omitempty"`
	Client  clientMetadata `json:"c,omitzero"`
	Opened  []openSession  `json:"o,omitempty"`
	Refused string         `json:"f,omitempty"` // the account that was unknown when the client tried ahead

	order int64 // connections that began later have higher numbers
}

// openSession is a login without its logout.
type openSession struct {
	User      string `json:"u"`
	Database  string `json:"d"`
	Mechanism string `json:"m"`
	Time      int64  `json:"t"`
	Member    bool   `json:"c,omitempty"`
}

// maxSessionsPerConnection bounds the accounts of one connection; the oldest session ends without a logout.
const maxSessionsPerConnection = 16

func (c *openConnection) findOrOpenSession(l *logRecord) (s *openSession, again bool) {
	for i := range c.Opened {
		if s := &c.Opened[i]; s.User == l.user && s.Database == l.database {
			return s, true
		}
	}
	if len(c.Opened) == maxSessionsPerConnection {
		c.Opened = slices.Delete(c.Opened, 0, 1)
	}
	c.Opened = append(c.Opened, openSession{User: l.user, Database: l.database, Mechanism: l.mechanism, Time: l.time, Member: l.clusterMember})
	return &c.Opened[len(c.Opened)-1], false
}

// openConnections is by number. Numbers begin anew with the server, so the client's address must match too.
type openConnections struct {
	byNumber  map[int64]*openConnection
	nextOrder int64

	hasVerdicts    bool // the log has had a login or a refusal
	hasConnections bool // the log has had the beginning or end of a connection
}

// maxConnections bounds the open connections: the oldest are forgotten first, and end without a logout.
const maxConnections = 20_000

func (k *openConnections) findConnection(l *logRecord) *openConnection {
	if c := k.byNumber[l.connection]; c != nil && c.Remote == l.remote {
		return c
	}
	return nil
}

func (k *openConnections) findOrAdd(l *logRecord) *openConnection {
	if c := k.findConnection(l); c != nil {
		return c
	}
	return k.addFromRecord(l)
}

func (k *openConnections) addFromRecord(l *logRecord) *openConnection {
	c := &openConnection{ID: l.connection, Remote: l.remote, UUID: l.uuid}
	k.addConnection(c)
	return c
}

func (k *openConnections) addConnection(c *openConnection) {
	if k.byNumber == nil {
		k.byNumber = map[int64]*openConnection{}
	}
	k.nextOrder++
	c.order = k.nextOrder
	k.byNumber[c.ID] = c
	if len(k.byNumber) > maxConnections {
		for _, old := range k.listOldestFirst()[:maxConnections/10] {
			delete(k.byNumber, old.ID)
		}
	}
}

func (k *openConnections) removeConnection(l *logRecord) {
	if k.findConnection(l) != nil {
		delete(k.byNumber, l.connection)
	}
}

func (k *openConnections) listOldestFirst() []*openConnection {
	all := make([]*openConnection, 0, len(k.byNumber))
	for _, c := range k.byNumber {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *openConnection) int { return int(a.order - b.order) })
	return all
}

func (c *openConnection) convertTexts(change func(string) string) *openConnection {
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

type parserState struct {
	Open     []*openConnection `json:"open,omitempty"`
	Verdicts bool              `json:"verdicts,omitempty"`
	Begins   bool              `json:"begins,omitempty"`
	Last     int64             `json:"last,omitempty"`
	First    int64             `json:"first,omitempty"`
}

func (p *recordParser) ResumeState() []byte {
	s := parserState{Verdicts: p.connections.hasVerdicts, Begins: p.connections.hasConnections, Last: p.lastTime, First: p.loggingWatch.firstTime}
	for _, c := range p.connections.listOldestFirst() {
		s.Open = append(s.Open, c.convertTexts(logformat.Portable))
	}
	text, _ := json.Marshal(s) // texts and numbers always can
	return text
}

func (p *recordParser) Restore(offset int64, text []byte, _ bool) error {
	var s parserState
	if len(text) > 0 {
		if err := json.Unmarshal(text, &s); err != nil {
			return fmt.Errorf("state of the parser: %w", err)
		}
	}
	p.ResumeAt, p.lastTime, p.loggingWatch.firstTime = offset, s.Last, s.First
	known := p.connections
	known.hasVerdicts, known.hasConnections = known.hasVerdicts || s.Verdicts, known.hasConnections || s.Begins
	for _, c := range s.Open {
		if c == nil {
			continue
		}
		if c = c.convertTexts(cloneVerbatim); known.byNumber[c.ID] == nil {
			known.addConnection(c)
		}
	}
	return nil
}

func cloneVerbatim(s string) string { return strings.Clone(logformat.Verbatim(s)) }
