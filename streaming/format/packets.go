package format

import "fmt"

// Packet is what a decoder decodes at once: a frame of MP3 or FLAC, a frame of ADTS with its
// header, a packet of Opus, the packets of MPEG-TS from one of sound to the next.
type Packet struct {
	Data    []byte // valid until the next call of Packets
	Samples int    // at the rate of the codec
	Codec   *Codec // the same pointer as long as nothing changes
}

// Packets takes the packets from a stream of whole units, as they stand in a log: from MPEG
// audio, ADTS, FLAC, MPEG-TS with sound, and from Opus and FLAC in Ogg and WebM. It is a pure step, as a Framer
// is. It belongs to one goroutine.
type Packets struct {
	contentType string
	yield       func(Packet)

	init  *Init
	codec *Codec
	none  string // why there are no packets; empty: there are, or may be

	framer Framer // of streams whose frames have to be found
	rest   []byte // bytes for it that it has not consumed
	open   []byte // beginning of a packet that continues
	opened bool   // there is one
	header uint32 // what all headers of frames share; 0: none yet

	serial uint32 // of the logical stream in Ogg
	track  uint64 // of WebM
	ts     *tsPieces
	epoch  int // of the last codec in MPEG-TS
}

// maxPacket bounds a packet that continues over pages or pieces.
const maxPacket = 1 << 20

// NewPackets returns the packets of a stream of a content type. yield is called with each.
func NewPackets(contentType string, yield func(Packet)) *Packets {
	return &Packets{contentType: Family(contentType), yield: yield}
}

// Unsupported returns what the stream has that no packets are taken from, such as "Vorbis";
// empty as long as that is not known, or if there are packets.
func (p *Packets) Unsupported() string { return p.none }

// Add takes the packets from data that follows what was added before. init is that of the
// data.
func (p *Packets) Add(data []byte, init *Init) {
	if init != p.init {
		p.begin(init)
	}
	switch {
	case p.none != "" || len(data) == 0:
	case p.contentType == "application/ogg":
		p.addOgg(data)
	case p.contentType == "audio/webm":
		p.addWebM(data)
	case p.contentType == "video/mp2t":
		p.addTS(data)
	default:
		p.addFrames(data, false)
	}
}

// End ends the stream: what is added after that is another one.
func (p *Packets) End() {
	if p.framer != nil && p.none == "" {
		p.addFrames(nil, true)
	}
	p.sendTS(0)
	p.ts = nil
	p.init, p.none, p.framer, p.rest, p.header = nil, "", nil, p.rest[:0], 0
	p.drop()
}

// drop forgets a packet that is not whole.
func (p *Packets) drop() { p.open, p.opened = p.open[:0], false }

// begin begins with an init.
func (p *Packets) begin(init *Init) {
	p.init, p.none = init, ""
	switch {
	case init == nil:
	case p.contentType == "application/ogg":
		p.drop()
		p.beginOgg(init)
	case p.contentType == "audio/webm":
		p.beginWebM(init)
	case p.contentType == "video/mp2t":
		p.beginTS(init)
	case p.contentType == "audio/flac" && beginsFLAC(init.Data) == yes:
		codec := flacCodec(init.Data[min(flacInfoAt, len(init.Data)):])
		if codec == nil {
			p.none = "FLAC without a sampling rate"
		} else if p.framer == nil || !codec.Equal(p.codec) {
			p.framer = newFLAC(p.contentType)
			p.rest = append(p.rest[:0], init.Data...)
			p.use(codec)
		}
	}
}

// use sets the codec, unless it is the one before.
func (p *Packets) use(c *Codec) {
	if c != nil && (p.codec == nil || !p.codec.Equal(c)) {
		p.codec = c
	}
}

// addFrames takes frames that have to be found.
func (p *Packets) addFrames(data []byte, final bool) {
	if p.framer == nil {
		switch p.contentType {
		case "audio/mpeg":
			p.framer = newMPEG(p.contentType)
		case "audio/aac":
			p.framer = newADTS(p.contentType)
		default:
			p.none = p.contentType
			return
		}
	}
	p.rest = append(p.rest, data...)
	buf := p.rest
	for len(buf) > 0 {
		n, u := p.framer.Next(buf, final)
		if n == 0 && u.Data == nil {
			break
		}
		if buf = buf[n:]; u.Data != nil {
			p.takeFrame(u)
		}
	}
	p.rest = p.rest[:copy(p.rest, buf)]
	if len(p.rest) > 2*MaxUnit { // a framer consumes long before that
		p.rest = p.rest[:0]
	}
}

// takeFrame takes a unit of a framer. Tags, and the frame that describes a file, are none.
func (p *Packets) takeFrame(u Unit) {
	switch {
	case p.contentType == "audio/flac":
		p.takePart(u.Data, !u.More)
	case !u.Start:
	case p.contentType == "audio/aac":
		p.takeADTS(u.Data)
	default:
		p.takeMPEG(u.Data)
	}
}

func (p *Packets) takeADTS(frame []byte) {
	h, ok := parseADTS(frame)
	if !ok {
		return
	}
	if p.header != h.fixed {
		p.header = h.fixed
		p.use(aacCodec(frame))
	}
	_, blocks := ADTSHeader(frame)
	p.send(frame, 1024*blocks)
}

func (p *Packets) takeMPEG(frame []byte) {
	h, ok := parseMPEG(frame)
	if !ok {
		return
	}
	if layer := 4 - int(frame[1]>>1&3); layer != 3 {
		p.none = fmt.Sprintf("MPEG audio layer %d", layer)
		return
	}
	const mono = 3
	if frame[3]>>6 == mono {
		h.fixed |= 1 // no bit of mpegFixed
	}
	if p.header != h.fixed {
		p.header = h.fixed
		p.use(mp3Codec(frame))
	}
	samples := 1152
	if frame[1]>>3&3 != 3 { // version 2 or 2.5
		samples = 576
	}
	p.send(frame, samples)
}

// takePart takes a part of a packet, the last or one that is continued.
func (p *Packets) takePart(data []byte, last bool) {
	if !last || p.opened {
		if len(p.open)+len(data) > maxPacket {
			p.drop()
			return
		}
		p.open, p.opened = append(p.open, data...), true
		data = p.open
	}
	if last {
		p.takePacket(data)
		p.drop()
	}
}

// takePacket takes a whole packet of Opus or FLAC.
func (p *Packets) takePacket(data []byte) {
	if p.codec.Name == Opus {
		p.send(data, opusSamples(data))
	} else if len(data) > 0 {
		if h, found := parseFLAC(data); found == yes {
			p.send(data, h.block)
		}
	}
}

func (p *Packets) send(data []byte, samples int) {
	if samples > 0 {
		p.yield(Packet{Data: data, Samples: samples, Codec: p.codec})
	}
}

// beginOgg finds the only stream of a link.
func (p *Packets) beginOgg(init *Init) {
	streams := 0
	for page := range OggPages(init.Data) {
		if !page.has(oggBOS) {
			continue
		}
		streams++
		p.serial = page.Serial()
	}
	first := init.firstPacket()
	var codec *Codec
	switch kind := codecOf(first); {
	case streams != 1:
		p.none = fmt.Sprintf("an Ogg stream of %d", streams)
		return
	case kind.name == Opus:
		codec = opusCodec(first)
	case kind.name == FLAC:
		codec = flacCodec(first[17:])
	default:
		p.none = kind.name
	}
	if codec == nil && p.none == "" {
		p.none = "an unknown codec in Ogg"
	}
	p.use(codec)
}

// addOgg takes packets from pages.
func (p *Packets) addOgg(data []byte) {
	for page := range OggPages(data) {
		if p.init == nil || page.Serial() != p.serial {
			continue
		}
		if !page.has(oggContinued) {
			p.drop()
		}
		for part := range page.packets {
			if part.begins || p.opened {
				p.takePart(part.data, part.ends)
			}
		}
	}
}
