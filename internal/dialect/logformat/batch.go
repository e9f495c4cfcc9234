package logformat

import "github.com/otel-sessionlog/sessionlog/session"

// EventBatch collects events and uses their memory again.
type EventBatch struct{ Events []session.Event }

// Add gives the next event, which holds whatever it held before: [session.Event.Reset] keeps its slices.
func (b *EventBatch) Add() *session.Event {
	if n := len(b.Events); n < cap(b.Events) {
		b.Events = b.Events[:n+1]
	} else {
		b.Events = append(b.Events, session.Event{})
	}
	return &b.Events[len(b.Events)-1]
}

// Cut takes back all events from the n-th on.
func (b *EventBatch) Cut(n int) { b.Events = b.Events[:n] }
