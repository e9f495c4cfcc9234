package httpsource

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/push"
)

// largeCall is the size of a body from which on it is worth knowing how far its delivery has come: it has more than one batch.
const largeCall = 64 << 10

const (
	rememberedCalls = 1024
	rememberedFor   = 10 * time.Minute
)

// callID is a hash of everything that the ids of a call's events are made of.
type callID [sha256.Size]byte

// deliveredUpTo says how many of a call's items the pipeline has.
type deliveredUpTo struct {
	items int
	at    time.Time
}

// progressMemory knows how far large calls have come, so that one that comes again, since its time was over or its answer was lost, goes
// on where it was. It holds no event: what it says is forgotten with the process, and then all is told again under the same ids.
type progressMemory struct {
	calls *lru.Cache[callID, deliveredUpTo]
	now   func() time.Time
}

func newProgressMemory(now func() time.Time) progressMemory {
	calls, _ := lru.New[callID, deliveredUpTo](rememberedCalls) // fails for a size that is not positive
	return progressMemory{calls: calls, now: now}
}

func (m progressMemory) find(id callID) (items int) {
	known, found := m.calls.Get(id)
	if age := m.now().Sub(known.at); !found || age < 0 || age > rememberedFor {
		return 0
	}
	return known.items
}

// reached is told after the pipeline has the items.
func (m progressMemory) reached(id callID, items int) {
	if known := m.find(id); known > items { // the same call twice at once
		items = known
	}
	m.calls.Add(id, deliveredUpTo{items, m.now()})
}

func newCallID(dialect *push.Dialect, framing push.Framing, body []byte, o push.Origin) (id callID) {
	h := sha256.New()
	for _, part := range [...]string{dialect.Name, o.Instance, o.Sender, o.Key, o.Envelope.ID, o.Envelope.Type} {
		_ = binary.Write(h, binary.BigEndian, int64(len(part)))
		_, _ = h.Write([]byte(part))
	}
	_ = binary.Write(h, binary.BigEndian, [...]int64{int64(framing), o.Envelope.Time})
	_, _ = h.Write(body)
	h.Sum(id[:0])
	return id
}
