package format

// An MPEG-TS packet (ISO 13818-1, 2.4.3.2):
//
//	0  0x47
//	1  error, start of payload unit, priority, PID (13 bits)
//	3  scrambling (2 bits), adaptation field, payload, continuity counter (4 bits)
//	4  if there is an adaptation field: its length, its flags, what they announce
const (
	tsSync = 0x47
	tsSize = 188

	// tsProof is how many sync bytes in a row show where packets begin, tsFirst how
	// many show that a stream is MPEG-TS at all.
	tsProof = 3
	tsFirst = 5
)

// tsPacket is a whole packet.
type tsPacket []byte

func (p tsPacket) damaged() bool { return p[1]&0x80 != 0 }
func (p tsPacket) starts() bool  { return p[1]&0x40 != 0 }
func (p tsPacket) pid() int      { return int(p[1]&0x1f)<<8 | int(p[2]) }

// payload returns what follows the adaptation field, if anything does.
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
	tsDiscontinuity = 0x80 // the clock leaps
	tsRandomAccess  = 0x40 // a decoder may begin here
	tsHasPCR        = 0x10 // the program clock follows
)

func (p tsPacket) flags() byte {
	if p[3]&0x20 == 0 || p[4] == 0 {
		return 0
	}
	return p[5]
}

// clock returns the program clock, in ticks of 27 MHz.
func (p tsPacket) clock() (int64, bool) {
	if p.flags()&tsHasPCR == 0 || p[4] < 7 {
		return 0, false
	}
	base := int64(be32(p[6:]))<<1 | int64(p[10]>>7)
	return base*300 + int64(p[10]&1)<<8 + int64(p[11]), true
}

// mpegts is the framer of MPEG-TS: a unit is a packet. The Init are two tables, which
// tell what programs there are and what the first one consists of. They come by
// again all the time and are carried like all packets, but who joins need not wait.
// What precedes them at first is dropped. Another version of them is another Init.
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
	m.reset()
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
		switch tsInRow(buf, tsProof, final) {
		case unsure:
			return 0, Unit{}
		case no:
			return m.search(buf, final), Unit{}
		}
		m.synced = true
	}
	return tsSize, m.take(tsPacket(buf[:tsSize]))
}

// search returns how far it is to where a packet begins, or may.
func (m *mpegts) search(buf []byte, final bool) int {
	for i := 1; i < len(buf); i++ {
		if buf[i] == tsSync && tsInRow(buf[i:], tsProof, final) != no {
			return i
		}
	}
	return len(buf)
}

// tsInRow tells whether so many packets begin at b, one after the other.
func tsInRow(b []byte, count int, final bool) verdict {
	for at := 0; at < count*tsSize; at += tsSize {
		switch {
		case at < len(b) && b[at] != tsSync:
			return no
		case at < len(b):
		case !final:
			return unsure
		case len(b) < tsSize:
			return no
		}
	}
	return yes
}

// tsBegins tells whether a stream that begins with b is MPEG-TS.
func tsBegins(b []byte, final bool) verdict {
	if final && len(b) < (tsProof-1)*tsSize+1 {
		return no
	}
	return tsInRow(b, tsFirst, final)
}

func (m *mpegts) take(p tsPacket) Unit {
	if !p.damaged() {
		switch p.pid() {
		case 0:
			if m.programs.add(p) {
				m.reset()
			}
		case m.first.pid:
			if m.program.add(p) {
				m.describe()
			}
		}
	}
	if m.init == nil {
		return Unit{}
	}
	u := Unit{Data: p, Init: m.init}
	if !p.damaged() {
		u.Start = m.stream.startsAt(p)
		u.Duration = m.tell(p)
	}
	return u
}
