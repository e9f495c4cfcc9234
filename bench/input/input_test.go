package input

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryFormatIsRepeatable(t *testing.T) {
	isJSON := map[string]bool{"JSONEachRow": true, "jsonlog": true, "push": true}
	for name, format := range Formats {
		t.Run(name, func(t *testing.T) {
			write := func(seed uint64) ([]byte, Written) {
				path := filepath.Join(t.TempDir(), name)
				written, err := format.Write(path, "../..", 2000, seed)
				require.NoError(t, err)
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				return text, written
			}
			text, written := write(1)
			again, _ := write(1)
			other, _ := write(2)
			require.Equal(t, text, again)
			require.NotEqual(t, text, other)
			require.InDelta(t, 2000, written.Rows, 2)
			require.Equal(t, written.Rows, bytes.Count(text, []byte("\n")))
			require.EqualValues(t, len(text), written.Bytes)
			require.Greater(t, written.Events, 600)
			for line := range bytes.Lines(text) {
				require.Equal(t, isJSON[name], json.Valid(line), "%s", line)
			}
		})
	}
}
