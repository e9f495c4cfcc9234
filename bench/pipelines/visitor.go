//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// visit lets somebody click in a database until leave is called.
func visit(binary, database string) (leave func() error, err error) {
	cmd := exec.Command(binary, "-visit", database) //nolint:gosec,noctx // what was built for this
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		return cmd.Wait()
	}, nil
}

// printVisited says what reading beside it costs the writing.
func (r *results) printVisited(to io.Writer, id identity) {
	id.pipeline, id.system = "json-sqlite", ours
	alone := r.median(id, "mean_rows_s")
	id.system = visited
	if beside := r.median(id, "mean_rows_s"); alone > 0 && beside > 0 {
		fmt.Fprintf(to, "json-sqlite writes %.0f rows a second while one visitor clicks once a second, %.0f without: %.2f\n", beside, alone, beside/alone)
	}
}
