package format

import (
	"bytes"
	"strings"
	"testing"
)

// stamped returns a packet that begins a PES packet of sound with a stamp, 0 for none.
func stamped(stamp int64, frame []byte) []byte {
	head := []byte{0, 0, 1, 0xc0, 0, 0, 0x80, 0x80, 5, 0x21 | byte(stamp>>30&7)<<1, byte(stamp >> 22), byte(stamp>>15&0x7f)<<1 | 1, byte(stamp >> 7), byte(stamp&0x7f)<<1 | 1}
	if stamp == 0 {
		head[7], head[8] = 0, 0
		head = head[:9]
	}
	p := append([]byte{tsSync, 0x40 | videoPID>>8, videoPID & 0xff, 0x10}, head...)
	p = append(p, frame...)
	return append(p, bytes.Repeat([]byte{0xff}, tsSize-len(p))...)
}

var adtsHead = []byte{0xff, 0xf1, 0x50, 0x80, 0x17, 0x7f, 0xfc}

// takeTS returns the packets that are taken from parts of a stream with one stream of a kind, and
// why there are none.
func takeTS(kind byte, parts ...[]byte) (all []Packet, none string) {
	p := NewPackets("video/mp2t", func(p Packet) {
		p.Data = bytes.Clone(p.Data)
		all = append(all, p)
	})
	init := &Init{Data: tables(0, kind)}
	for _, part := range parts {
		p.Add(part, init)
	}
	none = p.Unsupported()
	p.End()
	return all, none
}

// A piece lasts from one stamp to the next, also where the stamps wrap; a jump is a discontinuity.
func TestPiecesOfMPEGTSLastFromStampToStamp(t *testing.T) {
	rest := slicePID(stamped(1, nil))
	const wrap = 1 << 33
	got, none := takeTS(tsAudioADTS,
		rest, stamped(wrap-9000, adtsHead), rest, stamped(wrap-4500, adtsHead), rest, stamped(0, nil), rest, stamped(1500, adtsHead), tables(0, tsAudioADTS), stamped(900000, adtsHead), stamped(909000, adtsHead))
	want := []struct{ samples, packets, epoch int }{{4500, 2, 1}, {6000, 4, 1}, {6000, 1, 1}, {9000, 1, 2}, {9000, 1, 2}}
	if none != "" || len(got) != len(want) {
		t.Fatalf("%d pieces, %q", len(got), none)
	}
	for i, w := range want {
		if g := got[i]; g.Samples != w.samples || len(g.Data) != w.packets*tsSize || g.Codec.Epoch != w.epoch || g.Codec.Rate != tsRate || g.Codec.Carries.Name != AAC {
			t.Errorf("piece %d: %d ticks in %d packets, %+v", i, g.Samples, len(g.Data)/tsSize, g.Codec)
		}
	}
	if got[0].Codec != got[1].Codec || got[2].Codec.Equal(got[3].Codec) {
		t.Error("a codec changes without a jump, or not with one")
	}
}

// slicePID returns a packet of the same stream that continues.
func slicePID(p []byte) []byte {
	p = bytes.Clone(p)
	p[1] &^= 0x40
	return p
}

func TestMPEGTSThatPlayersDoNotPlay(t *testing.T) {
	layer2 := []byte{0xff, 0xfd, 0x84, 0x04, 0, 0, 0}
	for _, c := range []struct {
		name  string
		kind  byte
		frame []byte
		want  string
	}{
		{"AAC", tsAudioADTS, adtsHead, ""},
		{"MP3", tsAudioMPEG1, []byte{0xff, 0xfb, 0x90, 0xc4, 0, 0, 0}, ""},
		{"AC-3", tsAudioAC3, nil, ""},
		{"E-AC-3", tsAudioEAC3, nil, ""},
		{"layer 2", tsAudioMPEG1, layer2, "AC-3"},
		{"pictures", tsH264, nil, "pictures"},
		{"LOAS", 0x11, nil, "without"},
		{"data", 0x06, nil, "without"},
		{"no frames", tsAudioADTS, layer2, "not found"},
	} {
		var parts [][]byte
		for i := range int64(maxTSTried + 5) {
			parts = append(parts, stamped(9000*(i+1), c.frame))
		}
		got, none := takeTS(c.kind, parts...)
		if c.want == "" != (none == "") || !strings.Contains(none, c.want) || (len(got) == 0) != (c.want != "") {
			t.Errorf("%s: %d pieces, %q", c.name, len(got), none)
		}
	}
}
