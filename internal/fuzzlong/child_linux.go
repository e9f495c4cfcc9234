package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel kill the fuzzer when this command is killed, which cannot do it then. Its workers end with it.
// Ctrl-C is for this command alone, which passes it on: a worker that gets it would be taken for one that crashed.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
