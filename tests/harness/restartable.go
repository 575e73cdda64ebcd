package harness

import (
	"os/exec"
	"syscall"
)

// Restartable is a server in a process of its own, which may be killed, and started again in the same
// folder.
type Restartable struct {
	*Server
	Home   string // the folder of the process; its log is there
	Config string // Caddyfile of the next start

	process *exec.Cmd
}

// Start starts the process, and returns when its plain site answers. It ends with the test.
func (r *Restartable) Start() {
	r.T.Helper()
	r.process, _ = RunProcess(r.T, r.Home, r.Config)
	Eventually(r.T, "a process of its own answers", r.Answers)
}

// Signal sends a signal to the process.
func (r *Restartable) Signal(s syscall.Signal) {
	r.T.Helper()
	if err := r.process.Process.Signal(s); err != nil {
		r.T.Fatal(err)
	}
}

// Kill ends the process at once, and returns when it has ended.
func (r *Restartable) Kill() {
	r.T.Helper()
	r.Signal(syscall.SIGKILL)
	r.Wait()
}

// Wait waits until the process has ended.
func (r *Restartable) Wait() { _ = r.process.Wait() }
