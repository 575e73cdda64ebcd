package reload

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
	"github.com/caddycast/caddycast/tests/harness/binary"
)

// senders are encoders that send a file: ffmpeg, and ezstream by libshout.
var senders = map[string]func(t *testing.T, s *harness.Server, mount, file string){
	"/ffmpeg.mp3": func(t *testing.T, s *harness.Server, mount, file string) {
		harness.FfmpegSource(t, "icecast://source:hackme@"+s.Plain+mount, file, "mp3")
	},
	"/ffmpeg-tls.mp3": func(t *testing.T, s *harness.Server, mount, file string) {
		harness.FfmpegSource(t, "icecast://source:hackme@"+s.TLS+mount, file, "mp3", "-tls", "1")
	},
	"/ezstream.mp3": func(t *testing.T, s *harness.Server, mount, file string) {
		config := filepath.Join(t.TempDir(), "ezstream.xml")
		harness.WriteFile(t, config, fmt.Sprintf(`<ezstream>
	<servers><server><hostname>127.0.0.1</hostname><port>%s</port><password>hackme</password><tls>none</tls></server></servers>
	<streams><stream><mountpoint>%s</mountpoint><format>MP3</format></stream></streams>
	<intakes><intake><filename>%s</filename><stream_once>yes</stream_once></intake></intakes>
</ezstream>`, harness.Port(s.Plain), mount, file))
		harness.Launch(t, "ezstream", "-c", config)
	},
}

// hearers are programs that write what they hear into a file, and do not connect again.
var hearers = []struct {
	name string
	args []string
}{
	{"curl", []string{"-sSN", "--http1.0", "-o", "OUT", "http://PLAIN"}},
	{"curl", []string{"-sSN", "--http1.1", "-o", "OUT", "http://PLAIN"}},
	{"curl", []string{"-sSN", "--http1.1", "--cacert", "CERT", "-o", "OUT", "https://TLS"}},
	{"curl", []string{"-sSN", "--http2", "--cacert", "CERT", "-o", "OUT", "https://TLS"}},
	{"ffmpeg", []string{"-v", "error", "-i", "http://PLAIN", "-c", "copy", "-write_xing", "0", "-id3v2_version", "0", "-flush_packets", "1", "-f", "mp3", "OUT"}},
	{"ffmpeg", []string{"-v", "error", "-tls_verify", "0", "-i", "https://TLS", "-c", "copy", "-write_xing", "0", "-id3v2_version", "0", "-flush_packets", "1", "-f", "mp3", "OUT"}},
}

// hearing is a program that hears a mount.
type hearing struct {
	what string
	out  string
	end  func()
}

// hear starts all hearers of a mount.
func hear(t *testing.T, s *harness.Server, mount string) (all []hearing) {
	t.Helper()
	for _, h := range hearers {
		out := filepath.Join(t.TempDir(), "out")
		fill := strings.NewReplacer("PLAIN", s.Plain+mount, "TLS", s.TLS+mount, "OUT", out, "CERT", filepath.Join(harness.Storage, "cert.pem"))
		var args []string
		for _, a := range h.args {
			args = append(args, fill.Replace(a))
		}
		cmd, _ := harness.Launch(t, h.name, args...)
		all = append(all, hearing{strings.Join(append([]string{h.name}, args...), " "), out, func() { endProgram(cmd) }})
	}
	return all
}

func endProgram(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// waitForMore waits until each program has heard so many bytes more.
func waitForMore(t *testing.T, all []hearing, n int64) {
	t.Helper()
	size := func(h hearing) int64 {
		info, err := os.Stat(h.out)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	targets := make([]int64, len(all))
	for i, h := range all {
		targets[i] = size(h) + n
	}
	for i, h := range all {
		harness.Eventually(t, h.what, func() error {
			if got := size(h); got < targets[i] {
				return fmt.Errorf("it has heard %d bytes, want %d", got, targets[i])
			}
			return nil
		})
	}
}

// ffmpeg, ezstream, which has libshout, and curl keep their connections through upgrades, and all frames are heard.
func TestProgramsPlayOnThroughUpgrades(t *testing.T) {
	for _, name := range []string{"ffmpeg", "ezstream", "curl"} {
		harness.Program(t, name)
	}
	programs := []string{binary.Caddycast(t), binary.Caddy(t)}
	s := harness.NewServer(t)
	harness.RunProgram(t, programs[1], t.TempDir(), s.WrappedCaddyfile(harness.Station))
	harness.Eventually(t, "the sites answer", s.AllAnswer)
	file := harness.MakeMusic(t, harness.MP3[0], 300, harness.MP3[1:]...) // longer than the test takes
	sent := harness.Frames(t, []byte(harness.ReadFile(t, file)), "audio/mpeg")
	var all []hearing
	for mount, send := range senders {
		send(t, s, mount, file)
		s.WaitForMount(mount)
		all = append(all, hear(t, s, mount)...)
	}
	const heard = 32 << 10 // two seconds
	waitForMore(t, all, heard)
	for i := range 3 {
		s.UpgradeTo(programs[i%len(programs)])
		if err := s.ReloadCaddyfile(s.WrappedCaddyfile(harness.Station)); err != nil {
			t.Fatal(err)
		}
		waitForMore(t, all, heard)
	}
	for mount := range senders {
		s.WaitForListeners(mount, len(hearers))
	}
	for _, h := range all {
		h.end()
		got := harness.Frames(t, []byte(harness.ReadFile(t, h.out)), "audio/mpeg")
		harness.FindIn(t, got[:len(got)-1], sent) // the last one may be cut off
	}
}
