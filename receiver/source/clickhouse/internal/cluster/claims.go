package cluster

import (
	"context"
	"sync"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
)

// Claims make sure that a server is read once, whatever endpoints lead to it.
type Claims struct {
	store source.Store

	mu   sync.Mutex
	held map[string]*Claim // by state id
}

// Claim is the right to read a server.
type Claim struct {
	// StateID is part of the keys under which the state of reading the server is stored.
	StateID  string
	hostname string
	claims   *Claims
	released chan struct{}
}

// NewClaims makes an empty set.
func NewClaims(store source.Store) *Claims { return &Claims{store: store, held: map[string]*Claim{}} }

// Take claims a server; where it is being read, taken is closed when that has ended. Of servers that share a UUID, all but the first
// have their host's name in their state ids for ever: which of them answers first differs from start to start.
func (c *Claims) Take(ctx context.Context, id rows.Identity) (claim *Claim, taken <-chan struct{}, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stateID, cloneID := id.UUID, id.UUID+"@"+id.Hostname
	known, err := c.store.Get(ctx, "clone/"+cloneID)
	if err != nil {
		return nil, nil, err
	}
	if held := c.held[stateID]; known != nil || held != nil && held.hostname != id.Hostname {
		stateID = cloneID
		if known == nil {
			if err := c.store.Set(ctx, "clone/"+cloneID, []byte{1}); err != nil {
				return nil, nil, err
			}
		}
	}
	if held := c.held[stateID]; held != nil {
		return nil, held.released, nil
	}
	claim = &Claim{StateID: stateID, hostname: id.Hostname, claims: c, released: make(chan struct{})}
	c.held[stateID] = claim
	return claim, nil, nil
}

// Release is called once, when the server is not read any more.
func (c *Claim) Release() {
	c.claims.mu.Lock()
	defer c.claims.mu.Unlock()
	delete(c.claims.held, c.StateID)
	close(c.released)
}
