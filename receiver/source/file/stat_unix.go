//go:build unix

package file

import (
	"io/fs"
	"syscall"
)

// fileID is what a file is on its machine, whatever its name.
type fileID struct{ device, inode uint64 }

func infoOf(info fs.FileInfo) diskInfo {
	i := diskInfo{size: info.Size(), modified: info.ModTime(), mode: info.Mode().Type()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		i.id = fileID{uint64(st.Dev), uint64(st.Ino)} //nolint:gosec,unconvert // the types differ by system
	}
	return i
}
