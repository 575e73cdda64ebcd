package harness

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

func FfmpegSource(t testing.TB, url, file, format string, options ...string) *exec.Cmd {
	args := append([]string{
		"-hide_banner", "-loglevel", "error", "-re", "-i", file, "-c", "copy",
		"-write_xing", "0", "-id3v2_version", "0",
	}, options...)
	if format != "mp3" {
		args = append(args[:8], options...)
	}
	cmd, _ := Launch(t, "ffmpeg", append(args, "-f", format, url)...)
	return cmd
}

// StreamSeconds is how long each stream is, in seconds. Whoever is to hear its end comes in
// the first JoinSeconds; the rest is for a busy machine and for a keyframe before the end.
const (
	StreamSeconds = 16
	JoinSeconds   = 5
)

// Sender begins to send to a mount and returns what waits for the end.
type Sender = func(t testing.TB, s *Server, mount string) func() error

// ByFFmpeg encodes and sends in real time.
func ByFFmpeg(contentType string, args ...string) Sender {
	return ByFFmpegFor(StreamSeconds, contentType, args...)
}

func ByFFmpegFor(seconds int, contentType string, args ...string) Sender {
	return func(t testing.TB, s *Server, mount string) func() error {
		all := []string{"-hide_banner", "-loglevel", "error"}
		for _, a := range args {
			if a == "lavfi" {
				all = append(all[:len(all)-1], "-re", "-f")
			}
			all = append(all, a)
		}
		all = append(all, "-t", fmt.Sprint(seconds), "-flush_packets", "1", "-content_type", contentType,
			"icecast://source:hackme@"+s.Plain+mount)
		cmd, _ := Launch(t, "ffmpeg", all...)
		return cmd.Wait
	}
}

// Tones makes two files, each of half the time on air.
func Tones(t testing.TB) (a, b string) {
	half := StreamSeconds / 2
	return MakeMusic(t, "a.wav", half, "-ar", "44100", "-ac", "2"), MakeMusic(t, "b.wav", half, "-ar", "44100", "-ac", "2", "-af", "volume=0.5")
}

// ByOggfwd sends, by libshout, what a command of the shell makes of two files.
func ByOggfwd(command string) Sender {
	return func(t testing.TB, s *Server, mount string) func() error {
		a, b := Tones(t)
		for _, name := range []string{"oggenc", "opusenc", "flac", "oggfwd"} {
			Program(t, name)
		}
		command := strings.NewReplacer(" A", " "+a, " B", " "+b).Replace(command)
		cmd, _ := Launch(t, "sh", "-c", "("+command+") | oggfwd 127.0.0.1 "+Port(s.Plain)+" hackme "+mount)
		return cmd.Wait
	}
}
