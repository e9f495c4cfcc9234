package testengine

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const (
	memoryDir     = "/dev/shm"
	memoryNeeded  = 2 << 30 // free, of which the servers of all packages that run at a time take a few hundred megabytes
	dataDirPrefix = "sessionlog-test-"
)

// DataDir is a folder for the data of a server, removed after the test: in memory where there is room, because servers make and sync
// many small files, and a test waits for each. Benchmarks measure the disk as well and have theirs on it.
func DataDir(tb testing.TB) string {
	tb.Helper()
	if _, bench := tb.(*testing.B); bench || !roomInMemory() {
		return tb.TempDir()
	}
	removeDataOfTheDead()
	dir, err := os.MkdirTemp(memoryDir, fmt.Sprintf("%s%d-", dataDirPrefix, os.Getpid()))
	if err != nil {
		return tb.TempDir()
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // root's PostgreSQL runs as somebody else
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Errorf("end of the data: %v", err)
		}
	})
	return dir
}

func roomInMemory() bool {
	var stat syscall.Statfs_t
	return syscall.Statfs(memoryDir, &stat) == nil && uint64(stat.Bavail)*uint64(stat.Bsize) >= memoryNeeded //nolint:unconvert,gosec // the types differ between systems
}

// removeDataOfTheDead removes what test processes left that were killed: nobody else gives this memory back.
func removeDataOfTheDead() {
	left, _ := filepath.Glob(filepath.Join(memoryDir, dataDirPrefix+"*"))
	for _, dir := range left {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), dataDirPrefix), "-")
		if pid, err := strconv.Atoi(owner); err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			_ = os.RemoveAll(dir)
		}
	}
}
