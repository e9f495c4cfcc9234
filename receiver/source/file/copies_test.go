package file_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
)

// A log grows behind its copy and is truncated then, so that the copy is shorter than what was told: there is nothing to tell of it.
func TestACopyThatWasOutgrownBeforeTheTruncationIsNotToldAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.log")
	text := strings.Repeat(sshdLine(0, 1, "Server listening on 0.0.0.0 port 22."), 80) + sshdLine(1, 1, "Accepted password for a from 10.6.6.6 port 5 ssh2")
	write(t, path, text)
	j := start(t, config(path+"*"), &sourcetest.Store{})
	j.awaitUsers(t, "a")
	write(t, path+".1", text)
	want := []string{"a"}
	for n := range 8 {
		line, user := sshdLine(2+n, 2+n, fmt.Sprintf("Accepted password for look%d from 10.6.6.6 port 5 ssh2", n)), fmt.Sprint("look", n)
		if want = append(want, user); n == 4 {
			write(t, path, line)
		} else {
			appendTo(t, path, line)
		}
		await(t, user+" was not told", func() bool { return len(j.Delivered()) >= len(want) })
	}
	j.stop(t)
	require.Equal(t, want, j.users())
}
