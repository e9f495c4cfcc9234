package file

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
)

// remedy says what lets a file be read, where that is a matter of permissions.
func remedy(path string, err error) string {
	if !errors.Is(err, fs.ErrPermission) {
		return ""
	}
	who := "the collector's user"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	group := "adm"
	for p := path; p != filepath.Dir(p); p = filepath.Dir(p) {
		if info, err := os.Stat(p); err == nil {
			group = groupOf(info, group)
			break
		}
	}
	return "give " + who + " the group of the log and restart the collector: usermod -aG " + group + " " + who
}
