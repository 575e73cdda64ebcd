package format

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"
)

func tser() Framer { return newMPEGTS("video/mp2t") }

// tsFill describes a packet of a stream: its flags, the clock in milliseconds unless negative,
// and the beginning of the payload.
type tsFill struct {
	pid     int
	begins  bool
	flags   byte
	clock   int
	payload []byte
}

func (f tsFill) packet() []byte {
	b := []byte{tsSync, byte(f.pid >> 8), byte(f.pid), 0x10}
	if f.begins {
		b[1] |= 0x40
	}
	if f.flags != 0 || f.clock >= 0 {
		b[3] |= 0x20
		field := []byte{1, f.flags}
		if f.clock >= 0 {
			field = []byte{7, f.flags | tsHasPCR}
			ticks := uint64(f.clock) * 27000
			base := ticks / 300 % (1 << 33)
			field = binary.BigEndian.AppendUint32(field, uint32(base>>1))
			field = append(field, byte(base&1)<<7|byte(ticks%300>>8), byte(ticks%300))
		}
		b = append(b, field...)
	}
	b = append(b, f.payload...)
	return append(b, junk(tsSize).data...)[:tsSize]
}

// table makes the section of a current table.
func table(id byte, of int, version byte, content ...byte) []byte {
	b := []byte{id, 0xb0, byte(len(content) + 9), byte(of >> 8), byte(of), 0xc1 | version<<1, 0, 0}
	b = append(b, content...)
	return binary.BigEndian.AppendUint32(b, crc32(^uint32(0), b))
}

const (
	pmtPID   = 0x1000
	videoPID = 0x100
	soundPID = 0x101
)

func patOf(version byte) []byte {
	return table(tsPrograms, 1, version, 0, 0, 0xe0, 0x10, 0, 7, 0xe0|pmtPID>>8, pmtPID&0xff)
}

func pmtOf(version byte, kinds ...byte) []byte {
	content := []byte{0xe0 | videoPID>>8, videoPID & 0xff, 0xf0, 2, 9, 9}
	for i, k := range kinds {
		pid := videoPID + i
		content = append(content, k, 0xe0|byte(pid>>8), byte(pid), 0xf0, 1, 9)
	}
	return table(tsStreams, 7, version, content...)
}

// tables are the packets of both tables.
func tables(version byte, kinds ...byte) []byte {
	return appendTSPackets(appendTSPackets(nil, 0, patOf(version)), pmtPID, pmtOf(version, kinds...))
}

// pes begins a PES packet with those bytes of a stream.
func pes(es ...byte) []byte { return append([]byte{0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 2, 9, 9}, es...) }

func TestListenersBeginWhereTheFirstProgramCanBegin(t *testing.T) {
	for _, c := range []struct {
		name  string
		kinds []byte
		fill  tsFill
		want  bool
	}{
		{"a flag", []byte{tsH264, 0x0f}, tsFill{pid: videoPID, begins: true, flags: tsRandomAccess, payload: pes(0)}, true},
		{"a flag in the midst of a picture", []byte{tsH264, 0x0f}, tsFill{pid: videoPID, flags: tsRandomAccess}, false},
		{"a flag on sound", []byte{tsH264, 0x0f}, tsFill{pid: soundPID, begins: true, flags: tsRandomAccess, payload: pes(0)}, false},
		{"H.264: IDR", []byte{tsH264}, tsFill{pid: videoPID, begins: true, payload: pes(0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x65)}, true},
		{"H.264: parameters", []byte{tsH264}, tsFill{pid: videoPID, begins: true, payload: pes(0, 0, 1, 6, 1, 0, 0, 1, 0x67)}, true},
		{"H.264: another slice", []byte{tsH264}, tsFill{pid: videoPID, begins: true, payload: pes(0, 0, 1, 0x41, 0, 0, 1, 0x67)}, false},
		{"H.265: CRA", []byte{tsHEVC}, tsFill{pid: videoPID, begins: true, payload: pes(0, 0, 1, 70, 1, 0, 0, 1, 21<<1)}, true},
		{"H.265: another slice", []byte{tsHEVC}, tsFill{pid: videoPID, begins: true, payload: pes(0, 0, 1, 1<<1)}, false},
		{"MPEG-2: sequence", []byte{tsMPEG2}, tsFill{pid: videoPID, begins: true, payload: pes(0, 0, 1, 0xb3)}, true},
		{"MPEG-2: picture", []byte{tsMPEG2}, tsFill{pid: videoPID, begins: true, payload: pes(0, 0, 1, 0, 0, 0, 1, 0xb3)}, false},
		{"MPEG-4: layer", []byte{tsMPEG4}, tsFill{pid: videoPID, begins: true, payload: pes(0, 0, 1, 0x20)}, true},
		{"MPEG-4: picture", []byte{tsMPEG4}, tsFill{pid: videoPID, begins: true, payload: pes(0, 0, 1, 0xb6)}, false},
		{"pictures that are not known", []byte{0xea}, tsFill{pid: videoPID, begins: true, payload: pes(0, 0, 1, 0x67)}, false},
		{"sound alone", []byte{0x06, 0x0f}, tsFill{pid: soundPID, begins: true, payload: pes(0)}, true},
		{"what may be sound", []byte{0x06}, tsFill{pid: videoPID, begins: true, payload: pes(0)}, true},
		{"no stream", nil, tsFill{pid: videoPID, begins: true, flags: tsRandomAccess}, false},
		{"no PES packet", []byte{tsH264}, tsFill{pid: videoPID, begins: true, payload: []byte{0, 0, 2}}, false},
		{"a PES header that lies", []byte{tsH264}, tsFill{pid: videoPID, begins: true, payload: []byte{0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 200, 0, 0, 1, 0x65}}, false},
	} {
		c.fill.clock = -1
		got := takeAll(t, tser(), append(tables(0, c.kinds...), c.fill.packet()...), nil)
		if len(got) != 2 || got[0].Start || got[1].Start != c.want {
			t.Errorf("%s: %d units, the last a start: %v, want %v", c.name, len(got), got[len(got)-1].Start, c.want)
		}
	}
}

func TestTheTablesAreTheInit(t *testing.T) {
	packet := tsFill{pid: videoPID, clock: -1}.packet()
	kinds := slices.Repeat([]byte{0x0f}, 40) // its table is longer than a packet
	for _, c := range []struct {
		name  string
		parts [][]byte
		units string // which init they have
	}{
		{"once", [][]byte{tables(0, tsH264), packet}, "11"},
		{"the same again", [][]byte{tables(0, tsH264), packet, tables(0, tsH264), packet}, "11111"},
		{"another version", [][]byte{tables(0, tsH264), packet, tables(1, tsH264, 0x0f), packet}, "11122"},
		{"a long one", [][]byte{tables(0, kinds...), packet}, "11"},
		{"a long one cut short", [][]byte{tables(0, kinds...)[:2*tsSize], packet, tables(0, kinds...)}, "1"},
		{"what precedes them", [][]byte{packet, packet, tables(0, 0x0f), packet}, "11"},
		{"the program before the programs", [][]byte{appendTSPackets(nil, pmtPID, pmtOf(0, 3)), tables(0, 3), packet}, "11"},
		{"a broken CRC", [][]byte{appendTSPackets(nil, 0, append(patOf(0)[:15], 1)), packet}, ""},
		{"another program on that PID", [][]byte{appendTSPackets(nil, 0, patOf(0)), appendTSPackets(nil, pmtPID, table(tsStreams, 8, 0, 0xe1, 0, 0xf0, 0)), packet}, ""},
		{"nothing but the network", [][]byte{appendTSPackets(nil, 0, table(tsPrograms, 1, 0, 0, 0, 0xe0, 0x10)), packet, packet}, ""},
		{"a version to come", [][]byte{tables(0, 3), appendTSPackets(nil, 0, func() []byte {
			b := patOf(1)
			b[5] &^= 1
			return binary.BigEndian.AppendUint32(b[:len(b)-4], crc32(^uint32(0), b[:len(b)-4]))
		}()), packet}, "111"},
	} {
		stream := slices.Concat(c.parts...)
		checkCuts(t, c.name, tser, stream, 1, 200, 700)
		inits, units := inits{}, ""
		for _, u := range takeAll(t, tser(), stream, nil) {
			units += fmt.Sprint(inits.index(u.Init))
		}
		if units != c.units {
			t.Errorf("%s: %q, want %q", c.name, units, c.units)
		}
		if c.units != "" && !bytes.Contains(stream, inits.known[0].Data) {
			t.Errorf("%s: an init of %d bytes that is not there", c.name, len(inits.known[0].Data))
		}
	}
}

// The end of a section may stand before the next one in the same packet.
func TestASectionMayEndWhereAnotherBegins(t *testing.T) {
	long := pmtOf(0, slices.Repeat([]byte{0x0f}, 40)...)
	first := tsFill{pid: pmtPID, begins: true, clock: -1, payload: append([]byte{0}, long[:183]...)}.packet()
	rest := append([]byte{byte(len(long) - 183)}, long[183:]...)
	second := tsFill{pid: pmtPID, begins: true, clock: -1, payload: append(rest, long[:100]...)}.packet()
	stream := slices.Concat(appendTSPackets(nil, 0, patOf(0)), first, second, tsFill{pid: videoPID, clock: -1}.packet())
	if got := takeAll(t, tser(), stream, nil); len(got) != 2 {
		t.Errorf("%d units, want 2", len(got))
	}
}

func TestPacketsAreFoundAgain(t *testing.T) {
	f := func(n int) []part {
		return times(n, func(int) part { return part{data: tsFill{pid: videoPID, clock: -1}.packet(), unit: true} })
	}
	head := []part{{data: tables(0, 0x0f)[:tsSize]}, {data: tables(0, 0x0f)[tsSize:], unit: true}}
	lies := append([]byte{tsSync}, junk(300).data...)
	for name, parts := range map[string][]part{
		"nothing but packets":  slices.Concat(head, f(5)),
		"garbage before":       slices.Concat([]part{junk(99)}, head, f(5)),
		"garbage between":      slices.Concat(head, f(4), []part{junk(99)}, f(4), []part{junk(1000)}, f(4)),
		"garbage after":        slices.Concat(head, f(4), []part{junk(700)}),
		"a false sync":         slices.Concat(head, f(3), []part{{data: []byte{0}}, {data: lies}}, f(4)),
		"the end cut short":    slices.Concat(head, f(4), []part{lost(cutShort(f(1)[0]))}),
		"one packet at an end": slices.Concat(head, f(4), []part{junk(99)}, f(1)),
	} {
		stream, want := assemble(parts...)
		if d := difference(whole(t, tser(), stream), want); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		checkCuts(t, name, tser, stream, 1, 300, 5000)
	}
}

func TestPacketsLastFromClockToClock(t *testing.T) {
	const wrap = int(tsWrap / 27000) // ms, a bit less
	for _, c := range []struct {
		clocks []int
		want   []time.Duration
	}{
		{[]int{1000, 1100, 1140}, []time.Duration{0, 100, 40}},
		{[]int{1000, -1, 1100}, []time.Duration{0, 0, 100}},
		{[]int{1000, 500, 540}, []time.Duration{0, 0, 40}},
		{[]int{1000, 60_000, 60_040}, []time.Duration{0, 0, 40}},
		{[]int{wrap - 40, wrap, wrap + 40}, []time.Duration{0, 40, 40}},
	} {
		stream := tables(0, tsH264)
		for _, clock := range c.clocks {
			stream = append(stream, tsFill{pid: videoPID, clock: clock}.packet()...)
			stream = append(stream, tsFill{pid: soundPID, clock: 77}.packet()...) // that of another
		}
		var got []time.Duration
		for i, u := range takeAll(t, tser(), stream, nil)[1:] {
			if i%2 == 0 {
				got = append(got, u.Duration.Round(time.Millisecond)/time.Millisecond)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: %d, want %d", c.clocks, got, c.want)
		}
	}
	leaps := append(tables(0, tsH264), tsFill{pid: videoPID, clock: 0}.packet()...)
	leaps = append(leaps, tsFill{pid: videoPID, clock: 50, flags: tsDiscontinuity}.packet()...)
	if got := takeAll(t, tser(), leaps, nil); got[2].Duration != 0 {
		t.Errorf("a clock that leaps, as it says, takes %v", got[2].Duration)
	}
}
