package format

import (
	"bytes"
	"testing"
	"time"
)

// loasPart makes a frame of 1024 samples at 24 kHz. Every fourth one has the configuration.
func loasPart(i int) part {
	data := junk([]int{60, 33, 90, 41}[i%4]).data
	data[0], data[1], data[2], data[3] = loasSync, 0xe0, byte(len(data)-loasHeader), 0x80
	if i%4 == 0 {
		copy(data[3:], "\x20\x00\x13\x08\x1f")
	}
	for at := range data[4:] {
		if data[4+at] == loasSync {
			data[4+at] = 0
		}
	}
	return part{data: data, unit: true, start: i%4 == 0, duration: 1024 * time.Second / 24000}
}

func TestTheDurationOfALOASFrameIsThatOfItsConfiguration(t *testing.T) {
	for _, c := range []struct {
		name, config string
		want         time.Duration
	}{
		{"AAC LC at 24 kHz", "\x20\x00\x13\x08\x1f...", 1024 * time.Second / 24000},
		{"AAC LC at 44.1 kHz", "\x20\x00\x12\x10\x1f...", 1024 * time.Second / 44100},
		{"three subframes", "\x21\x00\x12\x10\x1f...", 3 * 1024 * time.Second / 44100},
		{"frames of 960 samples", "\x20\x00\x13\x0c\x1f...", 960 * time.Second / 24000},
		{"HE-AAC, 24 kHz doubled", "\x20\x00\x2b\x09\x88\x1f..", 1024 * time.Second / 24000},
		{"a rate in full, 44100", "\x20\x00\x17\x80\x56\x22\x08\x00", 1024 * time.Second / 44100},
		{"a rate of zero", "\x20\x00\x17\x80\x00\x00\x08\x00", 0},
		{"another version", "\x40\x00\x13\x08\x1f...", 0},
		{"two programs", "\x20\x08\x13\x08\x1f...", 0},
		{"another codec", "\x20\x00\x0b\x08\x1f...", 0},
		{"too short", "\x20\x00\x13\x08", 0},
	} {
		if got := loasDuration([]byte(c.config)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestListenersOfLOASBeginWithTheConfiguration(t *testing.T) {
	stream, want := assemble(times(12, loasPart)...)
	late := stream[20:]
	for name, declared := range map[string]string{"no type": "", "the type of ADTS": "audio/aacp", "its own": "audio/MP4A-LATM"} {
		f := New(declared)
		units := whole(t, f, late)
		if f.Type() != "audio/mp4a-latm" || len(units) != len(want)-1 {
			t.Fatalf("%s: %d units of %s, want %d", name, len(units), f.Type(), len(want)-1)
		}
		for _, u := range units {
			if !bytes.HasPrefix(late[u.at:], []byte{loasSync, 0xe0}) || u.start != (late[u.at+3] == 0x20) {
				t.Errorf("%s: a unit at %d, a start: %v", name, u.at, u.start)
			}
		}
	}
}
