package docs

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// The examples of docs/start/https.md for tls internal are run, and its table of clients that
// trust the root certificate is tried with real programs.
func TestClientsTrustTLSInternal(t *testing.T) {
	t.Setenv("SOURCE_PASSWORD", "hackme")
	t.Setenv("RELAY_PASSWORD", "pullme")
	const page = "docs/start/https.md"
	master := harness.NewServer(t)
	home := t.TempDir()
	harness.RunProcess(t, home, at(master, example(t, page, "tls internal")))
	root := filepath.Join(home, "caddy", "pki", "authorities", "local", "root.crt")
	harness.Eventually(t, "the root certificate is where the page says", func() error {
		_, err := os.Stat(root)
		return err
	})
	harness.Eventually(t, "the station answers", master.Answers)
	encrypted := "localhost:" + harness.Port(master.TLS)
	music := harness.MakeMusic(t, "music.mp3", 10)

	send := func(mount string, options ...string) *exec.Cmd {
		args := append([]string{
			"-v", "error", "-re", "-stream_loop", "-1", "-i", music, "-c", "copy", "-f", "mp3", "-content_type", "audio/mpeg",
			"-method", "PUT", "-auth_type", "basic", "-tls_verify", "1",
		}, options...)
		cmd, _ := harness.Launch(t, "ffmpeg", append(args, "https://source:hackme@"+encrypted+mount)...)
		return cmd
	}
	if send("/untrusted.mp3").Wait() == nil {
		t.Error("ffmpeg sends to a server that it does not trust")
	}
	send("/live.mp3", "-ca_file", root)
	master.WaitForMount("/live.mp3")

	t.Run("ffmpeg", func(t *testing.T) {
		hear := func(options ...string) error {
			args := append([]string{"-v", "error", "-tls_verify", "1"}, options...)
			return exec.Command(harness.Program(t, "ffmpeg"), append(args, "-i", "https://"+encrypted+"/live.mp3", "-t", "1", "-f", "null", "-")...).Run()
		}
		if err := hear("-ca_file", root); err != nil {
			t.Error(err)
		}
		if hear() == nil {
			t.Error("ffmpeg trusts an unknown certificate")
		}
	})
	t.Run("curl", func(t *testing.T) {
		ask := func(options ...string) error {
			args := append([]string{"-sS", "-o", os.DevNull}, options...)
			return exec.Command(harness.Program(t, "curl"), append(args, "https://"+encrypted+"/status-json.xsl")...).Run()
		}
		if err := ask("--cacert", root); err != nil {
			t.Error(err)
		}
		if ask() == nil {
			t.Error("curl trusts an unknown certificate")
		}
	})
	t.Run("slave", func(t *testing.T) {
		slave := harness.NewServer(t)
		config := at(slave, example(t, page, "tls_trust"))
		config = strings.NewReplacer("localhost:"+harness.Port(slave.TLS), encrypted, "/etc/caddycast/root.pem", root).Replace(config)
		_, log := harness.RunProcess(t, t.TempDir(), config)
		harness.Eventually(t, "the slave has the mount", func() error { return slave.CheckMount("/live.mp3") })
		if text, _ := os.ReadFile(log); strings.Contains(string(text), "x509") {
			t.Error("the slave did not trust the master at first")
		}
	})
	t.Run("liquidsoap", func(t *testing.T) {
		script := filepath.Join(t.TempDir(), "radio.liq")
		harness.WriteFile(t, script, `settings.init.allow_root.set(true)
output.icecast(%mp3(bitrate=128), protocol="https", host="localhost", port=`+harness.Port(master.TLS)+`,
  user="source", password="hackme", mount="/liquidsoap.mp3", mksafe(sine(440.)))
`)
		harness.Program(t, "liquidsoap")
		_, out := harness.Launch(t, "env", "SSL_CERT_FILE="+root, "liquidsoap", script)
		if err := harness.AwaitWithin(harness.StartUp, func() error { return master.CheckMount("/liquidsoap.mp3") }); err != nil {
			t.Errorf("%v; liquidsoap says\n%s", err, out)
		}
	})
}

// example returns the example of a page that has a text in it.
func example(t *testing.T, page, has string) string {
	t.Helper()
	for _, m := range codeBlock.FindAllStringSubmatch(read(t, page), -1) {
		if strings.Contains(m[1], has) {
			return m[1]
		}
	}
	t.Fatal(errors.New(page + " has no example with " + has))
	return ""
}

// at puts an example at the addresses of a server, on this machine only.
func at(s *harness.Server, example string) string {
	bind := "127.0.0.1"
	if ln, err := net.Listen("tcp", "[::1]:0"); err == nil { // where liquidsoap looks for localhost first
		_ = ln.Close()
		bind += " ::1"
	}
	example = strings.Replace(example, "{\n", "{\n\tadmin "+s.AdminAddress+"\n\tdefault_bind "+bind+"\n", 1)
	return strings.NewReplacer(":8000", ":"+harness.Port(s.Plain), ":8443", ":"+harness.Port(s.TLS), "radio.lan", "localhost").Replace(example)
}
