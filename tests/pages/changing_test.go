package pages

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

const (
	soundSeconds = 150 // more than the test takes beside busy programs

	// lead is how far a source is ahead of its time, so that a busy machine does not keep players
	// waiting.
	lead = 2 * time.Second
)

// changing is a format of a stream to which something happens.
type changing struct {
	name, ext, contentType string
	args                   []string // of ffmpeg
	rate                   string   // the only sampling rate that there is; empty: any
	input                  string

	sound, other []byte // made by them; with another sampling rate, where that is possible, and mono
}

// changingFormats returns the formats of the table in the documentation, with their sound. A tone
// would be so few bytes in some of them that Chromium waits for more, noise too many in FLAC.
func changingFormats(t *testing.T) []*changing {
	t.Helper()
	const noise, tone = "anoisesrc=amplitude=0.1:sample_rate=44100", "sine=frequency=440:sample_rate=44100"
	opus := []string{"-c:a", "libopus", "-b:a", "64k"}
	all := []*changing{
		{name: "MP3", ext: "mp3", contentType: "audio/mpeg", input: noise, args: []string{"-c:a", "libmp3lame", "-b:a", "64k", "-f", "mp3"}},
		{name: "AAC", ext: "aac", contentType: "audio/aac", input: noise, args: []string{"-c:a", "aac", "-b:a", "64k", "-f", "adts"}},
		{name: "Ogg Opus", ext: "opus", contentType: "application/ogg", input: noise, rate: "48000", args: slices.Concat(opus, []string{"-f", "ogg"})},
		{name: "Ogg Vorbis", ext: "ogg", contentType: "application/ogg", input: noise, args: []string{"-c:a", "libvorbis", "-b:a", "64k", "-f", "ogg"}},
		{name: "Ogg FLAC", ext: "oga", contentType: "application/ogg", input: tone, args: []string{"-c:a", "flac", "-f", "ogg"}},
		{name: "FLAC", ext: "flac", contentType: "audio/flac", input: tone, args: []string{"-c:a", "flac", "-f", "flac"}},
		{name: "WebM", ext: "webm", contentType: "audio/webm", input: noise, rate: "48000", args: slices.Concat(opus, []string{"-f", "webm", "-live", "1", "-cluster_time_limit", "500"})},
	}
	harness.Program(t, "ffmpeg")
	var making sync.WaitGroup
	for _, f := range all {
		making.Go(func() {
			rate, otherRate := "44100", "48000"
			if f.rate != "" {
				rate, otherRate = f.rate, f.rate
			}
			var err, otherErr error
			f.sound, err = f.encode(t, rate, "2")
			f.other, otherErr = f.encode(t, otherRate, "1")
			if err != nil || otherErr != nil {
				t.Errorf("%s: %v, %v", f.name, err, otherErr)
			}
		})
	}
	if making.Wait(); t.Failed() {
		t.FailNow()
	}
	return all
}

// encode makes the sound, by ffmpeg.
func (f *changing) encode(t *testing.T, rate, channels string) ([]byte, error) {
	args := slices.Concat([]string{"-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("%s:duration=%d", f.input, soundSeconds), "-ar", rate, "-ac", channels}, f.args, []string{"pipe:1"})
	return exec.CommandContext(t.Context(), "ffmpeg", args...).Output()
}

// path returns the mount to which something happens; empty: the fallback of the others.
func (f *changing) path(event string) string {
	if event == "" {
		event = "spare"
	}
	return "/" + event + "." + f.ext
}

// mounts returns the mounts as lines of a Caddyfile.
func (f *changing) mounts() string {
	var lines strings.Builder
	for _, event := range changes {
		setting := "linger 1m"
		if event == "lost" || event == "back" {
			setting = "fallback " + f.path("")
		}
		fmt.Fprintf(&lines, "mount %s {\n%s\n}\n", f.path(event), setting)
	}
	return lines.String()
}

// send connects a source, and returns a function that ends it.
func (f *changing) send(s *harness.Server, mount string, sound []byte) (end func()) {
	s.T.Helper()
	return s.SendInTime(mount, f.contentType, sound, soundSeconds*time.Second, lead)
}
