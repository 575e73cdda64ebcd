package hls

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/programs"
	"github.com/caddycast/caddycast/streaming/format"
)

// encoded makes a stream by ffmpeg.
func encoded(t testing.TB, seconds float64, args ...string) []byte {
	t.Helper()
	all := append([]string{"-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=440:duration=%g", seconds)}, args...)
	cmd := exec.Command(programs.Path(t, "ffmpeg"), append(all, "pipe:1")...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	stream, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &errs)
	}
	return stream
}

// packetsOf returns the packets of a stream, as they are taken from units that a framer cut.
func packetsOf(t testing.TB, contentType string, stream []byte) (all []format.Packet) {
	t.Helper()
	p := format.NewPackets(contentType, func(p format.Packet) {
		p.Data = bytes.Clone(p.Data)
		all = append(all, p)
	})
	f := format.New(contentType)
	for len(stream) > 0 {
		n, u := f.Next(stream[:min(len(stream), format.MaxUnit)], len(stream) <= format.MaxUnit)
		if n == 0 && u.Data == nil {
			break
		}
		if stream = stream[n:]; u.Data != nil {
			p.Add(u.Data, u.Init)
		}
	}
	p.End()
	if why := p.Unsupported(); why != "" {
		t.Fatalf("no packets are taken from %s", why)
	}
	return all
}

var began = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// cut makes a complete list of packets, which come as fast as they sound.
func cut(o Options, packets []format.Packet, titles func(at time.Duration) Title) (*Segmenter, *Page) {
	s, l := NewSegmenter(o), NewList(o.Segment, 1000, o.First, 7)
	var at time.Duration
	for _, p := range packets {
		title := Title{Name: "Tëst"}
		if titles != nil {
			title = titles(at)
		}
		if done := s.Add(p, title, began.Add(at)); done != nil {
			l.Add(done)
		}
		at += time.Duration(p.Samples) * time.Second / time.Duration(p.Codec.Rate)
	}
	if done := s.Flush(); done != nil {
		l.Add(done)
	}
	l.End()
	return s, l.Page()
}

// write writes a list into a folder and returns the path of its entry.
func write(t testing.TB, page *Page) string {
	t.Helper()
	folder := t.TempDir()
	files := map[string][]byte{"index.m3u8": page.Full().Text, "live.m3u8": []byte(Entry("", 0, Variant{page, "index.m3u8"}))}
	for _, s := range page.Segments {
		files[s.Name] = s.Data
		if s.Init != nil {
			files[s.Init.Name] = s.Init.Data
		}
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(folder, "live.m3u8")
}

// decoded returns the bytes of sound, 16 bits, that ffmpeg hears without a complaint.
func decoded(t testing.TB, file string, args ...string) []byte {
	t.Helper()
	all := append([]string{"-hide_banner", "-loglevel", "error", "-allowed_extensions", "ALL", "-i", file}, args...)
	if !strings.HasSuffix(file, ".m3u8") {
		all = append(all[:3], all[5:]...)
	}
	cmd := exec.Command(programs.Path(t, "ffmpeg"), append(all, "-f", "s16le", "pipe:1")...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	sound, err := cmd.Output()
	for line := range strings.Lines(errs.String()) {
		// It takes the stamp of a segment of MP3 for that of a frame which it has yet to read.
		if err != nil || !strings.Contains(line, "non monotonically increasing dts") {
			t.Fatalf("decoding %s: %v\n%s", file, err, &errs)
		}
	}
	return sound
}

// ffmpeg hears the whole stream from its list: as much as from the stream itself, packet for
// packet, and names the codec.
func TestFFmpegHearsEveryPacketOfAList(t *testing.T) {
	for _, c := range []struct {
		name, contentType, codec string
		fmp4                     bool
		slack                    int // samples after the end, which only Ogg and WebM tell
		args                     []string
	}{
		{"MP3", "audio/mpeg", "mp3", false, 0, []string{"-c:a", "libmp3lame", "-b:a", "128k", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3"}},
		{"MP3 of 22 kHz", "audio/mpeg", "mp3", false, 0, []string{"-ar", "22050", "-c:a", "libmp3lame", "-b:a", "64k", "-f", "mp3"}},
		{"AAC", "audio/aac", "aac", false, 0, []string{"-c:a", "aac", "-b:a", "96k", "-f", "adts"}},
		{"AAC in fMP4", "audio/aac", "aac", true, 0, []string{"-c:a", "aac", "-b:a", "96k", "-f", "adts"}},
		{"Opus in Ogg", "application/ogg", "opus", false, 700, []string{"-c:a", "libopus", "-b:a", "64k", "-f", "ogg"}},
		{"Opus of 60 ms", "application/ogg", "opus", false, 700, []string{"-c:a", "libopus", "-frame_duration", "60", "-b:a", "64k", "-f", "ogg"}},
		{"Opus of 6 channels", "application/ogg", "opus", false, 700, []string{"-af", "pan=5.1|FL=c0|FR=c0|FC=c0|LFE=c0|BL=c0|BR=c0", "-c:a", "libopus", "-mapping_family", "1", "-b:a", "192k", "-f", "ogg"}},
		{"Opus in WebM", "audio/webm", "opus", false, 700, []string{"-c:a", "libopus", "-b:a", "64k", "-f", "webm"}},
		{"FLAC in Ogg", "application/ogg", "flac", false, 0, []string{"-ac", "2", "-c:a", "flac", "-f", "ogg"}},
		{"FLAC", "audio/flac", "flac", false, 0, []string{"-c:a", "flac", "-f", "flac"}},
		{"FLAC of 96 kHz", "audio/flac", "flac", false, 0, []string{"-ar", "96000", "-c:a", "flac", "-sample_fmt", "s32", "-f", "flac"}},
		{"AAC in MPEG-TS", "video/mp2t", "aac", false, 0, []string{"-c:a", "aac", "-b:a", "96k", "-f", "mpegts"}},
		{"MP3 in MPEG-TS", "video/mp2t", "mp3", false, 0, []string{"-c:a", "libmp3lame", "-b:a", "128k", "-f", "mpegts"}},
		{"AC-3 in MPEG-TS", "video/mp2t", "ac3", false, 0, []string{"-c:a", "ac3", "-b:a", "192k", "-f", "mpegts"}},
		{"FLAC in Matroska", "audio/x-matroska", "flac", false, 0, []string{"-c:a", "flac", "-f", "matroska"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			stream := encoded(t, 13.3, c.args...)
			file := filepath.Join(t.TempDir(), "stream")
			if err := os.WriteFile(file, stream, 0o600); err != nil {
				t.Fatal(err)
			}
			packets := packetsOf(t, c.contentType, stream)
			s, page := cut(Options{Segment: 4 * time.Second, FMP4: c.fmp4, First: 1795935600}, packets, nil)
			if n := len(page.Segments); n != 4 {
				t.Fatalf("%d segments of 13.3 s, want 4\n%s", n, page.Full().Text)
			}
			entry := write(t, page)
			want, got := len(decoded(t, file)), len(decoded(t, entry))
			codec := s.Codec()
			if codec.Carries != nil {
				codec = codec.Carries
			}
			if codec.Channels == 0 { // of AC-3
				codec = &format.Codec{Rate: 44100, Channels: 1}
			}
			frame := 2 * codec.Channels
			if diff := (got - want) / frame; diff < -c.slack || diff > c.slack {
				t.Errorf("%d samples are heard, want %d ± %d", got/frame, want/frame, c.slack)
			}
			out, err := exec.Command(programs.Path(t, "ffprobe"), "-v", "error", "-allowed_extensions", "ALL",
				"-show_entries", "stream=codec_name,sample_rate,channels", "-of", "csv=p=0", entry).CombinedOutput()
			if want := fmt.Sprintf("%s,%d,%d", c.codec, codec.Rate, codec.Channels); err != nil || !strings.HasPrefix(string(out), want) {
				t.Errorf("ffprobe sees %q, want %s: %v", out, want, err)
			}
		})
	}
}

// Without the tags, packed segments in a row are the stream, byte for byte.
func TestPackedSegmentsAreTheFramesOfTheStream(t *testing.T) {
	stream := encoded(t, 9, "-c:a", "aac", "-b:a", "96k", "-f", "adts")
	_, page := cut(Options{Segment: 2 * time.Second}, packetsOf(t, "audio/aac", stream), nil)
	var got []byte
	for _, s := range page.Segments {
		size := id3Header + int(s.Data[6])<<21 + int(s.Data[7])<<14 + int(s.Data[8])<<7 + int(s.Data[9])
		got = append(got, s.Data[size:]...)
	}
	if !bytes.Equal(got, stream) {
		t.Errorf("%d bytes in segments, want the %d of the stream", len(got), len(stream))
	}
}

// ffmpeg hears both sources where one with another rate follows in the same list.
func TestAnotherRateIsADiscontinuity(t *testing.T) {
	for name, args := range map[string][]string{
		"audio/mpeg": {"-c:a", "libmp3lame", "-b:a", "128k", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3"},
		"audio/flac": {"-c:a", "flac", "-f", "flac"},
	} {
		first := packetsOf(t, name, encoded(t, 5, append([]string{"-ar", "44100"}, args...)...))
		second := packetsOf(t, name, encoded(t, 5, append([]string{"-ar", "48000"}, args...)...))
		_, page := cut(Options{Segment: 4 * time.Second}, append(first, second...), nil)
		var marked []int
		for i, s := range page.Segments {
			if s.Discontinuity {
				marked = append(marked, i)
			}
		}
		if len(marked) != 1 || marked[0] != 2 || page.Segments[2].Rate != 48000 {
			t.Errorf("%s: discontinuities at %v, want at the third segment\n%s", name, marked, page.Full().Text)
		}
		if init := page.Segments[2].Init; init != nil && init == page.Segments[1].Init {
			t.Error("no other init")
		}
	}
}

// Another source of MPEG-TS has stamps of its own: a discontinuity. The counters of the tables go on, as
// those of the sound do, and ffmpeg hears both.
func TestAnotherSourceOfMPEGTSIsADiscontinuity(t *testing.T) {
	stream := func(args ...string) []byte {
		return encoded(t, 5, append(args, "-c:a", "aac", "-b:a", "96k", "-f", "mpegts")...)
	}
	all := append(packetsOf(t, "video/mp2t", stream()), packetsOf(t, "video/mp2t", stream("-output_ts_offset", "500"))...)
	second := *all[len(all)-1].Codec
	second.Epoch++ // as the packets of one mount have it
	for i := range all {
		if i >= len(all)/2 {
			all[i].Codec = &second
		}
	}
	_, page := cut(Options{Segment: 2 * time.Second}, all, nil)
	next := make(map[int]byte)
	marked := 0
	for _, s := range page.Segments {
		if s.Discontinuity {
			marked++
		}
		for p := s.Data; len(p) > 0; p = p[tsPacketSize:] {
			if pid := int(p[1]&0x1f)<<8 | int(p[2]); pid == 0 || pid == 0x1000 {
				if p[3]&0x0f != next[pid]&0x0f {
					t.Fatalf("the counter of %d is %d, want %d", pid, p[3]&0x0f, next[pid]&0x0f)
				}
				next[pid]++
			}
		}
	}
	if marked != 1 || int(next[0]) != len(page.Segments) || int(next[0x1000]) != len(page.Segments) {
		t.Errorf("%d discontinuities, tables %v in %d segments", marked, next, len(page.Segments))
	}
	if heard := float64(len(decoded(t, write(t, page)))) / 2 / 44100; heard < 9.9 || heard > 10.2 {
		t.Errorf("ffmpeg hears %.2f s of 10", heard)
	}
}
