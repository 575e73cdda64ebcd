package migration

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
	"github.com/caddycast/caddycast/tests/harness/binary"
)

// changed is masterXML with one line more.
func changed(location string) string {
	return strings.Replace(masterXML, "<hostname>", "<location>"+location+"</location><hostname>", 1)
}

// A file that is read again takes effect, by a signal and by caddy reload, and nobody is
// dropped. One that is wrong changes nothing.
func TestAnIcecastXMLIsReadAgain(t *testing.T) {
	harness.Program(t, "icecast2") // who says how it is
	s := &harness.Server{T: t, Plain: harness.FreeAddress(t), AdminAddress: harness.FreeAddress(t)}
	dir := harness.PublicDir(t)
	path := harness.WriteIcecastXML(s, changed("first"), dir)
	cmd := runOurs(s, path)
	live := s.NumberedSource("/live.mp3", 1)
	w := s.ListenVerifying("/live.mp3", harness.HTTP1Metadata, false)
	harness.WaitForSource(t, "at home", 1, w)
	isLocated := func(where string) func() error {
		return func() error {
			if n, _ := s.Admin("stats").Child("location"); n.Text != where {
				return fmt.Errorf("it is %q", n.Text)
			}
			return nil
		}
	}
	located := func(where string) {
		t.Helper()
		harness.Eventually(t, "the location is "+where, isLocated(where))
	}
	located("first")

	harness.WriteIcecastXML(s, changed("second"), dir)
	harness.Eventually(t, "the location is second", func() error {
		signal(t, cmd, syscall.SIGHUP) // Caddy knows what to read again only a moment after it serves
		return harness.AwaitWithin(5*time.Second, isLocated("second"))
	})

	harness.WriteIcecastXML(s, changed("third"), dir)
	signal(t, cmd, syscall.SIGUSR1)
	located("third")

	for i, wrong := range []string{"<icecast>", strings.Replace(changed("wrong"), "<clients>100", "<clients>many", 1)} {
		harness.WriteIcecastXML(s, wrong, dir)
		signal(t, cmd, syscall.SIGHUP)
		harness.Eventually(t, "it is complained of", func() error {
			if n := strings.Count(harness.ReadFile(t, filepath.Join(dir, "error.log")), "failed to reload config from file"); n < i+1 {
				return fmt.Errorf("%d times", n)
			}
			return nil
		})
		located("third")
	}

	harness.WriteIcecastXML(s, changed("fourth"), dir)
	reload := exec.Command(cmd.Path, "reload", "--adapter", "icecast", "--config", path, "--address", s.AdminAddress)
	reload.Env = cmd.Env
	if out, err := reload.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	located("fourth")

	harness.WriteIcecastXML(s, changed("fifth"), dir)
	signal(t, cmd, syscall.SIGHUP)
	located("fifth")

	text := harness.ReadFile(t, path)
	resp, err := http.Post("http://"+s.AdminAddress+"/load", "text/icecast", strings.NewReader(strings.Replace(text, "fifth", "sixth", 1)))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", resp, err)
	}
	_ = resp.Body.Close()
	located("sixth")

	next := w.HeardFrame.Load() + 10
	harness.Eventually(t, "the listener hears on", func() error {
		if at := w.HeardFrame.Load(); at < next {
			return fmt.Errorf("it is at %d", at)
		}
		return nil
	})
	live.Down()
	<-w.Ended
	w.Check(t)
}

func signal(t *testing.T, cmd *exec.Cmd, s os.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// What is converted is what runs, and it is said what it leaves out.
func TestAnIcecastXMLIsConverted(t *testing.T) {
	s := &harness.Server{T: t, Plain: harness.FreeAddress(t)}
	dir := t.TempDir()
	path := harness.WriteIcecastXML(s, strings.NewReplacer("ENDPOINT", "http://127.0.0.1", "UPSTREAM", "8000").Replace(panelXML), dir)
	run := func(args ...string) (out, said string) {
		t.Helper()
		cmd := exec.Command(binary.Caddy(t), args...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, stderr.String())
		}
		return stdout.String(), stderr.String()
	}
	caddyfile, said := run("icecast", "convert", path)
	if want := path + ":5: <client-timeout>: ignored, as in Icecast"; !strings.Contains(said, want) || strings.Contains(said, "autopass") {
		t.Errorf("it is said\n%s\nwant %s", said, want)
	}
	harness.WriteFile(t, filepath.Join(dir, "Caddyfile"), caddyfile)
	converted, complaints := run("adapt", "--config", filepath.Join(dir, "Caddyfile"))
	adapted, warnings := run("adapt", "--adapter", "icecast", "--config", path)
	converted = strings.ReplaceAll(converted, filepath.Join(dir, "Caddyfile"), path) // which no file server shows
	if converted != adapted || strings.Contains(complaints, "warn") {
		t.Errorf("the Caddyfile (%s) is\n%s\nthe file\n%s", complaints, converted, adapted)
	}
	if strings.Count(warnings, `"line"`) != strings.Count(said, "\n") {
		t.Errorf("adapt warns\n%s\nconvert\n%s", warnings, said)
	}
	harness.WriteFile(t, path, "<icecast>\n<limits><clients>x</clients></limits></icecast>")
	cmd := exec.Command(binary.Caddy(t), "icecast", "convert", path)
	out, err := cmd.CombinedOutput()
	if want := `line 2: <clients>: invalid number "x"; expected a whole number`; err == nil || !strings.Contains(string(out), want) || strings.Contains(string(out), "Usage") {
		t.Errorf("%v: %s\nwant %s", err, out, want)
	}
}
