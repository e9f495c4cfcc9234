package sqlite

import (
	"iter"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
)

// preparedEvent is an event of a request with what does not need the database.
type preparedEvent struct {
	index int
	event session.Event
	hash  [16]byte
}

const (
	aheadEvents = 128 // of one block
	aheadBlocks = 4
)

// eventReader walks the events of one request after the other, each in a goroutine of its own, which decodes and hashes them while the writer
// inserts those before.
type eventReader struct {
	blocks [aheadBlocks][]preparedEvent // kept from request to request
}

// readAhead yields events that are valid until the next one.
func (r *eventReader) readAhead(events iter.Seq2[int, *session.Event], hash backend.ContentHash) iter.Seq[*preparedEvent] {
	return func(yield func(*preparedEvent) bool) {
		filled, empty := make(chan []preparedEvent, aheadBlocks), make(chan []preparedEvent, aheadBlocks)
		for i := range r.blocks {
			if r.blocks[i] == nil {
				r.blocks[i] = make([]preparedEvent, aheadEvents)
			}
			empty <- r.blocks[i]
		}
		stop := make(chan struct{})
		go func() {
			defer close(filled)
			r.fillBlocks(events, hash, filled, empty, stop)
		}()
		defer func() {
			close(stop)
			for range filled { // until the goroutine has left the caller's events alone
			}
			r.clearBlocks()
		}()
		for block := range filled {
			for i := range block {
				if !yield(&block[i]) {
					return
				}
			}
			empty <- block
		}
	}
}

func (r *eventReader) fillBlocks(events iter.Seq2[int, *session.Event], hash backend.ContentHash, filled chan<- []preparedEvent, empty <-chan []preparedEvent, stop <-chan struct{}) {
	var block []preparedEvent
	n := 0
	for i, e := range events {
		if n == 0 {
			select {
			case block = <-empty:
				block = block[:aheadEvents]
			case <-stop:
				return
			}
		}
		p := &block[n]
		p.index = i
		e.CopyTo(&p.event)
		p.hash = hash(i, e)
		if n++; n == aheadEvents {
			filled <- block // it has room for all blocks
			n = 0
		}
	}
	if n > 0 {
		filled <- block[:n]
	}
}

func (r *eventReader) clearBlocks() {
	for _, block := range r.blocks {
		for i := range block {
			block[i].event.Reset()
		}
	}
}
