package hls_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// tones are what sources sound like, in Hz, so that it is heard at the output which one plays.
var tones = []int{440, 880, 1320}

// toneSeconds is how long a source sounds: more than a scene takes beside busy programs.
const toneSeconds = 240

// carrier is a codec that HLS carries.
type carrier struct {
	name, ext, contentType string
	args                   []string // of ffmpeg

	sound [][]byte // the tones, in tones' order
	other []byte   // the second tone with another sampling rate, or mono where there is only one
}

// carriers returns the codecs of the table in the documentation with their sound, by ffmpeg.
func carriers(t testing.TB) []*carrier {
	all := []*carrier{
		{name: "MP3", ext: "mp3", contentType: "audio/mpeg", args: []string{"-c:a", "libmp3lame", "-b:a", "128k", "-f", "mp3"}},
		{name: "AAC", ext: "aac", contentType: "audio/aac", args: []string{"-c:a", "aac", "-b:a", "96k", "-f", "adts"}},
		{name: "Opus", ext: "opus", contentType: "application/ogg", args: []string{"-c:a", "libopus", "-b:a", "64k", "-vbr", "off", "-page_duration", "20000", "-f", "ogg"}},
		{name: "FLAC", ext: "oga", contentType: "application/ogg", args: []string{"-c:a", "flac", "-f", "ogg"}},
	}
	ffmpeg := harness.Program(t, "ffmpeg")
	var making sync.WaitGroup
	for _, c := range all {
		rate, otherRate, otherChannels := "44100", "48000", "2"
		if c.name == "Opus" {
			rate, otherChannels = "48000", "1"
		}
		c.sound = make([][]byte, len(tones))
		make1 := func(to *[]byte, tone int, rate, channels string) {
			making.Go(func() {
				args := slices.Concat([]string{"-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=%d:sample_rate=%s:duration=%d", tone, rate, toneSeconds), "-ac", channels}, c.args, []string{"pipe:1"})
				out, err := exec.CommandContext(t.Context(), ffmpeg, args...).Output()
				if *to = out; err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
			})
		}
		for i, tone := range tones {
			make1(&c.sound[i], tone, rate, "2")
		}
		make1(&c.other, tones[1], otherRate, otherChannels)
	}
	if making.Wait(); t.Failed() {
		t.FailNow()
	}
	return all
}

// send connects a source, and returns a function that ends it.
func (c *carrier) send(s *harness.Server, mount string, sound []byte) (end func()) {
	s.T.Helper()
	return s.SendInTime(mount, c.contentType, sound, toneSeconds*time.Second, time.Second)
}

// wav reads the tones in a file that a player writes. A player that changes the sampling rate
// begins it again.
type wav struct {
	path           string
	at             int64 // what was read; 0: not even the header
	rate, channels int
	heard          map[int]int // windows by tone
}

// window is a part of a second in which a tone is looked for.
const windows = 10

// read counts the windows with each tone since the last read.
func (w *wav) read() {
	f, err := os.Open(w.path)
	if err != nil {
		return
	}
	defer f.Close()
	const header = 44
	if info, err := f.Stat(); err != nil || info.Size() < w.at {
		w.at = 0
	}
	if w.at == 0 {
		var h [header]byte
		if _, err := io.ReadFull(f, h[:]); err != nil {
			return
		}
		w.channels, w.rate = int(binary.LittleEndian.Uint16(h[22:])), int(binary.LittleEndian.Uint32(h[24:]))
		w.at = header
	}
	size := w.rate / windows * w.channels * 2
	if size <= 0 {
		return
	}
	for b := make([]byte, size); ; w.at += int64(size) {
		if _, err := f.ReadAt(b, w.at); err != nil {
			return
		}
		samples := make([]float64, w.rate/windows)
		for i := range samples {
			samples[i] = float64(int16(binary.LittleEndian.Uint16(b[i*w.channels*2:])))
		}
		if tone := loudest(samples, w.rate); tone > 0 {
			w.heard[tone]++
		}
	}
}

// loudest returns the tone that makes up most of the samples, 0 if none does: by Goertzel's
// algorithm.
func loudest(samples []float64, rate int) int {
	var energy float64
	for _, s := range samples {
		energy += s * s
	}
	for _, tone := range tones {
		c := 2 * math.Cos(2*math.Pi*float64(tone)/float64(rate))
		var a, b float64
		for _, s := range samples {
			a, b = s+c*a-b, a
		}
		if power := a*a + b*b - c*a*b; energy > 1e6 && 2*power/float64(len(samples)) > energy*.8 {
			return tone
		}
	}
	return 0
}
