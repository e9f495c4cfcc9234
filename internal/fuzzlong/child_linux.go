package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel kill the fuzzer when this command is killed, which cannot do it then.
func dieWithParent(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
