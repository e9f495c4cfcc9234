package sessionlog

import (
	"crypto/rand"
	"sync/atomic"

	"github.com/otel-sessionlog/sessionlog/session"
)

// idGenerator makes record ids and session keys in the namespace of one sender.
type idGenerator struct {
	namespace  string
	process    [16]byte
	eventCount *atomic.Int64
}

func newIDGenerator(namespace string) idGenerator {
	g := idGenerator{namespace: namespace, eventCount: &atomic.Int64{}}
	_, _ = rand.Read(g.process[:]) // it never fails: Go ends the program instead
	return g
}

// newRecordID is called once an event, so that every retry has the same id. Two events never share one: not within a logger (they are
// counted), not between loggers (each has a random number), whatever the clock does; the time is hashed too, for virtual machines
// that are restored twice from one snapshot.
func (g *idGenerator) newRecordID(unixNano int64) session.ID {
	var h session.Hasher
	return h.Start("application", g.namespace, "").Bytes(g.process[:]).Int(g.eventCount.Add(1)).Int(unixNano).RecordID(unixNano)
}

func (g *idGenerator) sessionKey(id string) session.ID {
	// By the id alone, so that a logout through another process finds its login; the same key that package plogs computes.
	var h session.Hasher
	return h.Start("session", g.namespace, "").Str(id).Key()
}
