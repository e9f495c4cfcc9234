//go:build !linux

package sqlite

// freeBytes is asked of Linux alone.
func freeBytes(string) (free uint64, known bool) { return 0, false }
