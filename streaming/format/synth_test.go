package format

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"
)

// part is a piece of a synthetic stream with the expected result.
type part struct {
	data     []byte
	unit     bool // it comes out as a unit of its own
	start    bool
	duration time.Duration

	renumbered []byte // the unit, if that is not the data
}

// piece is a unit by its position in the stream.
type piece struct {
	at, size int
	start    bool
	duration time.Duration
}

// assemble joins the parts of a stream and returns its expected units.
func assemble(parts ...part) (stream []byte, units []piece) {
	for _, p := range parts {
		switch {
		case p.renumbered != nil: // what is no piece of the stream is where it ends
			units = append(units, piece{len(stream) + len(p.data), len(p.renumbered), p.start, p.duration})
		case p.unit:
			units = append(units, piece{len(stream), len(p.data), p.start, p.duration})
		}
		stream = append(stream, p.data...)
	}
	return stream, units
}

// bytesOf returns the bytes of a stream.
func bytesOf(parts ...part) []byte {
	stream, _ := assemble(parts...)
	return stream
}

// junk returns n bytes without the beginning of a header or a tag.
func junk(n int) part {
	data := make([]byte, 0, n+len(harmless))
	for len(data) < n {
		data = append(data, harmless...)
	}
	return part{data: data[:n:n]}
}

var harmless = func() []byte {
	data := noise(0, 4001)
	for i, c := range data {
		if c == 0xff || c == 'I' || c == 'T' {
			data[i] = 0
		}
	}
	return data
}()

// noise returns n random bytes.
func noise(seed uint64, n int) []byte {
	data := make([]byte, n)
	r := rand.New(rand.NewPCG(2, seed))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

// lost is a part that must be dropped.
func lost(p part) part { return part{data: p.data} }

// cutShort is a part without its end.
func cutShort(p part) part { return part{data: p.data[:len(p.data)/2]} }

// times returns n consecutive frames of a kind.
func times(n int, frame func(i int) part) []part {
	parts := make([]part, n)
	for i := range parts {
		parts[i] = frame(i)
	}
	return parts
}

// mpegFrame describes an MPEG audio frame.
type mpegFrame struct {
	version, layer int // the version is 1, 2, or 3 for what is called 2.5
	kbps, hz       int // 0 kbit/s is free format
	free           int // the size in free format, without padding
	pad, mono, crc bool
}

// part makes the frame. Its payload does not look like a header.
func (m mpegFrame) part() part {
	table := map[[2]int]int{{1, 1}: 0, {1, 2}: 1, {1, 3}: 2, {2, 1}: 3}
	row, ok := table[[2]int{min(m.version, 2), m.layer}]
	if !ok {
		row = 4
	}
	base := []int{44100, 22050, 11025}[m.version-1]
	rate := slices.Index([]int{base, base * 480 / 441, base * 320 / 441}, m.hz)
	head := uint32(0xffe00000) |
		[]uint32{3, 2, 0}[m.version-1]<<19 |
		uint32(4-m.layer)<<17 |
		uint32(slices.Index(mpegBitrates[row][:], m.kbps))<<12 |
		uint32(rate)<<10
	if !m.crc {
		head |= 1 << 16
	}
	if m.pad {
		head |= 1 << 9
	}
	if m.mono {
		head |= 3 << 6
	}
	size, duration := m.measures()
	data := junk(size).data
	binary.BigEndian.PutUint32(data, head)
	return part{data: data, unit: true, start: true, duration: duration}
}

// measures are the size and duration by the standard.
func (m mpegFrame) measures() (int, time.Duration) {
	samples, slot := 1152, 1
	switch {
	case m.layer == 1:
		samples, slot = 384, 4
	case m.layer == 3 && m.version > 1:
		samples = 576
	}
	slots := samples * m.kbps * 1000 / 8 / slot / m.hz
	if m.kbps == 0 {
		slots = m.free / slot
	}
	if m.pad {
		slots++
	}
	return slots * slot, time.Duration(samples) * time.Second / time.Duration(m.hz)
}

// adtsFrame describes an ADTS frame.
type adtsFrame struct {
	hz, channels int
	size         int
	blocks       int // raw blocks, 1 to 4
	mpeg2, crc   bool
}

func (a adtsFrame) part() part {
	data := junk(a.size).data
	data[0], data[1] = 0xff, 0xf1
	if a.mpeg2 {
		data[1] |= 8
	}
	if a.crc {
		data[1] &^= 1
	}
	rate := slices.Index(adtsRates[:], a.hz)
	data[2] = 1<<6 | byte(rate)<<2 | byte(a.channels>>2) // low complexity
	data[3] = byte(a.channels&3)<<6 | byte(a.size>>11)
	data[4] = byte(a.size >> 3)
	data[5] = byte(a.size&7)<<5 | 0x1f
	data[6] = 0xfc | byte(a.blocks-1)
	return part{data: data, unit: true, start: true, duration: time.Duration(a.blocks) * 1024 * time.Second / time.Duration(a.hz)}
}

// claiming returns an ADTS frame with a false size in its header.
func claiming(size int, p part) part {
	data := bytes.Clone(p.data)
	data[3] = data[3]&^3 | byte(size>>11)
	data[4] = byte(size >> 3)
	data[5] = data[5]&0x1f | byte(size&7)<<5
	p.data = data
	return p
}

// filled returns p with frames of another kind inside.
func filled(p part, frame func(i int) part) part {
	data := p.data[:100]
	for i := 0; ; i++ {
		f := frame(i).data
		if len(data)+len(f) > len(p.data) {
			break
		}
		data = append(data, f...)
	}
	return p
}

// id3v2 returns a tag of that many bytes, with header and footer.
func id3v2(size int, footer bool) part {
	data := junk(size).data
	body, flags := size-id3v2Header, byte(0)
	if footer {
		body, flags = body-id3v2Header, 0x10
		copy(data[size-id3v2Header:], "3DI")
	}
	copy(data, "ID3\x04\x00")
	data[5] = flags
	for i := range 4 {
		data[6+i] = byte(body >> (7 * (3 - i)) & 0x7f)
	}
	return part{data: data, unit: size <= maxTag}
}

func id3v1() part {
	data := make([]byte, id3v1Size)
	copy(data, "TAGTitle")
	return part{data: data, unit: true}
}
