package sources

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// encoders are programs that send a file of music to a mount.
var encoders = []struct {
	name        string
	contentType string
	file        []string // how ffmpeg makes it
	send        func(t testing.TB, s *harness.Server, mount, file string) *exec.Cmd
}{
	{"ffmpeg", "audio/mpeg", harness.MP3, func(t testing.TB, s *harness.Server, mount, file string) *exec.Cmd {
		return harness.FfmpegSource(t, "icecast://source:hackme@"+s.Plain+mount, file, "mp3")
	}},
	{"ffmpeg by SOURCE", "audio/mpeg", harness.MP3, func(t testing.TB, s *harness.Server, mount, file string) *exec.Cmd {
		return harness.FfmpegSource(t, "icecast://source:hackme@"+s.Plain+mount, file, "mp3", "-legacy_icecast", "1")
	}},
	{"ffmpeg over TLS", "audio/mpeg", harness.MP3, func(t testing.TB, s *harness.Server, mount, file string) *exec.Cmd {
		return harness.FfmpegSource(t, "icecast://source:hackme@"+s.TLS+mount, file, "mp3", "-tls", "1")
	}},
	{"ffmpeg by HTTP PUT in chunks", "audio/mpeg", harness.MP3, func(t testing.TB, s *harness.Server, mount, file string) *exec.Cmd {
		return harness.FfmpegSource(t, "http://source:hackme@"+s.Plain+mount, file, "mp3", "-method", "PUT", "-auth_type", "basic", "-content_type", "audio/mpeg")
	}},
	{"ffmpeg with AAC", "audio/aac", harness.AAC, func(t testing.TB, s *harness.Server, mount, file string) *exec.Cmd {
		return harness.FfmpegSource(t, "icecast://source:hackme@"+s.Plain+mount, file, "adts", "-content_type", "audio/aac")
	}},
	{"ezstream", "audio/mpeg", harness.MP3, ezstream},
	{"curl by HTTP/2", "audio/mpeg", harness.MP3, func(t testing.TB, s *harness.Server, mount, file string) *exec.Cmd {
		cmd, _ := harness.Launch(t, "curl", "-sS", "--http2", "--cacert", filepath.Join(harness.Storage, "cert.pem"), "-u", "source:hackme", "-H", "Content-Type: audio/mpeg",
			"--limit-rate", "32K", "-T", file, "https://"+s.TLS+mount)
		return cmd
	}},
}

func ezstream(t testing.TB, s *harness.Server, mount, file string) *exec.Cmd {
	return ezstreamOf(t, s, mount, file, "MP3")
}

func ezstreamOf(t testing.TB, s *harness.Server, mount, file, format string) *exec.Cmd {
	path := filepath.Join(t.TempDir(), "ezstream.xml")
	config := fmt.Sprintf(`<ezstream>
	<servers><server><hostname>127.0.0.1</hostname><port>%s</port><password>hackme</password><tls>none</tls></server></servers>
	<streams><stream><mountpoint>%s</mountpoint><format>%s</format></stream></streams>
	<intakes><intake><filename>%s</filename><stream_once>yes</stream_once></intake></intakes>
</ezstream>`, harness.Port(s.Plain), mount, format, file)
	harness.WriteFile(t, path, config)
	cmd, _ := harness.Launch(t, "ezstream", "-c", path)
	return cmd
}

func TestProgramsThatSendAreHeard(t *testing.T) {
	s := harness.Start(t, harness.Station)
	for i, e := range encoders {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			s := s.For(t)
			mount := fmt.Sprintf("/%d", i)
			file := harness.MakeMusic(t, e.file[0], 5, e.file[1:]...)
			cmd := e.send(t, s, mount, file)
			var resp *http.Response
			harness.Eventually(t, "the mount is heard", func() (err error) {
				if resp, err = http.Get("http://" + s.Plain + mount); err == nil && resp.StatusCode != http.StatusOK {
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
			heard, whole := harness.Frames(t, got, e.contentType), harness.Frames(t, sent, e.contentType)
			at := harness.FindIn(t, heard, whole)
			if missing := len(whole) - at - len(heard); missing > 0 {
				t.Errorf("%d frames are missing at the end", missing)
			}
			s.WaitUntilGone(mount)
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
	s := harness.Start(t, harness.Station)
	file := harness.MakeMusic(t, harness.MP3[0], 8, harness.MP3[1:]...)
	sent, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	whole := harness.Frames(t, sent, "audio/mpeg")
	encoder := harness.FfmpegSource(t, "icecast://source:hackme@"+s.Plain+"/m", file, "mp3")
	s.WaitForMount("/m")

	type run struct {
		cmd *exec.Cmd
		log *bytes.Buffer
		out string
	}
	runs := make([]run, len(players))
	for i, p := range players {
		out := filepath.Join(t.TempDir(), "out")
		fill := strings.NewReplacer("PLAIN", s.Plain, "TLS", s.TLS, "OUT", out, "CERT", filepath.Join(harness.Storage, "cert.pem"))
		var args []string
		for _, a := range p.args {
			args = append(args, fill.Replace(a))
		}
		cmd, log := harness.Launch(t, p.name, args...)
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
			heard := harness.Frames(t, got, "audio/mpeg")
			at := harness.FindIn(t, heard, whole)
			if missing := len(whole) - at - len(heard); missing > 0 {
				t.Errorf("%d frames are missing at the end", missing)
			}
		})
	}
}
