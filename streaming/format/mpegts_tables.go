package format

import (
	"bytes"
	"time"
)

// A table (ISO 13818-1, 2.4.4) comes in sections; those that matter here have one:
//
//	0  which table
//	1  4 bits, length of what follows (12 bits)
//	3  what it is the table of, 2 bytes
//	5  2 bits, version (5 bits), whether it is in force
//	6  section, last section
//	8  content
//	   CRC-32
//
// The content of the table of programs is their numbers and the PIDs of their tables,
// 2 bytes each. That of a program is the PID of its clock and descriptors, then for
// each stream a byte that tells its type, its PID and descriptors; all descriptors
// have their length in front, in 12 bits.
//
// In the payload of the packet where a section begins it is preceded by a byte that
// tells how much of the one before it comes first.
const (
	tsTableHead  = 8
	maxTSSection = 1024

	tsPrograms = 0x00
	tsStreams  = 0x02
	noPID      = -1
)

// tsTable puts the sections of a table together.
type tsTable struct {
	id      byte
	now     []byte // the table in force, nil if there is none yet
	section []byte // what there is of the section at hand
	begun   bool   // there is one
}

// add takes a packet and tells whether there is another table since.
func (t *tsTable) add(p tsPacket) bool {
	b := p.payload()
	if p.starts() {
		if len(b) == 0 || 1+int(b[0]) > len(b) {
			t.begun = false
			return false
		}
		before, after := b[1:1+int(b[0])], b[1+int(b[0]):]
		changed := t.begun && t.extend(before)
		t.section, t.begun = t.section[:0], true
		return t.extend(after) || changed
	}
	return t.begun && t.extend(b)
}

// extend takes what comes next of a section, and the section if it is complete.
func (t *tsTable) extend(b []byte) bool {
	t.section = append(t.section, b[:min(len(b), maxTSSection+tsSize-len(t.section))]...)
	if len(t.section) < 3 {
		return false
	}
	size := 3 + int(t.section[1]&15)<<8 + int(t.section[2])
	if size > maxTSSection || size < tsTableHead+4 || t.section[0] != t.id {
		t.begun = false
		return false
	}
	if len(t.section) < size {
		return false
	}
	s := t.section[:size]
	t.begun = false
	if crc32(^uint32(0), s) != 0 || s[5]&1 == 0 || s[6] != 0 || bytes.Equal(s, t.now) {
		return false
	}
	t.now = bytes.Clone(s)
	return true
}

// tsEntry is a program or a stream that a table tells of.
type tsEntry struct {
	number int // of a program
	kind   byte
	pid    int
}

// first returns the first program of the table.
func (t *tsTable) first() tsEntry {
	if t.now == nil {
		return tsEntry{pid: noPID}
	}
	for b := t.now[tsTableHead : len(t.now)-4]; len(b) >= 4; b = b[4:] {
		if number := int(b[0])<<8 | int(b[1]); number != 0 { // 0 is about the network
			return tsEntry{number: number, pid: int(b[2]&0x1f)<<8 | int(b[3])}
		}
	}
	return tsEntry{pid: noPID}
}

// streams yields those of the table of a program.
func (t *tsTable) streams(yield func(tsEntry) bool) {
	b := t.now[tsTableHead : len(t.now)-4]
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

// reset waits for the table of a program, after that of the programs has changed.
func (m *mpegts) reset() {
	m.programs.id = tsPrograms
	m.first = m.programs.first()
	m.program = tsTable{id: tsStreams}
}

// describe makes an Init of both tables.
func (m *mpegts) describe() {
	if int(m.program.now[3])<<8|int(m.program.now[4]) != m.first.number {
		m.program.now = nil // another one on the same PID
		return
	}
	data := appendTSPackets(nil, 0, m.programs.now)
	m.init = &Init{Data: appendTSPackets(data, m.first.pid, m.program.now)}
	m.stream = tsProgram{starts: noPID, clockPID: int(m.program.now[8]&0x1f)<<8 | int(m.program.now[9])}
	m.clock = tsClock{}
	for s := range m.program.streams {
		m.stream.add(s)
	}
}

// tsClock tells the time from the program clock.
type tsClock struct {
	last    int64
	running bool
}

const (
	tsTicks = 27_000_000       // in a second
	tsWrap  = int64(300) << 33 // where the clock begins again
)

// tell returns how long it has been since the clock was last told.
func (m *mpegts) tell(p tsPacket) time.Duration {
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
	return leap(float64(since) / tsTicks)
}
