package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	orphanLimit = 5 * time.Second // PostgreSQL's processes see by themselves that their postmaster is gone, unless they are busy
	orphanPause = 5 * time.Millisecond
)

// childrenOf are the processes that the postmaster has forked: each is its own session, no process group holds them together.
func childrenOf(pid int) []int {
	var children []int
	if list, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", pid)); err == nil {
		for _, text := range strings.Fields(string(list)) {
			if child, err := strconv.Atoi(text); err == nil {
				children = append(children, child)
			}
		}
		return running(children)
	}
	// Not every kernel keeps such a list.
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		if state, parent, ok := readStat(name); ok && parent == pid && state != "Z" {
			if child, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}

// readStat reads state and parent of a process. The name before them is in parentheses and may hold anything.
func readStat(name string) (state string, parent int, ok bool) {
	text, err := os.ReadFile(name)
	if err != nil {
		return "", 0, false
	}
	fields := strings.Fields(string(text)[strings.LastIndexByte(string(text), ')')+1:])
	if len(fields) < 2 {
		return "", 0, false
	}
	parent, err = strconv.Atoi(fields[1])
	return fields[0], parent, err == nil
}

// endOrphans waits for the children of a postmaster that is gone, and kills those that linger: a server started on the data of one
// whose children still run refuses to.
func endOrphans(children []int) error {
	for start, killed := time.Now(), false; ; time.Sleep(orphanPause) {
		alive := running(children)
		switch {
		case len(alive) == 0:
			return nil
		case time.Since(start) > stopLimit:
			return fmt.Errorf("%d processes of the server outlived it", len(alive))
		case time.Since(start) > orphanLimit && !killed:
			killed = true
			_ = signalAll(alive, syscall.SIGKILL)
		}
	}
}

// running leaves out zombies: whoever inherited them may be slow to reap.
func running(pids []int) []int {
	var alive []int
	for _, pid := range pids {
		if state, _, ok := readStat(fmt.Sprintf("/proc/%d/stat", pid)); ok && state != "Z" {
			alive = append(alive, pid)
		}
	}
	return alive
}

func signalAll(pids []int, signal syscall.Signal) error {
	var errs []error
	for _, pid := range pids {
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
