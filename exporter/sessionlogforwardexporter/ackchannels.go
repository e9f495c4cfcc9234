package sessionlogforwardexporter

import (
	"sync"

	"github.com/google/uuid"
)

// ackChannels are the channels of Splunk's acknowledgements, of which each has one call at a time. A Splunk that was restarted begins its
// numbers again: on a shared channel the acknowledgement of one call could be taken for that of another, which is lost. nil has none.
type ackChannels struct {
	mu   sync.Mutex
	idle []string
}

// nextChannel is "" where there are no acknowledgements.
func (a *ackChannels) nextChannel() string {
	if a == nil {
		return ""
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	last := len(a.idle) - 1
	if last < 0 {
		return uuid.NewString()
	}
	channel := a.idle[last]
	a.idle = a.idle[:last]
	return channel
}

func (a *ackChannels) reuseAcknowledgedChannel(channel string) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.idle = append(a.idle, channel)
}
