package connectcheck

import (
	"errors"
	"os"
	"path/filepath"
)

// NearestFolder is the folder, or the nearest one above it that is there, and whether this user may make files in it.
func NearestFolder(dir string) (nearest string, writable bool) {
	dir, err := filepath.Abs(dir)
	for err == nil {
		var info os.FileInfo
		if info, err = os.Stat(dir); err == nil {
			return dir, info.IsDir() && IsWritable(dir)
		}
		if above := filepath.Dir(dir); errors.Is(err, os.ErrNotExist) && above != dir {
			dir, err = above, nil
		}
	}
	return dir, false
}

// CheckFolder tries a folder that is made at start where it is missing.
func CheckFolder(subject, key, dir string) Finding {
	nearest, writable := NearestFolder(dir)
	if writable {
		return Finding{OK: true, Subject: subject, Detail: dir + " can be written"}
	}
	return Finding{Subject: subject, Detail: "this user may make no file in " + nearest, Key: key, Remedy: MakeFolder(dir) + ", or choose another folder"}
}

// MakeFolder and GiveToService are commands for a shell, in which the operator is another user than the service's.
func MakeFolder(dir string) string {
	return "mkdir -p " + ShellWord(dir) + " && " + GiveToService(dir)
}

// GiveToService makes the service's user the owner.
func GiveToService(path string) string {
	return "chown " + ShellWord(ServiceUser()) + " " + ShellWord(path)
}
