//go:build unix

package file

import (
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// fileID is what a file is on its machine, whatever its name.
type fileID struct{ device, inode uint64 }

func openFile(path string) (*os.File, error) { return os.Open(path) }

func diskInfoOf(_ string, info fs.FileInfo) diskInfo { return infoOfOpen(nil, info) }

func infoOfOpen(_ *os.File, info fs.FileInfo) diskInfo {
	i := diskInfo{size: info.Size(), modified: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		i.id = fileID{uint64(st.Dev), uint64(st.Ino)} //nolint:gosec,unconvert // the types differ by system
	}
	return i
}

func groupOf(info fs.FileInfo) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Gid == 0 { // nobody shall be given root's
		return ""
	}
	g, err := user.LookupGroupId(strconv.FormatUint(uint64(st.Gid), 10))
	if err != nil {
		return ""
	}
	return g.Name
}
