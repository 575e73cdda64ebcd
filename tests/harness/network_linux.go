package harness

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/caddycast/caddycast/internal/programs"
	"github.com/caddycast/caddycast/tests/harness/binary"
)

// inside is set in a process that runs in a network of its own.
const inside = "CADDYCAST_TEST_NETWORK"

// InNetwork runs the test again in a process with its own network and mounts, and reports
// whether this is that process: the test goes on if so, and returns otherwise.
func InNetwork(t *testing.T) bool {
	t.Helper()
	Program(t, "ip")
	Program(t, "nsenter")
	if os.Getenv(inside) != "" {
		RunCommand(t, "ip", "link", "set", "lo", "up")
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "15m")
	cmd.Env = append(os.Environ(), inside+"=1", binary.Given+"="+binary.Dir(t))
	cmd.SysProcAttr = namespaces()
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
	out, err := cmd.CombinedOutput()
	switch {
	case cmd.ProcessState == nil:
		programs.Missing(t, fmt.Sprintf("this machine lets nobody make a network namespace: %v", err))
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "    ") { // what it logged
			t.Log(strings.TrimSpace(line))
		}
	}
	return false
}

// namespaces gives a process its own network and mounts, and makes it root there.
func namespaces() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// RunCommand runs a command to its end.
func RunCommand(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(Program(t, name), args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}
