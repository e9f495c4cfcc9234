package file

import (
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// statFile is os.Stat without what it allocates.
func statFile(path string) (diskInfo, error) { return statAt(unix.AT_FDCWD, path, path) }

// statIn is statFile of a file in a folder that is open, whose path the system need not follow again: it is called for each file
// once a second.
func statIn(folder *os.File, path string) (diskInfo, error) {
	if folder == nil {
		return statFile(path)
	}
	return statAt(int(folder.Fd()), filepath.Base(path), path)
}

func statAt(folder int, name, path string) (diskInfo, error) {
	var st unix.Stat_t
	err := unix.Fstatat(folder, name, &st, 0)
	for err == unix.EINTR { //nolint:errorlint // as the system call gives it
		err = unix.Fstatat(folder, name, &st, 0)
	}
	if err != nil {
		return diskInfo{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return diskInfo{fileID{st.Dev, st.Ino}, st.Size, time.Unix(st.Mtim.Unix()), modeOf(st.Mode)}, nil
}

// modeOf gives the kind of a file alone.
func modeOf(mode uint32) fs.FileMode {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return 0
	case unix.S_IFDIR:
		return fs.ModeDir
	case unix.S_IFIFO:
		return fs.ModeNamedPipe
	case unix.S_IFSOCK:
		return fs.ModeSocket
	case unix.S_IFCHR:
		return fs.ModeDevice | fs.ModeCharDevice
	case unix.S_IFBLK:
		return fs.ModeDevice
	}
	return fs.ModeIrregular
}
