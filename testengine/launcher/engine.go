//go:build linux && amd64

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/ebitengine/purego"
)

// engine is the loaded library: four functions of its C interface, and where it lies in memory.
type engine struct {
	base    uintptr
	version func() string
	command func(argc int32, argv **byte) uintptr
	failure func(result uintptr) string
}

func load(library string) (*engine, error) {
	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fmt.Errorf("load the engine: %w; run 'make engines'", err)
	}
	e := &engine{}
	if e.base, err = loadAddress(library); err != nil {
		return nil, err
	}
	var keepSignals func(enabled int32)
	purego.RegisterLibFunc(&e.version, handle, "chdb_version")
	purego.RegisterLibFunc(&e.command, handle, "chdb_query_cmdline")
	purego.RegisterLibFunc(&e.failure, handle, "chdb_result_error")
	purego.RegisterLibFunc(&keepSignals, handle, "chdb_set_signal_handlers_enabled")
	keepSignals(0) // the Go runtime's own handlers must stay
	return e, nil
}

// run is `clickhouse local` with these arguments. It returns when the last query ends, on the thread it was called on.
func (e *engine) run(args []string) error {
	runtime.LockOSThread()
	argv := make([]*byte, len(args)+1) // the C side expects a final NULL
	for i, arg := range args {
		argv[i] = &append([]byte(arg), 0)[0]
	}
	result := e.command(int32(len(args)), &argv[0])
	runtime.KeepAlive(argv)
	if result == 0 {
		return errors.New("the engine gave no result")
	}
	if message := e.failure(result); message != "" {
		return errors.New(message)
	}
	return nil
}

// loadAddress finds where the dynamic linker put the library's first byte.
func loadAddress(library string) (uintptr, error) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(maps) {
		// 7f0000000000-7f0000001000 r--p 00000000 fe:01 1234   /path/libchdb.so
		fields := strings.Fields(string(line))
		if len(fields) != 6 || fields[2] != "00000000" || !strings.HasSuffix(fields[5], "/libchdb.so") {
			continue
		}
		start, _, _ := strings.Cut(fields[0], "-")
		address, err := strconv.ParseUint(start, 16, 64)
		return uintptr(address), err
	}
	return 0, fmt.Errorf("%s is not in /proc/self/maps: the file must be named libchdb.so", library)
}
