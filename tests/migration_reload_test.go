package tests

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
)

// changed is masterXML with one line more.
func changed(location string) string {
	return strings.Replace(masterXML, "<hostname>", "<location>"+location+"</location><hostname>", 1)
}

// A file that is read again takes effect, by a signal and by caddy reload, and nobody is
// dropped. One that is wrong changes nothing.
func TestAnIcecastXMLIsReadAgain(t *testing.T) {
	program(t, "icecast2") // who says how it is
	s := &server{t: t, plain: freeAddress(t), admin: freeAddress(t)}
	dir := publicDir(t)
	path := writeXML(s, changed("first"), dir)
	cmd := runOurs(s, path)
	live := s.numberedSource("/live.mp3", 1)
	w := s.witness("/live.mp3", http1ic, false)
	hears(t, "at home", 1, w)
	located := func(where string) {
		t.Helper()
		eventually(t, "the location is "+where, func() error {
			if n, _ := s.adminSays("stats").child("location"); n.Text != where {
				return fmt.Errorf("it is %q", n.Text)
			}
			return nil
		})
	}
	located("first")

	writeXML(s, changed("second"), dir)
	signal(t, cmd, syscall.SIGHUP)
	located("second")

	writeXML(s, changed("third"), dir)
	signal(t, cmd, syscall.SIGUSR1)
	located("third")

	for i, wrong := range []string{"<icecast>", strings.Replace(changed("wrong"), "<clients>100", "<clients>many", 1)} {
		writeXML(s, wrong, dir)
		signal(t, cmd, syscall.SIGHUP)
		eventually(t, "it is complained of", func() error {
			if n := strings.Count(read(t, filepath.Join(dir, "error.log")), "failed to reload config from file"); n < i+1 {
				return fmt.Errorf("%d times", n)
			}
			return nil
		})
		located("third")
	}

	writeXML(s, changed("fourth"), dir)
	reload := exec.Command(cmd.Path, "reload", "--adapter", "icecast", "--config", path, "--address", s.admin)
	reload.Env = cmd.Env
	if out, err := reload.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	located("fourth")

	writeXML(s, changed("fifth"), dir)
	signal(t, cmd, syscall.SIGHUP)
	located("fifth")

	text := read(t, path)
	resp, err := http.Post("http://"+s.admin+"/load", "text/icecast", strings.NewReader(strings.Replace(text, "fifth", "sixth", 1)))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", resp, err)
	}
	_ = resp.Body.Close()
	located("sixth")

	next := w.heardUpTo.Load() + 10
	eventually(t, "the listener hears on", func() error {
		if at := w.heardUpTo.Load(); at < next {
			return fmt.Errorf("it is at %d", at)
		}
		return nil
	})
	live.down()
	<-w.ended
	w.verify(t)
}

func signal(t *testing.T, cmd *exec.Cmd, s os.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// What is converted is what runs, and it is said what it leaves out.
func TestAnIcecastXMLIsConverted(t *testing.T) {
	s := &server{t: t, plain: freeAddress(t)}
	dir := t.TempDir()
	path := writeXML(s, strings.NewReplacer("ENDPOINT", "http://127.0.0.1", "UPSTREAM", "8000").Replace(panelXML), dir)
	run := func(args ...string) (out, said string) {
		t.Helper()
		cmd := exec.Command(caddyBinary(t), args...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, stderr.String())
		}
		return stdout.String(), stderr.String()
	}
	caddyfile, said := run("icecast", "convert", path)
	if want := path + ":5: <client-timeout> has no effect"; !strings.Contains(said, want) || strings.Contains(said, "autopass") {
		t.Errorf("it is said\n%s\nwant %s", said, want)
	}
	write(t, filepath.Join(dir, "Caddyfile"), caddyfile)
	converted, complaints := run("adapt", "--config", filepath.Join(dir, "Caddyfile"))
	adapted, warnings := run("adapt", "--adapter", "icecast", "--config", path)
	converted = strings.ReplaceAll(converted, filepath.Join(dir, "Caddyfile"), path) // which no file server shows
	if converted != adapted || strings.Contains(complaints, "warn") {
		t.Errorf("the Caddyfile (%s) is\n%s\nthe file\n%s", complaints, converted, adapted)
	}
	if strings.Count(warnings, `"line"`) != strings.Count(said, "\n") {
		t.Errorf("adapt warns\n%s\nconvert\n%s", warnings, said)
	}
	write(t, path, "<icecast>\n<limits><clients>x</clients></limits></icecast>")
	cmd := exec.Command(caddyBinary(t), "icecast", "convert", path)
	out, err := cmd.CombinedOutput()
	if want := `line 2: <clients> "x": write a whole number`; err == nil || !strings.Contains(string(out), want) || strings.Contains(string(out), "Usage") {
		t.Errorf("%v: %s\nwant %s", err, out, want)
	}
}
