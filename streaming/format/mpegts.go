package format

// An MPEG-TS packet (ISO 13818-1, 2.4.3.2 and 2.4.3.4):
//
//	0  0x47
//	1  error, start of payload unit, priority, PID (13 bits)
//	3  scrambling (2 bits), adaptation field, payload, continuity counter (4 bits)
//	4  with an adaptation field: its length, its flags, the fields of the flags
const (
	tsSync = 0x47
	tsSize = 188

	// tsSyncRun consecutive packets are needed to resynchronise, tsDetectRun to
	// detect MPEG-TS at all.
	tsSyncRun   = 3
	tsDetectRun = 5
)

// tsPacket is a complete packet.
type tsPacket []byte

func (p tsPacket) damaged() bool { return p[1]&0x80 != 0 }
func (p tsPacket) starts() bool  { return p[1]&0x40 != 0 }
func (p tsPacket) pid() int      { return int(p[1]&0x1f)<<8 | int(p[2]) }

// payload returns the bytes behind the adaptation field, nil if there are none.
func (p tsPacket) payload() []byte {
	from := 4
	if p[3]&0x20 != 0 {
		from += 1 + int(p[4])
	}
	if p[3]&0x10 == 0 || from >= tsSize {
		return nil
	}
	return p[from:tsSize]
}

// The flags of an adaptation field.
const (
	tsDiscontinuity = 0x80 // the clock jumps
	tsRandomAccess  = 0x40 // a decoder can start here
	tsHasPCR        = 0x10 // the program clock follows
)

func (p tsPacket) flags() byte {
	if p[3]&0x20 == 0 || p[4] == 0 {
		return 0
	}
	return p[5]
}

// clock returns the program clock reference in ticks of 27 MHz (2.4.3.5): a base of
// 33 bits in units of 300 ticks, 6 reserved bits, 9 bits of ticks.
func (p tsPacket) clock() (int64, bool) {
	if p.flags()&tsHasPCR == 0 || p[4] < 7 {
		return 0, false
	}
	base := int64(be32(p[6:]))<<1 | int64(p[10]>>7)
	return base*300 + int64(p[10]&1)<<8 + int64(p[11]), true
}

// mpegts is the framer of MPEG-TS: a unit is a packet. The Init holds two tables: the
// programs (PAT) and the streams of the first program (PMT). The source repeats them, and
// they are carried like all packets; with the Init, a new listener does not wait for them.
// Packets before the first tables are dropped. A new version of a table makes a new Init.
type mpegts struct {
	contentType string
	synced      bool

	programs, program tsTable
	first             tsEntry // the first program
	init              *Init   // nil until both tables are there
	stream            tsProgram
	clock             tsClock
}

func newMPEGTS(contentType string) *mpegts {
	m := &mpegts{contentType: contentType}
	m.resetProgram()
	return m
}

func (m *mpegts) Type() string { return m.contentType }

func (m *mpegts) Next(buf []byte, final bool) (int, Unit) {
	if len(buf) < tsSize {
		if final {
			return len(buf), Unit{}
		}
		return 0, Unit{}
	}
	m.synced = m.synced && buf[0] == tsSync
	if !m.synced {
		switch tsPackets(buf, tsSyncRun, final) {
		case partial:
			return 0, Unit{}
		case no:
			return m.search(buf, final), Unit{}
		}
		m.synced = true
	}
	switch n, found := cutPacket(buf, final); found {
	case partial:
		return 0, Unit{}
	case yes:
		return n, Unit{}
	}
	return tsSize, m.takePacket(tsPacket(buf[:tsSize]))
}

// cutPacket reports whether the packet at the beginning of b was cut off and the rest of its
// length belongs to other packets, and where these begin.
func cutPacket(b []byte, final bool) (int, match) {
	switch {
	case len(b) == tsSize && !final:
		return 0, partial
	case len(b) == tsSize, b[tsSize] == tsSync:
		return 0, no
	}
	for i := 1; i < tsSize; i++ {
		if b[i] == tsSync {
			if found := tsPackets(b[i:], tsSyncRun, final); found != no {
				return i, found
			}
		}
	}
	return 0, no
}

// search returns the distance to the next place where a packet begins or may begin.
func (m *mpegts) search(buf []byte, final bool) int {
	for i := 1; i < len(buf); i++ {
		if buf[i] == tsSync && tsPackets(buf[i:], tsSyncRun, final) != no {
			return i
		}
	}
	return len(buf)
}

// tsPackets reports whether count consecutive packets begin at b.
func tsPackets(b []byte, count int, final bool) match {
	for at := 0; at < count*tsSize; at += tsSize {
		switch {
		case at < len(b) && b[at] != tsSync:
			return no
		case at < len(b):
		case !final:
			return partial
		case len(b) < tsSize:
			return no
		}
	}
	return yes
}

// beginsMPEGTS reports whether a stream that begins with b is MPEG-TS.
func beginsMPEGTS(b []byte, final bool) match {
	if final && len(b) < (tsSyncRun-1)*tsSize+1 {
		return no
	}
	return tsPackets(b, tsDetectRun, final)
}

func (m *mpegts) takePacket(p tsPacket) Unit {
	if !p.damaged() {
		switch p.pid() {
		case 0:
			if m.programs.add(p) {
				m.resetProgram()
			}
		case m.first.pid:
			if m.program.add(p) {
				m.finishInit()
			}
		}
	}
	if m.init == nil {
		return Unit{}
	}
	u := Unit{Data: p, Init: m.init}
	if !p.damaged() {
		u.Start = m.stream.startsAt(p)
		u.Duration = m.duration(p)
	}
	return u
}
