package harness

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// MakeMusic makes a file of sound, by ffmpeg.
func MakeMusic(t testing.TB, name string, seconds int, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	args = append([]string{
		"-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i",
		fmt.Sprintf("sine=frequency=440:duration=%d", seconds),
	}, args...)
	if out, err := exec.Command(Program(t, "ffmpeg"), append(args, path)...).CombinedOutput(); err != nil {
		t.Fatalf("making %s: %v\n%s", name, err, out)
	}
	return path
}

// Frames cuts a stream into frames. Tags are left out.
func Frames(t testing.TB, stream []byte, contentType string) [][]byte {
	t.Helper()
	var list [][]byte
	f := format.New(contentType)
	for len(stream) > 0 {
		n, u := f.Next(stream[:min(len(stream), format.MaxUnit)], len(stream) <= format.MaxUnit)
		if n == 0 {
			break
		}
		if u.Duration > 0 {
			list = append(list, u.Data)
		}
		stream = stream[n:]
	}
	return list
}

// FindIn checks that the received frames are a part of the file, whole, in order and without a
// gap, and returns the number of the first.
func FindIn(t testing.TB, got, file [][]byte) int {
	t.Helper()
	if len(got) == 0 {
		t.Fatal("nothing was heard")
	}
	for at := range file {
		if len(file)-at < len(got) {
			break
		}
		same := true
		for i := range got {
			if same = bytes.Equal(got[i], file[at+i]); !same {
				break
			}
		}
		if same {
			return at
		}
	}
	t.Fatalf("the %d frames that were heard are not a piece of the %d that were sent", len(got), len(file))
	return 0
}

var (
	MP3 = []string{"music.mp3", "-c:a", "libmp3lame", "-b:a", "128k"}
	AAC = []string{"music.aac", "-c:a", "aac", "-b:a", "96k", "-f", "adts"}
)

const Tone, TestPicture = "sine=frequency=440:sample_rate=48000", "testsrc=size=160x120:rate=10"

// Record listens to the end, and returns the file of what it received. It may be called from
// any goroutine.
func (s *Server) Record(mount, contentType string) string {
	resp, err := http.Get("http://" + s.Plain + mount)
	if err != nil {
		s.T.Error(err)
		return ""
	}
	defer resp.Body.Close()
	if ct := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || ct != contentType {
		s.T.Errorf("%s: answered %s, %q, want %q", mount, resp.Status, ct, contentType)
	}
	file, err := os.CreateTemp(Storage, "heard")
	if err != nil {
		s.T.Error(err)
		return ""
	}
	defer file.Close()
	if _, err := io.Copy(file, resp.Body); err != nil {
		s.T.Error(err)
	}
	return file.Name()
}

// Decodes checks that ffmpeg decodes a file without a complaint, and returns how long it
// sounds.
func Decodes(t testing.TB, file string) time.Duration {
	t.Helper()
	heard, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer heard.Close()
	var said, progress bytes.Buffer
	cmd := exec.Command(Program(t, "ffmpeg"), "-hide_banner", "-v", "error", "-xerror", "-progress", "pipe:1", "-i", "pipe:0", "-f", "null", "/dev/null")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = heard, &progress, &said // a listener can't seek
	err = cmd.Run()
	var last time.Duration
	for line := range strings.Lines(progress.String()) {
		if us, ok := strings.CutPrefix(line, "out_time_us="); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(us), 10, 64)
			last = time.Duration(n) * time.Microsecond
		}
	}
	if err != nil || said.Len() > 0 || last < time.Second {
		info, _ := heard.Stat()
		t.Errorf("ffmpeg decodes %v of %d bytes: %v\n%s", last, info.Size(), err, &said)
	}
	return last
}
