package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

// permissionRemedy says what lets a file be read, where that is a matter of permissions.
func permissionRemedy(path string, err error) string {
	if !errors.Is(err, fs.ErrPermission) {
		return ""
	}
	who := connectcheck.ServiceUser()
	for p := path; p != filepath.Dir(p); p = filepath.Dir(p) {
		if info, err := os.Stat(p); err == nil {
			return remedyFor(who, p, info)
		}
	}
	return "let " + who + " read the file"
}

func remedyFor(who, path string, info fs.FileInfo) string {
	who = connectcheck.ShellWord(who)
	needed, rights := fs.FileMode(0o040), "r"
	if info.IsDir() { // of a path whose folder may not be entered it is that folder
		needed, rights = 0o050, "rx"
	}
	if group := groupOf(info); group != "" && info.Mode()&needed == needed {
		return "give " + who + " the group of the log and restart the collector: usermod -aG " + group + " " + who
	}
	grant := "setfacl -m u:" + who + ":" + rights + " " + connectcheck.ShellWord(path)
	if info.IsDir() {
		return "let " + who + " enter the folder: " + grant
	}
	return "let " + who + " read the log, whose group may not: " + grant + ", and the same in logrotate's postrotate"
}
