package sources

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// flacSource connects a source of native FLAC.
func flacSource(t *testing.T, s *harness.Server) (conn net.Conn) {
	t.Helper()
	harness.Eventually(t, "the mount is free", func() error {
		conn = s.Dial(false)
		resp, _ := harness.SendHead(t, conn, "SOURCE /live.flac HTTP/1.0\r\n"+harness.BasicAuth("source", "hackme")+"Content-Type: audio/flac\r\n\r\n")
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("the source was answered %s", resp.Status)
		}
		return nil
	})
	return conn
}

// flacFile returns FLAC of two seconds in whole frames, and its samples.
func flacFile(t *testing.T, frequency int, title string, options ...string) (file, samples []byte) {
	t.Helper()
	name := harness.MakeMusic(t, "music.flac", 2, append([]string{
		"-af", fmt.Sprintf("aeval=sin(2*PI*%d*t),atrim=end_sample=73728", frequency), "-metadata", "title=" + title,
	}, options...)...)
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return file, unflac(t, file)
}

// unflac decodes as flac does, which ends at the first error.
func unflac(t *testing.T, stream []byte) []byte {
	t.Helper()
	cmd := exec.Command(harness.Program(t, "flac"), "--silent", "--decode", "--stdout", "--force-raw-format", "--endian=little", "--sign=signed", "-")
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stream), &said
	samples, err := cmd.Output()
	if err != nil {
		t.Errorf("flac decodes %d bytes: %v\n%s", len(stream), err, &said)
	}
	return samples
}

// Players of native FLAC end at a second header, so they get none: neither with a title, nor when an
// encoder sends the next file or is back. They get one stream, in which frames are numbered on.
func TestNativeFLACHasOneHeader(t *testing.T) {
	s := harness.Start(t, `icecast {
		source_password hackme
		mount /live.flac {
			linger 1m
		}
	}`)
	first, want := flacFile(t, 440, "First")
	second, more := flacFile(t, 660, "Second")
	other, _ := flacFile(t, 440, "Other", "-ac", "2")
	conn := flacSource(t, s)
	begun := first[:len(first)/2]
	send := func(b []byte) {
		t.Helper()
		if _, err := conn.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	var heard bytes.Buffer
	send(begun)
	s.WaitForTitle("/live.flac", "First")
	var l *harness.Listener
	ready := make(chan struct{})
	l = s.Open("/live.flac", harness.HTTP1Metadata, false, func(r io.Reader) {
		<-ready
		_, _ = io.Copy(&heard, r)
		close(l.Done)
	})
	close(ready)
	s.SetTitle("/live.flac", "By the administrator")
	send(first[len(begun):])
	send(second) // on the same connection
	s.WaitForTitle("/live.flac", "Second")
	_ = conn.Close()
	conn = flacSource(t, s)
	send(first)
	s.WaitForTitle("/live.flac", "First")
	send(other)
	select {
	case <-l.Done: // it was promised another kind
	case <-time.After(harness.Patience):
		t.Fatal("a stream of another kind does not end it")
	}
	got := heard.Bytes()
	if n := bytes.Count(got, []byte("fLaC")); n != 1 {
		t.Errorf("it gets %d headers", n)
	}
	if samples := unflac(t, got); !bytes.Equal(samples, slices.Concat(want, more, want)) {
		t.Errorf("flac makes %d bytes of it, want %d", len(samples), 2*len(want)+len(more))
	}
	for _, title := range []string{"First", "By the administrator", "Second"} {
		if !slices.Contains(l.Titles, title) {
			t.Errorf("the titles are %q, without %q", l.Titles, title)
		}
	}
	s.WaitForTitle("/live.flac", "Other")
	resp, err := http.Get("http://" + s.Plain + "/live.flac")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	begin := make([]byte, 300)
	if _, err := io.ReadFull(resp.Body, begin); err != nil || !bytes.Contains(begin, []byte("title=Other")) {
		t.Errorf("a new listener gets %q", begin)
	}
}
