package mongodblog

import (
	"slices"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

type openConnection struct {
	ID      int64
	Remote  string
	UUID    string
	Client  clientMetadata
	Opened  []openSession
	Refused string // the account that was unknown when the client tried ahead
}

type openSession struct {
	User      string
	Database  string
	Mechanism string
	Time      int64
	Member    bool
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

// openConnections is by number. Numbers start again with the server, so the client's address must match too.
type openConnections struct {
	byNumber       *simplelru.LRU[int64, *openConnection]
	hasVerdicts    bool // the log has had a login or a refusal
	hasConnections bool // the log has had the beginning or end of a connection
}

// maxConnections bounds the open connections: the oldest are forgotten first, and end without a logout.
const maxConnections = 20_000

func newOpenConnections() *openConnections {
	byNumber, _ := simplelru.NewLRU[int64, *openConnection](maxConnections, nil) // fails for no size only
	return &openConnections{byNumber: byNumber}
}

func (k *openConnections) findConnection(l *logRecord) *openConnection {
	if c, known := k.byNumber.Peek(l.connection); known && c.Remote == l.remote {
		return c
	}
	return nil
}

func (k *openConnections) findOrAddConnection(l *logRecord) *openConnection {
	if c := k.findConnection(l); c != nil {
		return c
	}
	return k.addFromRecord(l)
}

func (k *openConnections) addFromRecord(l *logRecord) *openConnection {
	c := &openConnection{ID: l.connection, Remote: l.remote, UUID: l.uuid}
	k.byNumber.Add(c.ID, c)
	return c
}

func (k *openConnections) removeConnection(l *logRecord) {
	if k.findConnection(l) != nil {
		k.byNumber.Remove(l.connection)
	}
}

type parserState struct {
	Open     []*openConnection
	Verdicts bool
	Begins   bool
	Last     int64
	First    int64
}

func (p *recordParser) ResumeState() []byte {
	known := p.connections
	return logformat.EncodeState(parserState{known.byNumber.Values(), known.hasVerdicts, known.hasConnections, p.lastTime, p.loggingWatch.firstTime})
}

func (p *recordParser) Restore(offset int64, text []byte, _ bool) error {
	var s parserState
	if err := logformat.DecodeState(text, &s); err != nil {
		return err
	}
	p.ResumeAt, p.lastTime, p.loggingWatch.firstTime = offset, s.Last, s.First
	known := p.connections
	known.hasVerdicts, known.hasConnections = known.hasVerdicts || s.Verdicts, known.hasConnections || s.Begins
	for _, c := range s.Open {
		if !known.byNumber.Contains(c.ID) {
			known.byNumber.Add(c.ID, c)
		}
	}
	return nil
}
