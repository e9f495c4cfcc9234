//go:build unix

package connectcheck

import "syscall"

// IsWritable asks without touching; 2 is W_OK.
func IsWritable(path string) bool { return syscall.Access(path, 2) == nil }
