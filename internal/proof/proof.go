// Package proof writes what long runs have shown into the files of proofs/.
package proof

import (
	"context"
	"encoding/csv"
	"errors"
	"os"
	"os/exec"
	"strings"
)

// Commit is the one that is checked out, with -dirty where files differ from it other than the results themselves: those of the run before
// say nothing about this one's code. It is asked of the folder that the process runs in; without git it is "unknown".
func Commit(ctx context.Context) string {
	head, err := exec.CommandContext(ctx, "git", "describe", "--always").Output()
	if err != nil {
		return "unknown"
	}
	commit := strings.TrimSpace(string(head))
	changed, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "--", ":/", ":(top,exclude)proofs").Output()
	if err != nil || len(changed) > 0 {
		commit += "-dirty"
	}
	return commit
}

// Append adds lines to a results file, which must be there: its first line names the columns.
func Append(path string, lines ...[]string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(csv.NewWriter(file).WriteAll(lines), file.Close())
}
