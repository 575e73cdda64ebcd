package format

import (
	"bytes"
	"time"
)

// A table consists of sections (ISO 13818-1, 2.4.4); the tables used here have one:
//
//	0  table id
//	1  4 bits, length of the rest (12 bits)
//	3  id of the transport stream or number of the program, 2 bytes
//	5  2 bits, version (5 bits), current
//	6  section number, last section number
//	8  content
//	   CRC-32
//
// The content of the PAT (2.4.4.3): for each program its number and the PID of its PMT,
// 2 bytes each. The content of a PMT (2.4.4.8): the PID of the clock, descriptors; then for
// each stream its type, 1 byte, its PID, 2 bytes, descriptors. All descriptors are preceded
// by their length in 12 bits.
//
// In the payload of the packet where a section begins, it is preceded by a byte with the
// number of bytes that still belong to the section before it.
const (
	tsTableHead  = 8
	maxTSSection = 1024

	tsPrograms = 0x00
	tsStreams  = 0x02
	noPID      = -1
)

// tsTable assembles a table from packets.
type tsTable struct {
	id         byte
	current    []byte // the table in force, nil if there is none yet
	section    []byte // the incomplete section
	collecting bool   // there is one
}

// add adds a packet and reports whether it completes a new table.
func (t *tsTable) add(p tsPacket) bool {
	b := p.payload()
	if p.starts() {
		if len(b) == 0 || 1+int(b[0]) > len(b) {
			t.collecting = false
			return false
		}
		before, after := b[1:1+int(b[0])], b[1+int(b[0]):]
		changed := t.collecting && t.extend(before)
		t.section, t.collecting = t.section[:0], true
		return t.extend(after) || changed
	}
	return t.collecting && t.extend(b)
}

// extend adds bytes to the section and reports whether it is now a complete new table.
func (t *tsTable) extend(b []byte) bool {
	t.section = append(t.section, b[:min(len(b), maxTSSection+tsSize-len(t.section))]...)
	if len(t.section) < 3 {
		return false
	}
	size := 3 + int(t.section[1]&15)<<8 + int(t.section[2])
	if size > maxTSSection || size < tsTableHead+4 || t.section[0] != t.id {
		t.collecting = false
		return false
	}
	if len(t.section) < size {
		return false
	}
	s := t.section[:size]
	t.collecting = false
	if crc32(^uint32(0), s) != 0 || s[5]&1 == 0 || s[6] != 0 || bytes.Equal(s, t.current) {
		return false
	}
	t.current = bytes.Clone(s)
	return true
}

// tsEntry is a program of the PAT or a stream of a PMT.
type tsEntry struct {
	number int // of a program
	kind   byte
	pid    int
}

// firstProgram returns the first program of the table.
func (t *tsTable) firstProgram() tsEntry {
	if t.current == nil {
		return tsEntry{pid: noPID}
	}
	for b := t.current[tsTableHead : len(t.current)-4]; len(b) >= 4; b = b[4:] {
		if number := int(b[0])<<8 | int(b[1]); number != 0 { // 0 is the network table
			return tsEntry{number: number, pid: int(b[2]&0x1f)<<8 | int(b[3])}
		}
	}
	return tsEntry{pid: noPID}
}

// streams yields the streams of a PMT.
func (t *tsTable) streams(yield func(tsEntry) bool) {
	b := t.current[tsTableHead : len(t.current)-4]
	if len(b) < 4 {
		return
	}
	b = b[min(len(b), 4+int(b[2]&15)<<8+int(b[3])):]
	for len(b) >= 5 {
		if !yield(tsEntry{kind: b[0], pid: int(b[1]&0x1f)<<8 | int(b[2])}) {
			return
		}
		b = b[min(len(b), 5+int(b[3]&15)<<8+int(b[4])):]
	}
}

// appendTSPackets appends the packets of a table.
func appendTSPackets(dst []byte, pid int, section []byte) []byte {
	left := append([]byte{0}, section...)
	for n := byte(0); len(left) > 0; n++ {
		start := byte(0)
		if n == 0 {
			start = 0x40
		}
		dst = append(dst, tsSync, start|byte(pid>>8), byte(pid), 0x10|n&15)
		part := left[:min(len(left), tsSize-4)]
		left = left[len(part):]
		dst = append(dst, part...)
		dst = append(dst, bytes.Repeat([]byte{0xff}, tsSize-4-len(part))...)
	}
	return dst
}

// resetProgram starts to collect the first program's PMT after a change of the PAT.
func (m *mpegts) resetProgram() {
	m.programs.id = tsPrograms
	m.first = m.programs.firstProgram()
	m.program = tsTable{id: tsStreams}
}

// finishInit makes an Init of both tables.
func (m *mpegts) finishInit() {
	if int(m.program.current[3])<<8|int(m.program.current[4]) != m.first.number {
		m.program.current = nil // another program on the same PID
		return
	}
	data := appendTSPackets(nil, 0, m.programs.current)
	m.init = &Init{Data: appendTSPackets(data, m.first.pid, m.program.current)}
	m.stream = tsProgram{startPID: noPID, clockPID: int(m.program.current[8]&0x1f)<<8 | int(m.program.current[9])}
	m.clock = tsClock{}
	for s := range m.program.streams {
		m.stream.add(s)
	}
}

// tsClock measures time by the program clock.
type tsClock struct {
	last    int64
	running bool
}

const (
	tsTicks = 27_000_000       // per second
	tsWrap  = int64(300) << 33 // where the clock wraps
)

// duration returns the time since the last packet with a clock.
func (m *mpegts) duration(p tsPacket) time.Duration {
	if p.pid() != m.stream.clockPID {
		return 0
	}
	now, ok := p.clock()
	if !ok {
		return 0
	}
	since := (now - m.clock.last + tsWrap) % tsWrap
	running := m.clock.running && p.flags()&tsDiscontinuity == 0
	m.clock = tsClock{now, true}
	if !running {
		return 0
	}
	return plausible(float64(since) / tsTicks)
}
