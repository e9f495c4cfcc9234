package session_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// Sources hand out strings that are parts of large blocks of text: one that stayed behind in an event that is used again
// would keep its whole block.
func TestAnEventThatIsUsedAgainHoldsOnToNothing(t *testing.T) {
	for name, empty := range map[string]func(e *session.Event){
		"Reset":  func(e *session.Event) { e.Reset() },
		"CopyTo": func(e *session.Event) { sessiontest.Minimal().CopyTo(e) },
	} {
		e := sessiontest.Full()
		empty(e)
		require.Empty(t, e.Roles)
		require.Equal(t, make([]string, cap(e.Roles)), e.Roles[:cap(e.Roles)], name)
		require.Equal(t, make([]string, cap(e.Profiles)), e.Profiles[:cap(e.Profiles)], name)
		require.Equal(t, make([]string, cap(e.CertificateSubjects)), e.CertificateSubjects[:cap(e.CertificateSubjects)], name)
		require.Equal(t, make([]session.Setting, cap(e.Settings)), e.Settings[:cap(e.Settings)], name)
		require.Equal(t, make([]session.Attr, cap(e.Extra)), e.Extra[:cap(e.Extra)], name)
	}
}
