package format

// The elements of a track that tell its codec (RFC 9559, section 5.1.4).
const (
	idCodec        = 0x86
	idCodecPrivate = 0x63a2
)

// The flags of a block that tell how several frames are packed in it.
const blockLacing = 0x06

// beginWebM finds the only track of a file.
func (p *Packets) beginWebM(init *Init) {
	count, codec, private := 0, "", []byte(nil)
	for segment := range ebmlElements(init.Data) {
		if segment.id != idSegment {
			continue
		}
		for e := range ebmlElements(segment.body) {
			if e.id != idTracks {
				continue
			}
			for e := range ebmlElements(e.body) {
				if e.id == idTrackEntry {
					count++
					p.track, codec, private = readTrack(e.body)
				}
			}
		}
	}
	var c *Codec
	switch {
	case count != 1:
		p.none = "a file of several tracks"
		return
	case codec == "A_OPUS":
		c = opusCodec(private)
	case codec == "A_FLAC" && beginsFLAC(private) == yes:
		c = flacCodec(private[min(flacInfoAt, len(private)):])
	}
	if c == nil {
		p.none = "an unknown codec in WebM"
		if codec == "A_VORBIS" {
			p.none = "Vorbis"
		}
		return
	}
	p.use(c)
}

// readTrack reads a TrackEntry.
func readTrack(entry []byte) (number uint64, codec string, private []byte) {
	for e := range ebmlElements(entry) {
		switch e.id {
		case idTrackNumber:
			number = ebmlUint(e.body)
		case idCodec:
			codec = string(e.body)
		case idCodecPrivate:
			private = e.body
		}
	}
	return number, codec, private
}

// addWebM takes packets from blocks. A Cluster has an unknown size, so it is passed as one
// would pass a header.
func (p *Packets) addWebM(data []byte) {
	for len(data) > 0 && p.init != nil {
		h, found := parseEBML(data)
		switch {
		case found != yes:
			return // the rest of a block that was too long
		case h.id == idCluster:
			data = data[h.len:]
			continue
		case h.size < 0 || h.size > int64(len(data)-h.len):
			return
		}
		body := data[h.len : h.len+int(h.size)]
		data = data[h.len+int(h.size):]
		switch h.id {
		case idSimpleBlock:
			p.takeBlock(body)
		case idBlockGroup:
			for e := range ebmlElements(body) {
				if e.id == idBlock {
					p.takeBlock(e.body)
				}
			}
		}
	}
}

// takeBlock takes the frame of a block. No live encoder packs several into one.
func (p *Packets) takeBlock(body []byte) {
	b, flags := readBlockHead(body)
	if b.track == 0 || b.track != p.track {
		return
	}
	if flags&blockLacing != 0 {
		p.none = "several frames in a block"
		return
	}
	_, n := ebmlNumber(body)
	p.takePacket(body[n+3:])
}
