package format

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/programs"
)

const (
	playtime = 5 * time.Second
	coded    = playtime + 400*time.Millisecond // with what an encoder puts around it
)

func TestEveryFrameOfARealFileIsFound(t *testing.T) {
	ffmpeg := programs.Path(t, "ffmpeg")
	for _, c := range []struct {
		name, file, options string
		want                string
		sizes               []int // of the frames, if they are known
		table               bool  // one frame more describes the file
	}{
		{"MP3, 128 kbit/s", "a.mp3", "-c:a libmp3lame -b:a 128k -ac 2", "audio/mpeg", []int{417, 418}, true},
		{"MP3, VBR", "b.mp3", "-c:a libmp3lame -q:a 4 -ac 2", "audio/mpeg", nil, true},
		{"MP3, mono, 22.05 kHz", "c.mp3", "-c:a libmp3lame -b:a 64k -ac 1 -ar 22050", "audio/mpeg", []int{208, 209}, true},
		{"MP3, version 2.5", "d.mp3", "-c:a libmp3lame -b:a 16k -ac 1 -ar 8000", "audio/mpeg", []int{144}, true},
		{"MP3, with tags", "e.mp3", "-c:a libmp3lame -b:a 320k -ar 48000 -metadata title=T -write_id3v1 1", "audio/mpeg", []int{960}, true},
		{"MP3, without any", "f.mp3", "-c:a libmp3lame -b:a 128k -id3v2_version 0 -write_xing 0", "audio/mpeg", []int{417, 418}, false},
		{"MP2", "g.mp2", "-c:a mp2 -b:a 192k -ac 2 -ar 48000", "audio/mpeg", []int{576}, false},
		{"AAC", "h.aac", "-c:a aac -b:a 128k -ac 2 -f adts", "audio/aac", nil, false},
		{"AAC, mono, 16 kHz", "i.aac", "-c:a aac -b:a 32k -ac 1 -ar 16000 -f adts", "audio/aac", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), c.file)
			args := slices.Concat(
				strings.Fields("-v error -f lavfi -i sine=frequency=440:beep_factor=3:sample_rate=44100:duration="+strconv.Itoa(int(playtime.Seconds()))),
				strings.Fields(c.options), []string{path})
			run(t, ffmpeg, args...)
			stream, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f := New("")
			units := places(drive(t, f, stream, true, func() int { return 4096 }))
			if f.Type() != c.want {
				t.Errorf("the type is %q, want %q", f.Type(), c.want)
			}
			starts := checkFrames(t, stream, units, packets(t, ffmpeg, path), c.sizes)
			if c.table != (starts < countFrames(units)) {
				t.Errorf("listeners may start at %d of %d frames, a table is expected: %v", starts, countFrames(units), c.table)
			}
		})
	}
}

// checkFrames checks that the units are the whole file without its tags, and that the starts are
// the packets that ffmpeg finds. It returns their number.
func checkFrames(t *testing.T, stream []byte, units []piece, packets, sizes []int) int {
	t.Helper()
	var sound []byte
	var starts []int
	var length time.Duration
	for _, u := range units {
		if u.duration == 0 {
			continue // a tag
		}
		sound = append(sound, stream[u.at:u.at+u.size]...)
		length += u.duration
		if u.start {
			starts = append(starts, u.size)
			if sizes != nil && !slices.Contains(sizes, u.size) {
				t.Errorf("a frame of %d bytes, want one of %v", u.size, sizes)
			}
		}
	}
	if !bytes.Equal(sound, withoutTags(stream)) {
		t.Errorf("the frames are %d bytes, want the file without its tags, %d bytes", len(sound), len(withoutTags(stream)))
	}
	if !slices.Equal(starts, packets) {
		t.Errorf("%d frames to start at, want the %d packets of ffmpeg", len(starts), len(packets))
	}
	if length < playtime || length > coded {
		t.Errorf("the frames sound for %v, want %v to %v", length, playtime, coded)
	}
	return len(starts)
}

func countFrames(units []piece) (n int) {
	for _, u := range units {
		if u.duration > 0 {
			n++
		}
	}
	return n
}

// withoutTags removes the tags by their specifications, without the code under test.
func withoutTags(stream []byte) []byte {
	if tag, ok := bytes.CutPrefix(stream, []byte("ID3")); ok {
		size := int(tag[3])<<21 | int(tag[4])<<14 | int(tag[5])<<7 | int(tag[6])
		stream = tag[7+size:]
	}
	if end := len(stream) - 128; bytes.HasPrefix(stream[end:], []byte("TAG")) {
		stream = stream[:end]
	}
	return stream
}

// packets returns the sizes of the packets that ffmpeg finds in a file.
func packets(t *testing.T, ffmpeg, path string) (sizes []int) {
	t.Helper()
	list := run(t, ffmpeg, "-v", "error", "-i", path, "-c", "copy", "-f", "framecrc", "-")
	for line := range strings.Lines(list) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, ",") // stream, dts, pts, duration, size, checksum
		size, err := strconv.Atoi(strings.TrimSpace(fields[4]))
		if err != nil {
			t.Fatalf("ffmpeg lists %q: %v", line, err)
		}
		sizes = append(sizes, size)
	}
	return sizes
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.Bytes())
	}
	return string(out)
}
