//go:build unix

package sqlite

import "syscall"

// isWritable asks without touching; 2 is W_OK.
func isWritable(path string) bool { return syscall.Access(path, 2) == nil }
