package sqlite

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"
)

// TestCheckpointThatWasNotCompleted: a checkpoint writes the first page, and with it the number of pages, before those that follow. A kill or a reader
// that holds an older snapshot leaves the file shorter than its header says, while the log has the rest: that is no damage.
func TestCheckpointThatWasNotCompleted(t *testing.T) {
	cfg := testConfig(t)
	first := startStore(t, cfg)
	_, err := first.Write(t.Context(), typical(0, 1000))
	require.NoError(t, err)

	killed := cfg
	killed.Path = filepath.Join(t.TempDir(), "killed.db")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(cfg.Path + suffix)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(killed.Path+suffix, content, 0o600))
	}
	page := lastLoggedFirstPage(t, killed.Path+"-wal")
	overwrite(t, killed.Path, 0, page)
	info, err := os.Stat(killed.Path)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(binary.BigEndian.Uint32(page[28:]))*int64(len(page)), "it is shorter than its header says")

	second := startStore(t, killed)
	_, err = second.Write(t.Context(), typical(1000, 1010))
	require.NoError(t, err)
	require.NoError(t, os.Chtimes(killed.Path, time.Now(), time.Now().Add(-time.Hour))) // so that the writer looks at it
	_, err = second.Write(t.Context(), typical(1010, 1020))
	require.NoError(t, err)
	require.Len(t, readAll(t, killed), 1020)
	requireSound(t, killed)
}

// lastLoggedFirstPage is the first page as a write-ahead log has it last: https://www.sqlite.org/fileformat2.html#walformat.
func lastLoggedFirstPage(t *testing.T, wal string) (page []byte) {
	t.Helper()
	log, err := os.ReadFile(wal)
	require.NoError(t, err)
	const header, frameHeader = 32, 24
	size := int(binary.BigEndian.Uint32(log[8:]))
	for at := header; at+frameHeader+size <= len(log); at += frameHeader + size {
		if binary.BigEndian.Uint32(log[at:]) == 1 {
			page = log[at+frameHeader : at+frameHeader+size]
		}
	}
	require.NotEmpty(t, page)
	return page
}

// readWhile counts the rows again and again until stop is closed, as somebody who looks at the table does, and gives the first error.
func readWhile(path string, stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		case <-time.After(20 * time.Millisecond):
			if err := readRows(path); err != nil {
				return err
			}
		}
	}
}

func readRows(path string) error {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		return err
	}
	defer conn.Close()
	stmt, err := conn.Prepare("SELECT user_name, source_event, client_address FROM session_events")
	for more := err == nil; more; {
		more, err = stmt.Step()
	}
	return err
}
