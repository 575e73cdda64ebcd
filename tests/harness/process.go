package harness

import (
	"crypto/tls"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

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
	path, log := filepath.Join(home, "Caddyfile"), filepath.Join(home, "log")
	WriteFile(t, path, caddyfile)
	cmd = exec.Command(program, "run", "--config", path)
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home)
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stderr = out
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
	Eventually(t, "it answers", func() error {
		resp, err := http.Get("http://" + s.Plain + "/status-json.xsl")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	})
	Eventually(t, "its certificate is there", func() error {
		conn, err := tls.Dial("tcp", s.TLS, s.TLSConfig())
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	Eventually(t, "it says where it is", func() error {
		if text, _ := os.ReadFile(log); !strings.Contains(string(text), "station ready") {
			return errors.New("it has not yet")
		}
		return nil
	})
	return s, cmd
}
