package sealing

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
)

// logState is what the collector remembers of its log, so that a table that has lost the log's end is noticed. It lies on the collector's disk.
type logState struct {
	Number int      `json:"number"` // of the log, from 1
	Log    string   `json:"log"`
	Head   string   `json:"head"` // of the last seal
	Tip    seal.Tip `json:"tip"`

	Key     string `json:"key,omitempty"`     // public, of whoever signed the head
	Retired string `json:"retired,omitempty"` // the public key before that one, where it has said so
	// Former are the public keys that have signed before, and Pruned is the page before which the log has let go of its seals: the table says neither reliably.
	Former []string `json:"former,omitempty"`
	Pruned uint64   `json:"pruned,omitempty"`
	// Signed are statements of where logs ended that keys before have signed, when they left.
	Signed []string `json:"signed,omitempty"`
}

func statePath(dir string) string { return filepath.Join(dir, "state.json") }

// readState is the zero state where there is none, or where a loss of power has torn it.
func readState(dir string) (s logState, err error) {
	content, err := os.ReadFile(statePath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &s)
	}
	if err == nil {
		_, err = s.Tip.Root()
	}
	if err != nil {
		return logState{}, fmt.Errorf("%s: %w", statePath(dir), err)
	}
	return s, nil
}

// write replaces the file. It is not synced: a state that is behind the table is in order.
func (s *logState) write(dir string) error {
	content, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return replaceFile(statePath(dir), content)
}

func replaceFile(path string, content []byte) error {
	next := path + ".next"
	if err := os.WriteFile(next, content, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}

// appendHead adds a head to the file that others may copy.
func appendHead(dir, head string) error {
	file, err := os.OpenFile(filepath.Join(dir, "heads"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(head + "\n")
	return errors.Join(err, file.Close())
}
