package sessionlog

import (
	"crypto/rand"
	"sync/atomic"

	"github.com/otel-sessionlog/sessionlog/session"
)

// ids makes record ids and session keys in the namespace of one sender.
type ids struct {
	namespace string
	process   [16]byte
	told      *atomic.Int64
}

func newIDs(namespace string) ids {
	g := ids{namespace: namespace, told: &atomic.Int64{}}
	_, _ = rand.Read(g.process[:]) // it never fails: Go ends the program instead
	return g
}

// record makes the id of a new event. It is made once, where the event is born, and travels with it through every retry. Two
// events never share one: not within a logger (they are counted), not between loggers (each has a random number), whatever
// the clock does; the time is hashed too, for the sake of a virtual machine that is restored twice from one snapshot.
func (g *ids) record(unixNano int64) session.ID {
	var h session.Hasher
	return h.Start("application", g.namespace, "").Bytes(g.process[:]).Int(g.told.Add(1)).Int(unixNano).RecordID(unixNano)
}

// session makes the key of a session by its id alone, so that a logout through another process finds its login. It is the key
// that package plogs computes for a record without one whose resource is named as the namespace is.
func (g *ids) session(id string) session.ID {
	var h session.Hasher
	return h.Start("session", g.namespace, "").Str(id).Key()
}
