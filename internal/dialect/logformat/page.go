package logformat

import "github.com/otel-sessionlog/sessionlog/session"

// Page collects events and uses their memory again.
type Page struct{ Events []session.Event }

// Add gives the next event, which holds whatever it held before: [session.Event.Reset] keeps its slices.
func (p *Page) Add() *session.Event {
	if n := len(p.Events); n < cap(p.Events) {
		p.Events = p.Events[:n+1]
	} else {
		p.Events = append(p.Events, session.Event{})
	}
	return &p.Events[len(p.Events)-1]
}

// Cut takes back all events from the n-th on.
func (p *Page) Cut(n int) { p.Events = p.Events[:n] }
