package fallback

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/programs"
	"github.com/caddycast/caddycast/streaming/format"
)

const rounds = 3

// tolerance is the maximum difference between the decoded time of a round and its real time: the
// first block of a codec has nothing to overlap with.
const tolerance = 3 * time.Millisecond

func TestRealDecodersTakeTheLoop(t *testing.T) {
	ffmpeg := programs.Path(t, "ffmpeg")
	for _, c := range []struct{ name, file, options, title string }{
		{"MP3", "a.mp3", "-c:a libmp3lame -b:a 128k -ac 2", "Artist - Title"},
		{"MP3, VBR, ID3v2.3 and ID3v1", "a.mp3", "-c:a libmp3lame -q:a 4 -ac 2 -id3v2_version 3 -write_id3v1 1", "Artist - Title"},
		{"MP3, without tags", "Band - Song.mp3", "-c:a libmp3lame -b:a 64k -ar 22050 -id3v2_version 0 -write_xing 0", "Band - Song"},
		{"AAC", "a.aac", "-c:a aac -b:a 96k -ac 2 -f adts", "a"},
		{"Opus", "a.opus", "-c:a libopus -b:a 96k -ac 2", "Artist - Title"},
		{"Vorbis", "a.ogg", "-c:a libvorbis -q:a 3 -ac 2", "Artist - Title"},
		{"FLAC in Ogg", "a.oga", "-c:a flac -ac 2", "Artist - Title"},
		{"FLAC", "a.flac", "-c:a flac -ac 2", "Artist - Title"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), c.file)
			args := slices.Concat(
				strings.Fields("-v error -f lavfi -i sine=frequency=440:beep_factor=3:sample_rate=44100:duration=3 -metadata artist=Artist -metadata title=Title"),
				strings.Fields(c.options), []string{path})
			run(t, nil, ffmpeg, args...)
			l := listenTo(t, Options{}, path)
			checkDecoded(t, ffmpeg, l)
			if got := titles(l.songs[:1]); got != c.title {
				t.Errorf("the title is %q, want %q", got, c.title)
			}
		})
	}
}

func TestRealDecodersTakeTheStandbyLoop(t *testing.T) {
	ffmpeg := programs.Path(t, "ffmpeg")
	for _, s := range standbyLoops {
		t.Run(s.file, func(t *testing.T) {
			l := &listener{buf: make([]byte, 16<<10)}
			l.player, _ = timed(t, newStandbyPlayer(s.file, Options{OnTitle: l.note}))
			checkDecoded(t, ffmpeg, l)
		})
	}
}

func TestRealDecodersTakeDifferentFiles(t *testing.T) {
	ffmpeg := programs.Path(t, "ffmpeg")
	for _, c := range []struct {
		name, ext string
		options   []string // of each file
		heard     string
		said      string // of a file that is passed over
	}{
		{"Ogg, of which one is passed over, since no decoder goes on with another codec", ".ogg", []string{
			"-c:a libopus -b:a 64k", "-c:a libvorbis -q:a 2", "-c:a libopus -b:a 32k -frame_duration 60",
		}, "A|C|A", "wrong content type application/ogg with Vorbis; expected application/ogg with Opus"},
		{"FLAC", ".flac", []string{"-c:a flac", "-c:a flac -compression_level 0", "-c:a flac"}, "A|C|A", "wrong content type audio/flac;rate=48000;channels=1;bits=16;blocks=1152-1152; expected audio/flac;rate=48000;channels=1;bits=16;blocks=4608-4608"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for i, options := range c.options {
				name := string(rune('A' + i))
				// Bit-exact output is not random: all Ogg files have the same serial.
				args := slices.Concat(
					strings.Fields("-v error -f lavfi -i sine=frequency=440:sample_rate=48000:duration=2 -fflags +bitexact -flags:a +bitexact -ac 1 -metadata title="+name),
					strings.Fields(options), []string{filepath.Join(dir, name+c.ext)})
				run(t, nil, ffmpeg, args...)
			}
			log, lines := observed()
			l := listenTo(t, Options{Log: log}, dir)
			checkDecoded(t, ffmpeg, l)
			if got := titles(l.songs[:rounds]); got != c.heard {
				t.Errorf("heard %q, want %q", got, c.heard)
			}
			var want, said []string
			if c.said != "" {
				want = []string{c.said}
			}
			for _, line := range lines.All() {
				said = append(said, line.ContextMap()["error"].(string))
			}
			if !slices.Equal(said, want) {
				t.Errorf("logged %q, want %q", said, want)
			}
		})
	}
}

// checkDecoded decodes some rounds by ffmpeg, which must find no error, and as much audio as the
// player took time for.
func checkDecoded(t *testing.T, ffmpeg string, l *listener) {
	t.Helper()
	var stream []byte
	for _, s := range l.hear(t, rounds) {
		stream = append(stream, s.data...)
	}
	stream = heard(stream)
	paced := l.player.pace.base
	const perSecond = 48000 * 2
	// New timestamps: of a short frame at the end of a FLAC file ffmpeg takes the time from its own length.
	raw := run(t, bytes.NewReader(stream), ffmpeg, "-v", "error", "-xerror", "-i", "pipe:0", "-af", "asetpts=N/SR/TB", "-ac", "1", "-ar", "48000", "-f", "s16le", "pipe:1")
	decoded := time.Duration(len(raw)) * time.Second / perSecond
	if d := decoded - paced; d < -rounds*tolerance || d > rounds*tolerance {
		t.Errorf("%d rounds took %v, but are %v of sound", rounds, paced, decoded)
	}
	t.Logf("%d rounds took %v and are %v of sound", rounds, paced, decoded)
}

// heard returns the output of a player as listeners get it.
func heard(stream []byte) (out []byte) {
	f, init := format.New(""), (*format.Init)(nil)
	for len(stream) > 0 {
		n, u := f.Next(stream, true)
		stream = stream[n:]
		if u.Data != nil {
			if u.Init.IsDue(init) {
				out = append(out, u.Init.Data...)
			}
			init = u.Init
			out = append(out, u.Data...)
		}
	}
	return out
}

func run(t *testing.T, stdin *bytes.Reader, name string, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	if stdin != nil {
		cmd.Stdin = stdin
	}
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.Bytes())
	}
	return string(out)
}
