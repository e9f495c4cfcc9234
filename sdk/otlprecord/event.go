package otlprecord

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

// IsEvent is true for the names of authentication events.
func IsEvent(name string) bool {
	return strings.HasPrefix(name, session.EventPrefix) && session.ParseKind(name) != session.KindUnknown
}
