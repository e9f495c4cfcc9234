package main

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestWhoIsLetIn asks a real ClickHouse, whose user default has no password.
func TestWhoIsLetIn(t *testing.T) {
	s := testengine.ClickHouse(t, testengine.LogsOnDemand())
	d := databases{clickhouse: "http://" + s.HTTP, tracer: noop.NewTracerProvider().Tracer("")}
	alice := server.Alice
	require.NoError(t, d.check(t.Context(), alice.Name, alice.Password))
	for name, c := range map[string]struct{ user, password string }{
		"a wrong password":     {alice.Name, "wrong"},
		"nobody":               {"", ""},
		"a space too many":     {alice.Name + " ", alice.Password},
		"a line break":         {"a\nb", "x"},
		"a colon in the name":  {alice.Name + ":x", alice.Password},
		"a password's newline": {alice.Name, alice.Password + "\n"},
	} {
		require.ErrorIs(t, d.check(t.Context(), c.user, c.password), errWrongPassword, name)
	}
}
