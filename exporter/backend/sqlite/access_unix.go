//go:build unix

package sqlite

import "syscall"

// mayWrite asks without touching; 2 is W_OK.
func mayWrite(path string) bool { return syscall.Access(path, 2) == nil }
