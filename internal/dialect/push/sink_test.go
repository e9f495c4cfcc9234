package push

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

// origin is a call of a test.
var origin = Origin{Instance: "door", Observed: 42}

// told is a sink that remembers.
type told struct {
	slot   session.Event
	events []session.Event
	kept   []int
	bad    map[int]string
	other  []int
}

func (s *told) Slot(int) (*session.Event, error) { return &s.slot, nil }
func (s *told) Other(index int)                  { s.other = append(s.other, index) }

func (s *told) Keep(index int) {
	s.events = append(s.events, session.Event{})
	s.slot.CopyTo(&s.events[len(s.events)-1])
	s.slot.Reset()
	s.kept = append(s.kept, index)
}

func (s *told) Bad(index int, reason error) {
	if s.bad == nil {
		s.bad = map[int]string{}
	}
	s.bad[index] = reason.Error()
}

// tell reads a body with a new reader.
func tell(t testing.TB, dialect string, framing Framing, body string, o Origin) *told {
	t.Helper()
	sink := &told{}
	require.NoError(t, new(Reader).Read(Find(dialect), framing, []byte(body), o, sink))
	return sink
}

// own is one good event of ours with the given members more.
func own(more string) string {
	return fmt.Sprintf(`{"event_name":"sessionlog.login","timestamp":"2025-11-22T00:06:41Z","user.name":"alice"%s}`, more)
}
