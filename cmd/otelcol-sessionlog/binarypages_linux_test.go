package main

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheBinarysPagesAreGivenBack(t *testing.T) {
	before := residentFilePages(t)
	unmapBinary()
	require.Less(t, residentFilePages(t), before/2)
	begin, length := parseAddressRange("00401000-00403000")
	require.Equal(t, [2]uintptr{0x401000, 0x2000}, [2]uintptr{begin, length})
}

// residentFilePages is in kB.
func residentFilePages(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	kilobytes := regexp.MustCompile(`RssFile:\s*(\d+) kB`).FindSubmatch(status)
	require.Len(t, kilobytes, 2)
	n, err := strconv.Atoi(string(kilobytes[1]))
	require.NoError(t, err)
	return n
}
