package format

// tsProgram describes a program. One of its streams decides where listeners may start:
// video if there is any, else audio.
type tsProgram struct {
	clockPID int
	startPID int  // the PID of the deciding stream
	kind     byte // its type
	rank     int  // 3: video, 2: audio, 1: other
}

// The types of video streams (ISO 13818-1, table 2-34) with key frames that isKeyUnit
// recognises.
const (
	tsMPEG1 = 0x01
	tsMPEG2 = 0x02
	tsMPEG4 = 0x10
	tsH264  = 0x1b
	tsHEVC  = 0x24
)

// add adds a stream of the program.
func (t *tsProgram) add(s tsEntry) {
	rank := 1
	switch s.kind {
	case tsMPEG1, tsMPEG2, tsMPEG4, tsH264, tsHEVC,
		0x1e, 0x1f, 0x20, 0x21, 0x33, 0x42, 0xd1, 0xd2, 0xea: // other video
		rank = 3
	case 0x03, 0x04, 0x0f, 0x11, 0x1c, 0x2d, 0x2e, // MPEG audio, AAC, MPEG-H
		0x81, 0x82, 0x84, 0x85, 0x86, 0x87, 0x88, 0xc1, 0xc2: // Dolby, DTS
		rank = 2
	}
	if rank > t.rank {
		t.rank, t.startPID, t.kind = rank, s.pid, s.kind
	}
}

// startsAt reports whether a listener may start with a packet: with video at a key frame,
// otherwise at an audio frame.
func (t *tsProgram) startsAt(p tsPacket) bool {
	if p.pid() != t.startPID || !p.starts() || len(p.payload()) == 0 {
		return false
	}
	return t.rank < 3 || p.flags()&tsRandomAccess != 0 || t.keyframe(p.payload())
}

// A PES packet of audio or video (ISO 13818-1, 2.4.3.6):
//
//	0  0x000001, stream id
//	4  length, 2 bytes
//	6  flags, 2 bytes
//	8  length of the optional fields, 1 byte; the fields; the data

// keyframe reports whether a payload that begins a PES packet begins a key frame. Many
// encoders do not set the flag, but nearly all write parameter sets in front of key frames;
// the picture itself need not be in this packet.
func (t *tsProgram) keyframe(b []byte) bool {
	if len(b) < 9 || b[0] != 0 || b[1] != 0 || b[2] != 1 || 9+int(b[8]) > len(b) {
		return false
	}
	b = b[9+int(b[8]):]
	for i := 0; i+3 < len(b); i++ {
		if b[i] != 0 || b[i+1] != 0 || b[i+2] != 1 {
			continue
		}
		if key, known := t.isKeyUnit(b[i+3]); known {
			return key
		}
	}
	return false
}

// isKeyUnit reports, from the byte after a start code, whether a key frame follows, and
// whether that byte decides it.
func (t *tsProgram) isKeyUnit(c byte) (key, known bool) {
	switch t.kind {
	case tsMPEG1, tsMPEG2: // sequence header; picture
		return c == 0xb3, c == 0xb3 || c == 0
	case tsMPEG4: // visual object sequence, video object layer; picture
		key = c == 0xb0 || c >= 0x20 && c <= 0x2f
		return key, key || c == 0xb6
	case tsH264: // IDR, sequence parameters; another slice
		n := c & 0x1f
		key = n == 5 || n == 7
		return key, key || n >= 1 && n <= 4
	case tsHEVC: // IRAP, parameters of video or sequence; another slice
		n := c >> 1 & 0x3f
		key = n >= 16 && n <= 23 || n == 32 || n == 33
		return key, key || n < 16
	}
	return false, false
}
