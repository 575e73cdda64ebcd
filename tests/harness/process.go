package harness

import (
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness/binary"
)

// RunProcess runs a Caddyfile in a process of its own, whose home is a folder, until the
// test ends. log is the file of its log.
func RunProcess(t testing.TB, home, caddyfile string) (cmd *exec.Cmd, log string) {
	t.Helper()
	return RunProgram(t, binary.Caddy(t), home, caddyfile)
}

// RunProgram is RunProcess with another program than binary.Caddy.
func RunProgram(t testing.TB, program, home, caddyfile string) (cmd *exec.Cmd, log string) {
	t.Helper()
	path := filepath.Join(home, "Caddyfile")
	WriteFile(t, path, caddyfile)
	return RunCommandLine(t, home, exec.Command(program, "run", "--config", path))
}

// RunCommandLine starts a command that runs a Caddy, and ends it with the test. Its home is a
// folder; the other variables of its environment stay. log is the file of its output.
func RunCommandLine(t testing.TB, home string, caddy *exec.Cmd) (cmd *exec.Cmd, log string) {
	t.Helper()
	cmd, log = caddy, filepath.Join(home, "log")
	cmd.Env = append(cmd.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home)
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_, _ = cmd.Process.Wait()
		if text, _ := os.ReadFile(log); t.Failed() {
			t.Logf("the log:\n%s", text)
		}
	})
	return cmd, log
}

// WaitForExit waits until a process of RunProcess has ended by itself, and returns what its Wait does. A
// process that does not end fails the test.
func WaitForExit(t testing.TB, cmd *exec.Cmd) error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(Patience):
		t.Fatalf("process %d does not end", cmd.Process.Pid)
		return nil
	}
}

// RunExample runs Caddyfile.example in a process of its own, on free ports and with an empty
// home, as on a new machine.
func RunExample(t *testing.T) (*Server, *exec.Cmd) {
	t.Helper()
	text, err := os.ReadFile("../../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{T: t, Plain: FreeAddress(t), TLS: FreeAddress(t), AdminAddress: FreeAddress(t), unverified: true}
	replaced := strings.NewReplacer(
		":8000", ":"+Port(s.Plain),
		":8443", ":"+Port(s.TLS),
		"skip_install_trust", "skip_install_trust\n\tadmin "+s.AdminAddress,
	).Replace(string(text))
	cmd, log := RunProcess(t, t.TempDir(), replaced)
	Eventually(t, "the example answers", s.Answers)
	Eventually(t, "the example has its certificate", func() error {
		conn, err := tls.Dial("tcp", s.TLS, s.TLSConfig())
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	Eventually(t, "the log has the addresses", func() error {
		if text, _ := os.ReadFile(log); !strings.Contains(string(text), "station ready") {
			return fmt.Errorf("it has %q", text)
		}
		return nil
	})
	return s, cmd
}
