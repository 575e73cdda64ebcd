package hls

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// FuzzSegments cuts any bytes that a framer takes, as any format, into segments whose boxes and
// tags are whole.
func FuzzSegments(f *testing.F) {
	types := []string{"audio/mpeg", "audio/aac", "audio/flac", "application/ogg", "audio/webm", "video/mp2t"}
	for i, args := range [][]string{
		{"-c:a", "libmp3lame", "-f", "mp3"},
		{"-c:a", "aac", "-f", "adts"},
		{"-c:a", "flac", "-f", "flac"},
		{"-c:a", "libopus", "-f", "ogg"},
		{"-c:a", "libopus", "-f", "webm"},
		{"-c:a", "aac", "-f", "mpegts"},
	} {
		f.Add(byte(i), false, "a\"\n", encoded(f, 0.5, args...))
	}
	f.Fuzz(func(t *testing.T, kind byte, fmp4 bool, title string, stream []byte) {
		contentType := types[int(kind)%len(types)]
		s := NewSegmenter(Options{Segment: time.Second, Part: 500 * time.Millisecond, FMP4: fmp4})
		check := func(done *Segment) {
			if done == nil {
				return
			}
			if done.Samples == 0 || done.Rate <= 0 || done.Samples > uint64(done.Rate)*8 {
				t.Fatalf("a segment of %d samples at %d Hz", done.Samples, done.Rate)
			}
			checkBytes(t, done)
			for _, p := range done.Parts {
				checkBytes(t, &Segment{Name: p.Name, Data: p.Data, Init: done.Init})
			}
		}
		p := format.NewPackets(contentType, func(p format.Packet) {
			if s.Fits(p.Codec) {
				check(s.Add(p, Title{Name: title}, began))
			}
		})
		framer := format.New(contentType)
		for len(stream) > 0 {
			n, u := framer.Next(stream, true)
			if n == 0 && u.Data == nil {
				break
			}
			if stream = stream[n:]; u.Data != nil {
				p.Add(u.Data, u.Init)
			}
		}
		p.End()
		check(s.Flush())
	})
}

// checkBytes checks that a segment begins with a whole tag, or consists of whole boxes.
func checkBytes(t *testing.T, s *Segment) {
	t.Helper()
	if strings.HasSuffix(s.Name, endingTS) {
		if len(s.Data)%tsPacketSize != 0 || len(s.Data) == 0 || s.Data[0] != 0x47 || s.Data[1]&0x1f|s.Data[2] != 0 {
			t.Fatalf("no packets of MPEG-TS: %d bytes, %q", len(s.Data), s.Data[:min(len(s.Data), 8)])
		}
		return
	}
	if s.Init == nil {
		b := s.Data
		if size := int(b[6])<<21 + int(b[7])<<14 + int(b[8])<<7 + int(b[9]); string(b[:3]) != "ID3" || b[6]|b[7]|b[8]|b[9] > 0x7f || id3Header+size > len(b) {
			t.Fatalf("no tag: %q", b[:min(len(b), 80)])
		}
		return
	}
	for _, data := range [][]byte{s.Init.Data, s.Data} {
		for len(data) > 0 {
			if len(data) < boxHeader {
				t.Fatalf("%d bytes are left", len(data))
			}
			size := int(binary.BigEndian.Uint32(data))
			if size < boxHeader || size > len(data) {
				t.Fatalf("a box %q of %d of %d bytes", data[4:8], size, len(data))
			}
			data = data[size:]
		}
	}
}
