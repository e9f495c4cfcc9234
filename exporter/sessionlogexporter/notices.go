package sessionlogexporter

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

// noticeEvery is how often one kind of notice is logged: a source that sends nothing but bad records must not fill the log.
const noticeEvery = time.Minute

// notices log what befell records, with how many since the last line. They hold no value of a record.
type notices struct {
	log *zap.Logger
	now func() time.Time

	mu    sync.Mutex
	kinds map[string]*notice
}

type notice struct {
	last   time.Time
	count  int
	reason string
}

// tell logs now when the kind was quiet for a while, else counts.
func (n *notices) tell(what string, count int, reason string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	k := n.kinds[what]
	if k == nil {
		k = &notice{}
		n.kinds[what] = k
	}
	k.count, k.reason = k.count+count, reason
	if now := n.now(); now.Sub(k.last) >= noticeEvery {
		k.last = now
		n.write(what, k)
	}
}

// flush logs what was only counted.
func (n *notices) flush() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for what, k := range n.kinds {
		if k.count > 0 {
			n.write(what, k)
		}
	}
}

func (n *notices) write(what string, k *notice) {
	n.log.Warn(what, zap.Int("records", k.count), zap.String("reason", k.reason))
	k.count = 0
}
