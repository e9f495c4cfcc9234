package sessiontest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

// updateVariable is the environment variable that writes goldens anew.
const updateVariable = "UPDATE_IDS"

// GoldenIDs collects the record ids and session keys of the events that a text gave, and compares them with a file. An id that
// changed would store every event a second time after an upgrade.
type GoldenIDs struct{ text strings.Builder }

// Add takes the events of one input.
func (g *GoldenIDs) Add(input string, events ...session.Event) {
	fmt.Fprintf(&g.text, "# %s\n", input)
	for i := range events {
		e := &events[i]
		fmt.Fprintf(&g.text, "%s %s %s user=%q record=%s session=%s\n", time.Unix(0, e.Time).UTC().Format(time.RFC3339Nano), e.Kind, e.Outcome, e.User,
			e.RecordID, e.SessionKey)
	}
}

// Check compares with the file, or writes it.
func (g *GoldenIDs) Check(t testing.TB, file string) {
	t.Helper()
	if os.Getenv(updateVariable) != "" {
		require.NoError(t, os.WriteFile(file, []byte(g.text.String()), 0o644)) //nolint:gosec // a test's golden
	}
	want, err := os.ReadFile(file) //nolint:gosec // a test's golden
	require.NoError(t, err)
	require.Equal(t, string(want), g.text.String(), "ids have changed: every event that is read again would be stored twice")
}
