package push

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

// testOrigin is a call of a test.
var testOrigin = Origin{Instance: "door", Observed: 42}

// recordingSink is a sink that remembers.
type recordingSink struct {
	slot   session.Event
	events []session.Event
	kept   []int
	bad    map[int]string
	other  []int
}

func (s *recordingSink) Slot(int) (*session.Event, error) { return &s.slot, nil }
func (s *recordingSink) Other(index int)                  { s.other = append(s.other, index) }

func (s *recordingSink) Keep(index int) {
	s.events = append(s.events, session.Event{})
	s.slot.CopyTo(&s.events[len(s.events)-1])
	s.slot.Reset()
	s.kept = append(s.kept, index)
}

func (s *recordingSink) Bad(index int, reason error) {
	if s.bad == nil {
		s.bad = map[int]string{}
	}
	s.bad[index] = reason.Error()
}

// readBody reads a body with a new reader.
func readBody(t testing.TB, dialect string, framing Framing, body string, o Origin) *recordingSink {
	t.Helper()
	sink := &recordingSink{}
	require.NoError(t, new(Reader).Read(FindDialect(dialect), framing, []byte(body), o, sink))
	return sink
}

// nativeEvent is one good event of ours with the given members more.
func nativeEvent(more string) string {
	return fmt.Sprintf(`{"event_name":"sessionlog.login","timestamp":"2025-11-22T00:06:41Z","user.name":"alice"%s}`, more)
}
