package shape

import (
	"unicode/utf8"

	"github.com/otel-sessionlog/sessionlog/session"
)

func writeFlat(d *shapedDocument) {
	e := &d.event
	d.text("event_name", e.Kind.EventName())
	d.time("timestamp", e.Time)
	if !hasAttribute(e, session.AttrOutcome) { // else it is a word of the sender's that we do not know
		d.text(session.AttrOutcome, e.Outcome.String())
	}
	if e.Observed != 0 {
		d.time("observed_timestamp", e.Observed)
		d.markPlaced(fieldObserved)
	}
	if len(e.Settings) > 0 && len(e.Settings) <= maxMembers && areMembers(e.Settings) {
		d.object(session.AttrSettings, func() {
			for _, s := range e.Settings {
				d.attribute(s.Name, &session.Attr{Value: s.Value})
			}
		})
		d.markPlaced(fieldSettings)
	}
	d.writeRest()
}

func hasAttribute(e *session.Event, key string) bool {
	for i := range e.Extra {
		if e.Extra[i].Key == key {
			return true
		}
	}
	return false
}

func areMembers(settings []session.Setting) bool {
	for i, s := range settings {
		if !utf8.ValidString(s.Name) || !utf8.ValidString(s.Value) || s.Name == "" {
			return false
		}
		for _, before := range settings[:i] {
			if before.Name == s.Name {
				return false
			}
		}
	}
	return true
}
