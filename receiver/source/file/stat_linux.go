package file

import (
	"io/fs"
	"syscall"
	"time"
)

// statFile is os.Stat without what it allocates: it is called for each file once a second.
func statFile(path string) (diskInfo, error) {
	var st syscall.Stat_t
	err := syscall.Stat(path, &st)
	for err == syscall.EINTR { //nolint:errorlint // as the system call gives it
		err = syscall.Stat(path, &st)
	}
	if err != nil {
		return diskInfo{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return diskInfo{fileID{st.Dev, st.Ino}, st.Size, time.Unix(st.Mtim.Unix()), modeOf(st.Mode)}, nil
}

// modeOf gives the kind of a file alone.
func modeOf(mode uint32) fs.FileMode {
	switch mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		return 0
	case syscall.S_IFDIR:
		return fs.ModeDir
	case syscall.S_IFIFO:
		return fs.ModeNamedPipe
	case syscall.S_IFSOCK:
		return fs.ModeSocket
	case syscall.S_IFCHR:
		return fs.ModeDevice | fs.ModeCharDevice
	case syscall.S_IFBLK:
		return fs.ModeDevice
	}
	return fs.ModeIrregular
}
