package format

import (
	"testing"
	"time"
)

// The sizes follow from ISO 11172-3, 2.4.3.1, and ISO 13818-3.
func TestAnMPEGHeaderTellsSizeAndDuration(t *testing.T) {
	for _, c := range []struct {
		name   string
		header [3]byte
		size   int
		micros int64
	}{
		{"version 1, layer III, 128 kbit/s, 44.1 kHz", [3]byte{0xff, 0xfb, 0x90}, 417, 26122},
		{"with padding", [3]byte{0xff, 0xfb, 0x92}, 418, 26122},
		{"with CRC", [3]byte{0xff, 0xfa, 0x90}, 417, 26122},
		{"with the private bit", [3]byte{0xff, 0xfb, 0x91}, 417, 26122},
		{"320 kbit/s, 48 kHz", [3]byte{0xff, 0xfb, 0xe4}, 960, 24000},
		{"320 kbit/s, 32 kHz", [3]byte{0xff, 0xfb, 0xe8}, 1440, 36000},
		{"32 kbit/s, 32 kHz", [3]byte{0xff, 0xfb, 0x18}, 144, 36000},
		{"version 1, layer II, 192 kbit/s, 48 kHz", [3]byte{0xff, 0xfd, 0xa4}, 576, 24000},
		{"384 kbit/s, 44.1 kHz", [3]byte{0xff, 0xfd, 0xe0}, 1253, 26122},
		{"with padding", [3]byte{0xff, 0xfd, 0xe2}, 1254, 26122},
		{"version 1, layer I, 384 kbit/s, 44.1 kHz", [3]byte{0xff, 0xff, 0xc0}, 416, 8707},
		{"with padding, four bytes", [3]byte{0xff, 0xff, 0xc2}, 420, 8707},
		{"448 kbit/s, 32 kHz", [3]byte{0xff, 0xff, 0xe8}, 672, 12000},
		{"version 2, layer III, 64 kbit/s, 22.05 kHz", [3]byte{0xff, 0xf3, 0x80}, 208, 26122},
		{"with padding", [3]byte{0xff, 0xf3, 0x82}, 209, 26122},
		{"8 kbit/s, 24 kHz, the shortest", [3]byte{0xff, 0xf3, 0x14}, 24, 24000},
		{"160 kbit/s, 16 kHz", [3]byte{0xff, 0xf3, 0xe8}, 720, 36000},
		{"version 2, layer II, 160 kbit/s, 16 kHz", [3]byte{0xff, 0xf5, 0xe8}, 1440, 72000},
		{"version 2, layer I, 256 kbit/s, 22.05 kHz", [3]byte{0xff, 0xf7, 0xe0}, 556, 17414},
		{"version 2.5, layer III, 32 kbit/s, 11.025 kHz", [3]byte{0xff, 0xe3, 0x40}, 208, 52244},
		{"8 kbit/s, 8 kHz", [3]byte{0xff, 0xe3, 0x18}, 72, 72000},
		{"version 2.5, layer II, 64 kbit/s, 12 kHz", [3]byte{0xff, 0xe5, 0x84}, 768, 96000},
		{"160 kbit/s, 8 kHz, the longest", [3]byte{0xff, 0xe5, 0xea}, 2881, 144000},
		{"version 2.5, layer I, 32 kbit/s, 8 kHz", [3]byte{0xff, 0xe7, 0x18}, 192, 48000},
	} {
		h, ok := parseMPEG(append(c.header[:], 0xc4))
		if !ok || h.free || h.size != c.size || h.duration/time.Microsecond != time.Duration(c.micros) {
			t.Errorf("%s: %d bytes and %v (%v), want %d and %d µs", c.name, h.size, h.duration, ok, c.size, c.micros)
		}
	}
}

func TestWhatIsNoMPEGHeaderIsRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		header [4]byte
	}{
		{"no sync", [4]byte{0xfe, 0xfb, 0x90, 0xc4}},
		{"half a sync", [4]byte{0xff, 0xdb, 0x90, 0xc4}},
		{"reserved version", [4]byte{0xff, 0xeb, 0x90, 0xc4}},
		{"reserved layer, as in ADTS", [4]byte{0xff, 0xf9, 0x50, 0x80}},
		{"forbidden bitrate", [4]byte{0xff, 0xfb, 0xf0, 0xc4}},
		{"reserved sampling rate", [4]byte{0xff, 0xfb, 0x9c, 0xc4}},
		{"reserved emphasis", [4]byte{0xff, 0xfb, 0x90, 0xc2}},
		{"only ones", [4]byte{0xff, 0xff, 0xff, 0xff}},
		{"only zeros", [4]byte{}},
	} {
		if h, ok := parseMPEG(c.header[:]); ok {
			t.Errorf("%s: % x was read as %+v", c.name, c.header, h)
		}
	}
}

func TestNobodyStartsAtAFrameThatDescribesAFile(t *testing.T) {
	with := func(m mpegFrame, at int, word string) part {
		p := m.part()
		copy(p.data[at:], word)
		p.start = false
		return p
	}
	start := func(p part) part {
		p.start = true
		return p
	}
	v1 := mpegFrame{version: 1, layer: 3, kbps: 128, hz: 44100}
	v2 := mpegFrame{version: 2, layer: 3, kbps: 64, hz: 22050}
	v25 := mpegFrame{version: 3, layer: 3, kbps: 32, hz: 8000}
	mono := func(m mpegFrame) mpegFrame { m.mono = true; return m }
	crc := func(m mpegFrame) mpegFrame { m.crc = true; return m }
	mp2 := mpegFrame{version: 1, layer: 2, kbps: 128, hz: 44100}
	tiny := mpegFrame{version: 2, layer: 3, kbps: 8, hz: 24000}
	for _, c := range []struct {
		name  string
		frame mpegFrame
		first part
	}{
		{"Xing, version 1, stereo", v1, with(v1, 36, "Xing")},
		{"Info, version 1, stereo", v1, with(v1, 36, "Info")},
		{"Xing, version 1, mono", mono(v1), with(mono(v1), 21, "Xing")},
		{"Info, version 2, stereo", v2, with(v2, 21, "Info")},
		{"Xing, version 2, mono", mono(v2), with(mono(v2), 13, "Xing")},
		{"Info, version 2.5, stereo", v25, with(v25, 21, "Info")},
		{"Info, version 2.5, mono", mono(v25), with(mono(v25), 13, "Info")},
		{"Xing behind a CRC", crc(v1), with(crc(v1), 38, "Xing")},
		{"VBRI, version 1", v1, with(v1, 36, "VBRI")},
		{"VBRI, version 2, mono", mono(v2), with(mono(v2), 36, "VBRI")},
		{"the words at another place are sound", v1, start(with(v1, 100, "XingInfoVBRI"))},
		{"those of mono in stereo too", v1, start(with(v1, 21, "Xing"))},
		{"there is none in layer II", mp2, start(with(mp2, 36, "Xing"))},
		{"nor in what is too short for it", tiny, tiny.part()},
	} {
		frame := func(int) part { return c.frame.part() }
		stream, want := assemble(append([]part{c.first}, times(5, frame)...)...)
		if d := difference(whole(t, newMPEG("audio/mpeg"), stream), want); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}
