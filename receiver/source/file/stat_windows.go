package file

import (
	"io/fs"
	"os"
	"syscall"
)

// fileID is what a file is on its volume, whatever its name. os.SameFile compares the same numbers.
type fileID struct{ volume, indexHigh, indexLow uint32 }

// openFile lets others rename and delete the file meanwhile, which os.Open does not: a log that is read could not be rotated.
func openFile(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ, syscall.FILE_SHARE_READ|syscall.FILE_SHARE_WRITE|syscall.FILE_SHARE_DELETE,
		nil, syscall.OPEN_EXISTING, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(handle), path), nil
}

func diskInfoOf(path string, info fs.FileInfo) diskInfo {
	f, err := openFile(path)
	if err != nil {
		return diskInfo{size: info.Size(), modified: info.ModTime()} // whoever reads it reports that it cannot be opened
	}
	defer func() { _ = f.Close() }()
	return infoOfOpen(f, info)
}

func infoOfOpen(f *os.File, info fs.FileInfo) diskInfo {
	i := diskInfo{size: info.Size(), modified: info.ModTime()}
	var known syscall.ByHandleFileInformation
	if syscall.GetFileInformationByHandle(syscall.Handle(f.Fd()), &known) == nil {
		i.id = fileID{known.VolumeSerialNumber, known.FileIndexHigh, known.FileIndexLow}
	}
	return i
}

func groupOf(fs.FileInfo) string { return "" }
