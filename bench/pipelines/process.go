//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ticksASecond is the unit of /proc/<pid>/stat: USER_HZ, which is 100 on every Linux that Go runs on.
const ticksASecond = 100

// stat is what the kernel tells of a process: its parent, and the processor time of it and of the children that it has waited for.
type stat struct {
	parent int
	ticks  int64
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // the name before it may hold anything
	var s stat
	if s.parent, err = strconv.Atoi(fields[1]); err != nil {
		return stat{}, err
	}
	for _, field := range fields[11:15] { // utime, stime, cutime, cstime
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return stat{}, err
		}
		s.ticks += ticks
	}
	return s, nil
}

// cpuSeconds is the processor time of a process and of all that it has started; 0 for no process.
func cpuSeconds(root int) (float64, error) {
	if root == 0 {
		return 0, nil
	}
	ticks, parents := map[int]int64{}, map[int]int{}
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		pid, _ := strconv.Atoi(filepath.Base(name))
		if s, err := readStat(pid); err == nil { // else it has ended meanwhile
			ticks[pid], parents[pid] = s.ticks, s.parent
		}
	}
	var sum int64
	for pid := range ticks {
		for ancestor := pid; ancestor != 0; ancestor = parents[ancestor] {
			if ancestor == root {
				sum += ticks[pid]
				break
			}
		}
	}
	return float64(sum) / ticksASecond, nil
}

// peakMegabytes is the most memory that a process ever had resident. It is read while the process lives: what wait4 tells may be its parent's.
func peakMegabytes(pid int) (float64, error) { return statusMegabytes(pid, "VmHWM:") }

// statusMegabytes is a size that the kernel tells of a process.
func statusMegabytes(pid int, name string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			kilobytes, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kilobytes * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("process %d has no %s it has ended", pid, name)
}

// machine names processor and cores.
func machine() (cpu string, err error) {
	text, err := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :")), err
		}
	}
	return "unknown", err
}

// load is how many threads ran or wanted to in the last minute, on average.
func load() (string, error) {
	text, err := os.ReadFile("/proc/loadavg")
	return strings.SplitN(string(text), " ", 2)[0], err
}
