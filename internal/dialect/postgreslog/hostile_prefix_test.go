package postgreslog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// TestHostileLinesCostLittle: no text that a client can put into a name makes the search for the ends of values long.
func TestHostileLinesCostLittle(t *testing.T) {
	begun := time.Now()
	for _, prefix := range append([]string{""}, cloudPrefixes...) {
		for _, piece := range []string{"1", "a", ":", "::1", "1.1.1.1:", "[local]", "-", "/", "3/1", "f.f", "2026-01-05 10:00:02 UTC-", "2026-01-05 10:00:02.123 UTC [1] ", "LOG:  ", " ", "LOG:  connection authorized: user=", "\n", "x\n", "=", ",", "@", "A", "FATAL:  00000: "} {
			for _, before := range []string{"", "2026-01-05 10:00:02 UTC", "2026-01-05 10:00:02.123 UTC [4711] ", "2026-01-05 10:00:02 UTC:192.0.2.9(1):"} {
				text := before + strings.Repeat(piece, 3000/len(piece)) + "LOG:  connection authorized: user=a database=b\n"
				p := newTextParser(t, "stderr", logformat.Options{LinePrefix: prefix})
				one := time.Now()
				parse(t, p, text)
				require.Less(t, time.Since(one), 5*time.Second, "%q %q %q", prefix, before, piece)
			}
		}
	}
	t.Log(time.Since(begun))
}
