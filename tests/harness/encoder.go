package harness

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// FfmpegSource sends a file by ffmpeg, at the speed of its sound.
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

// Sender starts an encoder for a mount, and returns a function that waits for its end.
type Sender = func(t testing.TB, s *Server, mount string) func() error

// ByFFmpeg encodes and sends for StreamSeconds.
func ByFFmpeg(contentType string, args ...string) Sender {
	return ByFFmpegFor(StreamSeconds, contentType, args...)
}

// ByFFmpegFor encodes and sends, at the speed of the sound, for so many seconds.
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

// Tones makes two files, each of half of StreamSeconds.
func Tones(t testing.TB) (a, b string) {
	half := StreamSeconds / 2
	return MakeMusic(t, "a.wav", half, "-ar", "44100", "-ac", "2"), MakeMusic(t, "b.wav", half, "-ar", "44100", "-ac", "2", "-af", "volume=0.5")
}

// ByOggfwd sends, by libshout, the output of a shell command for two files, A and B.
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
