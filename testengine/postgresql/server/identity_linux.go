package server

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// PostgreSQL refuses to run as root. Where the tests do, as in most containers, the server gets the user and group "nobody".
const nobodyID = 65534

// passThrough is the permission that nobody needs on each folder of a path: to pass through.
const passThrough = 0o001

// command is one of the engine's programs, as the server's user. Ctrl-C in a terminal reaches the whole foreground group: the child's end
// is ours to decide. When this process dies, however it does, the kernel sends the child what ends a postmaster and all its children at
// once, shared memory removed.
func command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobodyID, Gid: nobodyID}
	}
	cmd.Dir = "/" // one that the user may enter; a postmaster goes to its data by itself
	// Not the test's: PGDATA, PGPORT, TZ and the locale of whoever runs it would change the server.
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	return cmd
}

// own gives a file or folder to the server's user.
func own(name string) error {
	if os.Getuid() != 0 {
		return nil
	}
	return os.Lchown(name, nobodyID, nobodyID)
}

// closedTo is the first folder on the way to dir that the server's user cannot pass, "" for none.
func closedTo(dir string) (string, error) {
	if os.Getuid() != 0 {
		return "", nil
	}
	for parent := dir; ; parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		if err != nil {
			return "", err
		}
		if info.Mode().Perm()&passThrough == 0 {
			return parent, nil
		}
		if parent == filepath.Dir(parent) {
			return "", nil
		}
	}
}

// letIn lets the server's user pass through to dir: in the temporary folder, where a test's folders are closed to others, by opening them;
// elsewhere that is for the caller to decide.
func letIn(dir string) error {
	for {
		closed, err := closedTo(dir)
		if closed == "" || err != nil {
			return err
		}
		if !strings.HasPrefix(closed, filepath.Clean(os.TempDir())+string(filepath.Separator)) {
			return fmt.Errorf("PostgreSQL runs as nobody when the tests run as root, and cannot enter %s: chmod o+x it, or take another folder", closed)
		}
		info, err := os.Stat(closed)
		if err != nil {
			return err
		}
		if err := os.Chmod(closed, info.Mode().Perm()|passThrough); err != nil {
			return err
		}
	}
}
