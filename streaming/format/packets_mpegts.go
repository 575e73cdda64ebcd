package format

import "slices"

// tsPieces cuts MPEG-TS into pieces that begin with a PES packet of the sound. The tables are left
// out: who writes the pieces repeats them, with counters of its own.
type tsPieces struct {
	tables *mpegts // of the init
	codec  *Codec  // of the open piece; nil: there is none
	stamp  int64   // of the open piece, in ticks of 90 kHz
	length int     // of the last piece
	tried  int     // PES packets that did not show the codec
	begins bool    // stamps begin anew
}

const (
	// tsRate is the clock of stamps, which have 33 bits.
	tsRate      = 90000
	tsStampWrap = 1 << 33

	// maxTSPiece bounds how long a PES packet of sound can be. Longer ones are a jump of the stamps.
	maxTSPiece = 2 * tsRate

	// maxTSTried bounds the PES packets that are looked at for the header of a frame.
	maxTSTried = 100

	tsFrameHead = 7 // bytes of a frame head
)

// The types of streams whose sound players play from MPEG-TS (ISO 13818-1, table 2-34; ATSC A/52).
const (
	tsAudioMPEG1 = 0x03
	tsAudioMPEG2 = 0x04
	tsAudioADTS  = 0x0f
	tsAudioAC3   = 0x81
	tsAudioEAC3  = 0x87
)

// beginTS begins with an init, which has the tables.
func (p *Packets) beginTS(init *Init) {
	p.sendTS(0)
	t := &tsPieces{tables: newMPEGTS(p.contentType), begins: true}
	for part := range slices.Chunk(init.Data, tsSize) {
		if len(part) == tsSize {
			t.tables.takePacket(part)
		}
	}
	p.ts = t
	switch known := []byte{tsAudioMPEG1, tsAudioMPEG2, tsAudioADTS, tsAudioAC3, tsAudioEAC3}; {
	case t.tables.stream.rank == 3:
		p.none = "MPEG-TS with pictures"
	case !slices.Contains(known, t.tables.stream.kind):
		p.none = "MPEG-TS without AAC, MP3 or AC-3"
	}
}

// addTS takes packets of MPEG-TS.
func (p *Packets) addTS(data []byte) {
	for part := range slices.Chunk(data, tsSize) {
		t := p.ts
		if t == nil || p.none != "" || len(part) < tsSize {
			return
		}
		packet := tsPacket(part)
		if pid := packet.pid(); pid == 0 || pid == t.tables.first.pid || pid == tsNullPID {
			continue
		}
		if !packet.damaged() && t.tables.stream.startsAt(packet) {
			p.beginTSPiece(packet)
		}
		if t.codec != nil {
			p.open = append(p.open, packet...)
			if len(p.open) > maxPacket {
				t.codec, t.begins, p.open = nil, true, p.open[:0]
			}
		}
	}
}

// tsNullPID is that of packets without content.
const tsNullPID = 0x1fff

// beginTSPiece ends a piece, and begins another one with a packet, if that has a stamp.
func (p *Packets) beginTSPiece(packet tsPacket) {
	t := p.ts
	stamp, body, ok := pesHead(packet.payload())
	if !ok {
		return
	}
	if t.codec != nil {
		length := int((stamp - t.stamp + tsStampWrap) % tsStampWrap)
		if jumps := length == 0 || length > maxTSPiece; jumps {
			length, t.begins = 0, true
		}
		p.sendTS(length)
	}
	if t.begins || t.codec == nil {
		if t.codec = p.tsCodec(body); t.codec == nil {
			return
		}
		t.begins = false
	}
	t.stamp = stamp
}

// sendTS yields the open piece, which sounds for so many ticks; 0: as long as the one before.
func (p *Packets) sendTS(length int) {
	t := p.ts
	if t == nil || t.codec == nil {
		return
	}
	if length > 0 {
		t.length = length
	}
	p.codec = t.codec
	p.send(p.open, t.length)
	p.open = p.open[:0]
}

// tsCodec returns the codec of what follows, which begins with a frame; nil: unknown.
func (p *Packets) tsCodec(frame []byte) *Codec {
	var sound *Codec
	switch t := p.ts; t.tables.stream.kind {
	case tsAudioADTS:
		if len(frame) < tsFrameHead {
			break
		}
		if _, ok := parseADTS(frame); ok {
			sound = aacCodec(frame)
		}
	case tsAudioAC3:
		sound = &Codec{Name: AC3}
	case tsAudioEAC3:
		sound = &Codec{Name: EAC3}
	default:
		if len(frame) < tsFrameHead {
			break
		}
		if _, ok := parseMPEG(frame); ok {
			if sound = mp3Codec(frame); frame[1]>>1&3 != 1 {
				p.none = "MPEG-TS without AAC, MP3 or AC-3"
				return nil
			}
		}
	}
	if sound == nil {
		if p.ts.tried++; p.ts.tried > maxTSTried {
			p.none = "MPEG-TS whose frames are not found"
		}
		return nil
	}
	p.epoch++
	return &Codec{Name: MPEGTS, Rate: tsRate, Setup: p.init.Data, Carries: sound, Epoch: p.epoch}
}

// pesHead reads the head of a PES packet (ISO 13818-1, 2.4.3.6) that has a stamp:
//
//	0  0x000001, stream id
//	4  length, 2 bytes
//	6  flags, 2 bytes; the first bit of the second: there is a stamp
//	8  length of the optional fields
//	9  the stamp, 33 bits in 5 bytes: 4 bits, 3 bits, 1; 15 bits, 1; 15 bits, 1
//
// and returns what follows it in the packet.
func pesHead(b []byte) (stamp int64, body []byte, ok bool) {
	if len(b) < 14 || b[0] != 0 || b[1] != 0 || b[2] != 1 || b[7]&0x80 == 0 || b[8] < 5 || 9+int(b[8]) > len(b) {
		return 0, nil, false
	}
	stamp = int64(b[9]>>1&7)<<30 | int64(b[10])<<22 | int64(b[11]>>1)<<15 | int64(b[12])<<7 | int64(b[13]>>1)
	return stamp, b[9+int(b[8]):], true
}
