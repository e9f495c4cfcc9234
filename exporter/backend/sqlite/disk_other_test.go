//go:build !linux

package sqlite

import "testing"

func smallDisk(*testing.T) (dir string, ok bool) { return "", false }

func makeReadOnly(t *testing.T, dir string, _ bool) (undo func()) { return changeModes(t, dir) }
