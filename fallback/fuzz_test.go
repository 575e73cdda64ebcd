package fallback

import (
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// webm is the beginning of WebM and Matroska.
var webm = append([]byte("\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm\x42\x87\x81\x04\x42\x85\x81\x02"), make([]byte, 100)...)

// FuzzPlayer plays any bytes, followed by a playable file: each read ends and returns something,
// and the amount of output is bounded by time.
func FuzzPlayer(f *testing.F) {
	opus := standbyFile(f, "mono-48000.opus")[:700] // headers and a page
	f.Add(mp3(2), uint16(4096))
	f.Add(slices.Concat(id3v2Text("T", "A"), mp3(2), []byte("garbage"), id3v1("T", "A")), uint16(100))
	f.Add(standbyFile(f, "mono-44100.aac")[:200], uint16(1000))
	f.Add(opus, uint16(2000))
	f.Add(slices.Concat(opus, opus), uint16(60000))
	f.Add(webm, uint16(1000))
	f.Fuzz(func(t *testing.T, data []byte, size uint16) {
		files := fstest.MapFS{"a": {Data: data}, "b": {Data: mp3(5)}}
		p, clock := timed(t, NewPlayer([]string{"a", "b"}, Options{}))
		p.playFrom(files)
		p.stream.serials.next = 1 // the same input must take the same way
		buf := make([]byte, int(size)+1)
		most := len(buf) + maxBuffer + format.MaxInit
		sent := 0
		for range 50 {
			n, err := p.Read(buf)
			if err != nil || n == 0 { // one of the two decides the type, and can be played
				t.Fatalf("read %d bytes, %v", n, err)
			}
			sent += n
			if limit := most + int((clock.passed()+headStart)/minByteTime); sent > limit {
				t.Fatalf("%d bytes came in %v", sent, clock.passed())
			}
			if p.track != nil && cap(p.track.units.buf) > maxBuffer {
				t.Fatalf("%d bytes are held", cap(p.track.units.buf))
			}
		}
		if clock.passed() > 50*time.Minute {
			t.Errorf("50 reads took %v", clock.passed())
		}
	})
}
