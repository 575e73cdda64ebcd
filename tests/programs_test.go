package tests

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/programs"
	"github.com/caddycast/caddycast/streaming/format"
)

// program returns the path of a program that the tests need.
func program(t testing.TB, name string) string {
	t.Helper()
	return programs.Path(t, name)
}

// launch starts a program, which is ended with the test at the latest.
func launch(t testing.TB, name string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	cmd := exec.CommandContext(ctx, program(t, name), args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	return cmd, &out
}

// music makes a file of a few seconds that sounds, by ffmpeg.
func music(t testing.TB, name string, seconds int, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	args = append([]string{
		"-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i",
		fmt.Sprintf("sine=frequency=440:duration=%d", seconds),
	}, args...)
	if out, err := exec.Command(program(t, "ffmpeg"), append(args, path)...).CombinedOutput(); err != nil {
		t.Fatalf("making %s: %v\n%s", name, err, out)
	}
	return path
}

// frames cuts a file, or what a listener got, into frames. Tags are left out.
func frames(t testing.TB, stream []byte, contentType string) [][]byte {
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

// partOf checks that what a listener got are frames of the file, whole, in order
// and without a gap, and returns the number of the first.
func partOf(t testing.TB, got, file [][]byte) int {
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

// encoders are programs that send a file of music to a mount.
var encoders = []struct {
	name        string
	contentType string
	file        []string // how ffmpeg makes it
	send        func(t testing.TB, s *server, mount, file string) *exec.Cmd
}{
	{"ffmpeg", "audio/mpeg", mp3, func(t testing.TB, s *server, mount, file string) *exec.Cmd {
		return ffmpegSource(t, "icecast://source:hackme@"+s.plain+mount, file, "mp3")
	}},
	{"ffmpeg by SOURCE", "audio/mpeg", mp3, func(t testing.TB, s *server, mount, file string) *exec.Cmd {
		return ffmpegSource(t, "icecast://source:hackme@"+s.plain+mount, file, "mp3", "-legacy_icecast", "1")
	}},
	{"ffmpeg over TLS", "audio/mpeg", mp3, func(t testing.TB, s *server, mount, file string) *exec.Cmd {
		return ffmpegSource(t, "icecast://source:hackme@"+s.tls+mount, file, "mp3", "-tls", "1")
	}},
	{"ffmpeg by HTTP PUT in chunks", "audio/mpeg", mp3, func(t testing.TB, s *server, mount, file string) *exec.Cmd {
		return ffmpegSource(t, "http://source:hackme@"+s.plain+mount, file, "mp3", "-method", "PUT", "-auth_type", "basic", "-content_type", "audio/mpeg")
	}},
	{"ffmpeg with AAC", "audio/aac", aac, func(t testing.TB, s *server, mount, file string) *exec.Cmd {
		return ffmpegSource(t, "icecast://source:hackme@"+s.plain+mount, file, "adts", "-content_type", "audio/aac")
	}},
	{"ezstream", "audio/mpeg", mp3, ezstream},
	{"curl by HTTP/2", "audio/mpeg", mp3, func(t testing.TB, s *server, mount, file string) *exec.Cmd {
		cmd, _ := launch(t, "curl", "-sS", "--http2", "--cacert", filepath.Join(storage, "cert.pem"), "-u", "source:hackme", "-H", "Content-Type: audio/mpeg",
			"--limit-rate", "32K", "-T", file, "https://"+s.tls+mount)
		return cmd
	}},
}

var (
	mp3 = []string{"music.mp3", "-c:a", "libmp3lame", "-b:a", "128k"}
	aac = []string{"music.aac", "-c:a", "aac", "-b:a", "96k", "-f", "adts"}
)

func ffmpegSource(t testing.TB, url, file, format string, options ...string) *exec.Cmd {
	args := append([]string{
		"-hide_banner", "-loglevel", "error", "-re", "-i", file, "-c", "copy",
		"-write_xing", "0", "-id3v2_version", "0",
	}, options...)
	if format != "mp3" {
		args = append(args[:8], options...)
	}
	cmd, _ := launch(t, "ffmpeg", append(args, "-f", format, url)...)
	return cmd
}

func ezstream(t testing.TB, s *server, mount, file string) *exec.Cmd {
	return ezstreamOf(t, s, mount, file, "MP3")
}

func ezstreamOf(t testing.TB, s *server, mount, file, format string) *exec.Cmd {
	path := filepath.Join(t.TempDir(), "ezstream.xml")
	config := fmt.Sprintf(`<ezstream>
	<servers><server><hostname>127.0.0.1</hostname><port>%s</port><password>hackme</password><tls>none</tls></server></servers>
	<streams><stream><mountpoint>%s</mountpoint><format>%s</format></stream></streams>
	<intakes><intake><filename>%s</filename><stream_once>yes</stream_once></intake></intakes>
</ezstream>`, port(s.plain), mount, format, file)
	write(t, path, config)
	cmd, _ := launch(t, "ezstream", "-c", path)
	return cmd
}

func TestProgramsThatSendAreHeard(t *testing.T) {
	s := start(t, station)
	for i, e := range encoders {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			s := &server{t: t, plain: s.plain, tls: s.tls, wired: s.wired}
			mount := fmt.Sprintf("/%d", i)
			file := music(t, e.file[0], 5, e.file[1:]...)
			cmd := e.send(t, s, mount, file)
			var resp *http.Response
			eventually(t, "the mount is on the air", func() (err error) {
				if resp, err = http.Get("http://" + s.plain + mount); err == nil && resp.StatusCode != http.StatusOK {
					_ = resp.Body.Close()
					err = fmt.Errorf("answered %s", resp.Status)
				}
				return err
			})
			defer resp.Body.Close()
			if ct := resp.Header.Get("Content-Type"); ct != e.contentType {
				t.Errorf("it is %q, want %q", ct, e.contentType)
			}
			got, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			sent, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			heard, whole := frames(t, got, e.contentType), frames(t, sent, e.contentType)
			at := partOf(t, heard, whole)
			if missing := len(whole) - at - len(heard); missing > 0 {
				t.Errorf("%d frames are missing at the end", missing)
			}
			s.gone(mount)
		})
	}
}

// players are programs that listen. They get the URL of a mount last, and leave
// what they heard, or what came of it, in a file that is named out.
var players = []struct {
	name string
	args []string
}{
	{"curl", []string{"-sS", "--http1.0", "-o", "OUT", "http://PLAIN/m"}},
	{"curl", []string{"-sS", "--http1.1", "-o", "OUT", "http://PLAIN/m"}},
	{"curl", []string{"-sS", "--http1.1", "--cacert", "CERT", "-o", "OUT", "https://TLS/m"}},
	{"curl", []string{"-sS", "--http2", "--cacert", "CERT", "-o", "OUT", "https://TLS/m"}},
	{"curl", []string{"-sS", "--http2-prior-knowledge", "-o", "OUT", "http://PLAIN/m"}},
	{"ffmpeg", []string{"-hide_banner", "-loglevel", "warning", "-i", "http://PLAIN/m", "-c", "copy", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3", "OUT"}},
	{"ffmpeg", []string{"-hide_banner", "-loglevel", "warning", "-tls_verify", "0", "-i", "https://TLS/m", "-c", "copy", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3", "OUT"}},
	{"mpg123", []string{"-q", "-w", "OUT", "http://PLAIN/m"}},
}

func TestProgramsThatListenHearItAll(t *testing.T) {
	s := start(t, station)
	file := music(t, mp3[0], 8, mp3[1:]...)
	sent, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	whole := frames(t, sent, "audio/mpeg")
	encoder := ffmpegSource(t, "icecast://source:hackme@"+s.plain+"/m", file, "mp3")
	s.listening("/m")

	type run struct {
		cmd *exec.Cmd
		log *bytes.Buffer
		out string
	}
	runs := make([]run, len(players))
	for i, p := range players {
		out := filepath.Join(t.TempDir(), "out")
		fill := strings.NewReplacer("PLAIN", s.plain, "TLS", s.tls, "OUT", out, "CERT", filepath.Join(storage, "cert.pem"))
		var args []string
		for _, a := range p.args {
			args = append(args, fill.Replace(a))
		}
		cmd, log := launch(t, p.name, args...)
		runs[i] = run{cmd, log, out}
	}
	if err := encoder.Wait(); err != nil {
		t.Errorf("the encoder: %v", err)
	}
	for i, p := range players {
		t.Run(strings.Join(append([]string{p.name}, p.args...), " "), func(t *testing.T) {
			err := runs[i].cmd.Wait()
			for line := range strings.Lines(runs[i].log.String()) {
				// ffmpeg says so of every stream without a length that ends.
				if !strings.Contains(line, "Stream ends prematurely") && !strings.Contains(line, "Input/output error") {
					t.Errorf("it says %q", line)
				}
			}
			if err != nil {
				t.Errorf("it ends with %v", err)
			}
			got, err := os.ReadFile(runs[i].out)
			if err != nil {
				t.Fatal(err)
			}
			if p.name == "mpg123" { // it leaves sound: 16 bits, mono, 44.1 kHz
				if seconds := float64(len(got)) / 88200; seconds < 6 || seconds > 9 {
					t.Errorf("it played %.1f seconds", seconds)
				}
				return
			}
			heard := frames(t, got, "audio/mpeg")
			at := partOf(t, heard, whole)
			if missing := len(whole) - at - len(heard); missing > 0 {
				t.Errorf("%d frames are missing at the end", missing)
			}
		})
	}
}

// listening waits until a mount is on the air.
func (s *server) listening(path string) {
	s.t.Helper()
	eventually(s.t, path+" is on the air", func() error { return s.onAir(path) })
}
