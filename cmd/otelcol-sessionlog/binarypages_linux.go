package main

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// unmapBinary lets the program's own pages (code and constants) go out of its resident memory; what is used again comes back from the page cache.
// The start runs code all over the binary, and the kernel maps 16 pages around each that is touched: most of them are not needed any more. Only
// mappings that nothing was written to are let go of, for those are the file's to the byte.
func unmapBinary() {
	binary, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	mappings, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	var begin, length uintptr
	for lines := bufio.NewScanner(bytes.NewReader(mappings)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) == 6 && fields[5] == binary && !strings.Contains(fields[1], "w"):
			begin, length = parseAddressRange(fields[0])
		case len(fields) >= 5: // another mapping
			length = 0
		case length > 0 && len(fields) == 3 && fields[0] == "Anonymous:" && fields[1] == "0":
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, begin, length, syscall.MADV_DONTNEED) // where it fails, they stay
		}
	}
}

func parseAddressRange(text string) (begin, length uintptr) {
	from, to, _ := strings.Cut(text, "-") // such as 00401000-02ae2000
	first, err := strconv.ParseUint(from, 16, 64)
	if err != nil {
		return 0, 0
	}
	end, err := strconv.ParseUint(to, 16, 64)
	if err != nil || end < first {
		return 0, 0
	}
	return uintptr(first), uintptr(end - first)
}
