package httpsource

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/push"
)

// largeCall is the size from which on the progress of a body is kept: it may have more than one batch.
const largeCall = 64 << 10

const (
	rememberedCalls = 1024
	rememberedFor   = 10 * time.Minute
)

// callID is a hash of everything that the ids of a call's events are made of.
type callID [sha256.Size]byte

type deliveryProgress struct {
	items      int
	recordedAt time.Time
}

// progressMemory keeps how many items of large calls were delivered, so that a call that is repeated after a timeout or a lost answer
// continues there. After a restart everything is delivered again, under the same ids.
type progressMemory struct {
	calls *lru.Cache[callID, deliveryProgress]
	now   func() time.Time
}

func newProgressMemory(now func() time.Time) progressMemory {
	calls, _ := lru.New[callID, deliveryProgress](rememberedCalls) // fails for a size that is not positive
	return progressMemory{calls: calls, now: now}
}

func (m progressMemory) deliveredItems(id callID) (items int) {
	known, found := m.calls.Get(id)
	if age := m.now().Sub(known.recordedAt); !found || age < 0 || age > rememberedFor {
		return 0
	}
	return known.items
}

func (m progressMemory) recordDelivered(id callID, items int) {
	if known := m.deliveredItems(id); known > items { // the same call twice at once
		items = known
	}
	m.calls.Add(id, deliveryProgress{items, m.now()})
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
