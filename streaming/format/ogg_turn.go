package format

// oggTurn turns a link with one stream into one of ours with another title. The
// old stream ends with an empty page; the headers of the new one, with another
// serial, are another Init; the pages that follow are the source's, with that
// serial and in our sequence. Granule positions stay as they are, as they would
// for a stream that is heard from its midst on. (FLAC frames tell their position
// anyway, and the other decoders subtract the first one.)
//
// A Vorbis decoder makes no sound of the first packet, which is half of an overlap
// with the second: so the new stream begins with the old one's last packet, and
// not a sample is lost.
type oggTurn struct {
	ahead *oggAhead // what is to be done before the next page; nil: nothing
	sent  bool      // there have been pages since the last headers

	ours     bool   // pages are rewritten
	serial   uint32 // the serial of our stream
	shift    uint32 // what is added to the sequence numbers of the source
	anchored bool   // the shift is known
	sequence uint32 // the last sequence number

	last []byte // the last packet of a Vorbis stream, if it lies on one page
	buf  []byte // the page that was made last
}

// oggAhead is the beginning of a stream of ours.
type oggAhead struct {
	init     *Init
	serial   uint32
	sequence uint32 // of the page after the headers
}

// reset ends the rewriting: the source has begun a link itself.
func (t *oggTurn) reset() { *t = oggTurn{last: t.last[:0], buf: t.buf[:0]} }

// Retitle is for a link with a lone Vorbis, Opus or FLAC stream. What a packet has
// begun is finished before.
func (o *ogg) Retitle(c Comments) bool {
	if o.init == nil || len(o.streams) != 1 {
		return false
	}
	s := &o.streams[0]
	if !s.codec.retitle || s.ended {
		return false
	}
	own := *s
	if o.turn.ours {
		own.serial = o.turn.serial
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
	packets[i] = append(append(packets[i][:before:before], comments...), s.codec.after...)
	if s.codec.rejoin != nil {
		s.codec.rejoin(packets, i)
	}

	// Random enough that no player takes it for a stream it knows, and yet the
	// same for the same stream.
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
	o.turn.ahead = &oggAhead{init: init, serial: serial, sequence: sequence}
	return true
}

// turnOver does what Retitle asked for, once the last packet is at its end. It
// returns the page that ends the old stream, then the one that begins the new
// one, if there are such.
func (o *ogg) turnOver() (Unit, bool) {
	t := &o.turn
	if t.ahead == nil || o.streams[0].open {
		return Unit{}, false
	}
	s := &o.streams[0]
	if s.ended { // the source itself begins anew
		t.ahead = nil
		return Unit{}, false
	}
	if t.sent {
		serial := s.serial
		if t.ours {
			serial = t.serial
		}
		t.sent = false
		t.buf = appendOggPage(t.buf[:0], oggEOS, s.granule, nil)
		oggPage(t.buf).sign(serial, t.sequence+1)
		return Unit{Data: t.buf, Init: o.init}, true
	}
	o.init = t.ahead.init
	t.ours, t.serial, t.anchored, t.sequence = true, t.ahead.serial, false, t.ahead.sequence-1
	t.ahead = nil
	if len(t.last) == 0 {
		return Unit{}, false
	}
	t.buf, _ = appendOggPackets(t.buf[:0], t.serial, t.sequence+1, 0, s.granule, t.last)
	t.sequence++
	return Unit{Data: t.buf, Init: o.init, Start: true}, true
}

// page returns the page as listeners get it.
func (t *oggTurn) page(p oggPage, streams []oggStream) []byte {
	t.sent = true
	if len(streams) != 1 {
		return p
	}
	if streams[0].codec.overlaps {
		t.remember(p)
	}
	if !t.ours {
		t.sequence = p.sequence()
		return p
	}
	if !t.anchored {
		t.anchored = true
		t.shift = t.sequence + 1 - p.sequence()
	}
	t.sequence = p.sequence() + t.shift
	t.buf = append(t.buf[:0], p...)
	oggPage(t.buf).sign(t.serial, t.sequence)
	return t.buf
}

// remember keeps the last packet that ends on the page.
func (t *oggTurn) remember(p oggPage) {
	for part := range p.packets {
		switch {
		case part.ends && part.begins:
			t.last = append(t.last[:0], part.data...)
		case part.ends:
			t.last = t.last[:0]
		}
	}
}
