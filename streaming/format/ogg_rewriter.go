package format

// oggRewriter replaces a link of one stream by a link with another title. The old stream
// ends with an empty page. The headers of the new one, with another serial, are another
// Init. The pages after it are the source's, with the new serial and sequence numbers.
// Granule positions stay, as in a stream joined in its middle: FLAC frames carry their
// position, and other decoders subtract the first one.
//
// A Vorbis decoder outputs no samples for its first packet, which only overlaps with the
// second. So the new stream repeats the last packet of the old one, and no sample is lost.
type oggRewriter struct {
	pending   *oggNewStream // replaces the link before the next page; nil: nothing to do
	sentPages bool          // pages followed the last headers

	active        bool   // pages are rewritten
	serial        uint32 // of the new stream
	sequenceShift uint32 // added to the source's sequence numbers
	shiftKnown    bool
	sequence      uint32 // the last sequence number

	lastPacket []byte // of a Vorbis stream, if it is on one page
	buf        []byte // the last page made
}

// oggNewStream is the beginning of a rewritten stream.
type oggNewStream struct {
	init     *Init
	serial   uint32
	sequence uint32 // of the page after the headers
}

// reset ends the rewriting, when the source begins a link itself.
func (t *oggRewriter) reset() { *t = oggRewriter{lastPacket: t.lastPacket[:0], buf: t.buf[:0]} }

// Retitle supports a link with a single Vorbis, Opus or FLAC stream. The change happens
// after a packet that continues on the next page.
func (o *ogg) Retitle(c Comments) bool {
	if o.init == nil || len(o.streams) != 1 {
		return false
	}
	s := &o.streams[0]
	if !s.codec.retitlable || s.ended {
		return false
	}
	own := *s
	if o.rewriter.active {
		own.serial = o.rewriter.serial
	}
	packets := own.packets(o.init.Data)
	i, before := s.codec.findComment(packets)
	if i == 0 {
		return false
	}
	comments, ok := vorbisComments(packets[i][before:]).retitled(c)
	if !ok {
		return false
	}
	packets[i] = append(append(packets[i][:before:before], comments...), s.codec.commentSuffix...)
	if s.codec.fixHeaders != nil {
		s.codec.fixHeaders(packets, i)
	}

	// A serial that no player has seen before, yet the same for the same input.
	serial := crc32(own.serial+1, packets[i])
	for serial == own.serial || serial == s.serial {
		serial++
	}
	data, sequence := appendOggPackets(nil, serial, 0, oggBOS, 0, packets[0])
	data, sequence = appendOggPackets(data, serial, sequence, 0, 0, packets[1:]...)
	if len(data) > MaxInit {
		return false
	}
	init := &Init{Data: data, Comments: comments.read()}
	o.rewriter.pending = &oggNewStream{init: init, serial: serial, sequence: sequence}
	return true
}

// switchStream carries out Retitle between two packets. It returns the page that ends the
// old stream, then the page that begins the new one, if these are needed.
func (o *ogg) switchStream() (Unit, bool) {
	t := &o.rewriter
	if t.pending == nil || o.streams[0].packetOpen {
		return Unit{}, false
	}
	s := &o.streams[0]
	if s.ended { // the source begins a new link itself
		t.pending = nil
		return Unit{}, false
	}
	if t.sentPages {
		serial := s.serial
		if t.active {
			serial = t.serial
		}
		t.sentPages = false
		t.buf = appendOggPage(t.buf[:0], oggEOS, s.granule, nil)
		OggPage(t.buf).renumber(serial, t.sequence+1)
		return Unit{Data: t.buf, Init: o.init}, true
	}
	o.init = t.pending.init
	t.active, t.serial, t.shiftKnown, t.sequence = true, t.pending.serial, false, t.pending.sequence-1
	t.pending = nil
	if len(t.lastPacket) == 0 {
		return Unit{}, false
	}
	t.buf, _ = appendOggPackets(t.buf[:0], t.serial, t.sequence+1, 0, s.granule, t.lastPacket)
	t.sequence++
	return Unit{Data: t.buf, Init: o.init, Start: true}, true
}

// rewrite returns the page with the numbers of the new stream.
func (t *oggRewriter) rewrite(p OggPage, streams []oggStream) []byte {
	t.sentPages = true
	if len(streams) != 1 {
		return p
	}
	if streams[0].codec.overlaps {
		t.rememberPacket(p)
	}
	if !t.active {
		t.sequence = p.sequence()
		return p
	}
	if !t.shiftKnown {
		t.shiftKnown = true
		t.sequenceShift = t.sequence + 1 - p.sequence()
	}
	t.sequence = p.sequence() + t.sequenceShift
	t.buf = append(t.buf[:0], p...)
	OggPage(t.buf).renumber(t.serial, t.sequence)
	return t.buf
}

// rememberPacket stores the last packet that ends on the page.
func (t *oggRewriter) rememberPacket(p OggPage) {
	for part := range p.packets {
		switch {
		case part.ends && part.begins:
			t.lastPacket = append(t.lastPacket[:0], part.data...)
		case part.ends:
			t.lastPacket = t.lastPacket[:0]
		}
	}
}
