package postgreslog_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Lines torn at any byte, one in a hundred, as after a full disk: every good line is told, and every torn one is reported at
// its place, or, where it lost nothing that counts, told. In stderr format nothing shows that a message lost its end.
func TestTornLinesTakeNobodyAlong(t *testing.T) {
	const lines = 30_000
	message := `password authentication failed for user "%s"`
	write := map[string]func(user, id string) string{
		"jsonlog": func(user, id string) string {
			return fmt.Sprintf(`{"timestamp":"2026-11-21 21:47:41.354 UTC","user":"%s","dbname":"app","pid":7056,"remote_host":"127.0.0.1","remote_port":46004,"session_id":"6b02117c.%s",`+
				`"error_severity":"FATAL","state_code":"28P01","message":"password authentication failed for user \"%s\"","query_id":0}`+"\n", user, id, user)
		},
		"csvlog": func(user, id string) string {
			return csvLine("21:47:41.354", user, "6b02117c."+id, "authentication", "FATAL", "28P01", fmt.Sprintf(message, user))
		},
		"stderr": func(user, id string) string {
			return "2026-11-21 21:47:41.354 UTC [" + fmt.Sprint(len(id)*1000) + "] " + user + "@app 127.0.0.1 [unknown] FATAL:  " + fmt.Sprintf(message, user) + "\n"
		},
	}
	for format, line := range write {
		random := rand.New(rand.NewPCG(1, 2))
		var text strings.Builder
		good, readable, torn := 0, 0, map[int]bool{}
		for i := range lines {
			id := fmt.Sprintf("%x", i+1)
			if random.IntN(100) == 0 {
				whole := line("torn", id)
				torn[text.Len()] = true
				cut := 1 + random.IntN(len(whole)-1)
				if at := strings.Index(whole, "FATAL:  "); at >= 0 && cut >= at+len("FATAL:  ") {
					readable++
				}
				text.WriteString(whole[:cut] + "\n")
				continue
			}
			good++
			text.WriteString(line("alice", id))
		}
		events, bad := parse(t, newTextParser(t, format, options()), text.String())
		told := 0
		for i := range events {
			if events[i].User == "alice" {
				told++
			}
		}
		require.Equal(t, good, told, "%s: a good line was lost", format)
		require.GreaterOrEqual(t, len(bad)+len(events)-told, len(torn)-readable, format)
		for _, place := range bad {
			var at int
			_, err := fmt.Sscanf(place, "%d:", &at)
			require.NoError(t, err)
			require.True(t, torn[at], "%s: %s is no torn line", format, place)
		}
	}
}
