//go:build unix

package hooks

import (
	"os"
	"os/exec"
	"syscall"
)

// ownGroup gives a program, and what it starts, a process group.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// terminate sends TERM to all of a group.
func terminate(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGTERM) }

// kill sends KILL to all of a group.
func kill(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }

// isAlive reports whether a process of a group has not ended.
func isAlive(p *os.Process) bool { return syscall.Kill(-p.Pid, 0) == nil && !onlyZombies(p.Pid) }
