package harness

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"

	"github.com/caddycast/caddycast/tests/harness/binary"
)

// WrappedCaddyfile is Caddyfile with the listener wrapper before all sites, so that an upgrade or a reload
// loses no connection.
func (s *Server) WrappedCaddyfile(station string, site ...string) string {
	return strings.Replace(s.Caddyfile(station, site...), "servers 127.0.0.1:"+Port(s.Wired), "servers", 1)
}

// UpgradeTo replaces the program of a server that runs in a process of its own, and returns the number of
// its new process, which ends with the test.
func (s *Server) UpgradeTo(program string, flags ...string) int {
	s.T.Helper()
	args := append([]string{"icecast", "upgrade", "--address", s.AdminAddress, "--binary", program}, flags...)
	out, err := exec.Command(binary.Caddy(s.T), args...).CombinedOutput()
	var pid int
	if _, scanned := fmt.Sscanf(string(out), "process %d has taken over", &pid); err != nil || scanned != nil {
		s.T.Fatalf("upgrade: %v\n%s", err, out)
	}
	s.T.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	return pid
}
