package otlprecord

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

// IsEvent tells whether an event name is one of an authentication event.
func IsEvent(name string) bool {
	return strings.HasPrefix(name, session.EventPrefix) && session.ParseKind(name) != session.KindUnknown
}
