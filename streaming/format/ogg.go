package format

// maxOggStreams is how many logical streams of one link are carried; Icecast
// takes 10.
const maxOggStreams = 16

// maxHeld is for how many pages in a row a listener is held because a packet is
// not at its end: no codec has packets of 16 MiB, but the page with the end may
// have been lost.
const maxHeld = 256

// ogg is the framer of Ogg: a unit is a page. A stream is a chain of links (RFC
// 3533, section 4), each with logical streams of its own, side by side:
//
//	first pages (BOS) | other header pages | data … | first pages | …
//
// The pages up to the first with data are the Init of a link. Data that belongs
// to no link is dropped: a source that we hear from its midst on is garbage
// until it begins a link. Lost ends don't matter, the next beginning tells.
//
// Pages go out as they came, until Retitle makes a link of our own out of one.
type ogg struct {
	contentType string
	pages       oggPages

	// the link
	streams  []oggStream
	headers  []byte // its header pages, until init is there
	init     *Init  // nil while headers are collected
	timeline int    // the stream whose pages tell the time; -1: none
	held     int    // pages since a packet has been open

	turn oggTurn
}

func newOgg(contentType string) *ogg { return &ogg{contentType: contentType} }

func (o *ogg) Type() string { return o.contentType }

func (o *ogg) Next(buf []byte, final bool) (int, Unit) {
	if u, ok := o.turnOver(); ok {
		return 0, u
	}
	p, garbage := o.pages.next(buf, final)
	if p == nil {
		return garbage, Unit{}
	}
	return len(p), o.take(p)
}

// take finds out what a page is, and returns the unit if it is one.
func (o *ogg) take(p oggPage) Unit {
	if p.has(oggBOS) {
		o.begin(p)
		return Unit{}
	}
	s := o.stream(p.serial())
	if s == nil {
		return Unit{}
	}
	if o.init == nil || s.missing() {
		header := s.takesHeader(p)
		switch {
		case header && o.init == nil:
			s.ended = p.has(oggEOS)
			o.collect(p)
			return Unit{}
		case o.init == nil && !s.lame && (s.known() || !o.missing()):
			o.complete()
		}
	}
	if o.init == nil || s.lame {
		return Unit{}
	}
	return o.unit(s, p)
}

// begin takes the first page of a logical stream. It begins a link unless the
// headers of one are being collected; some muxers mix first and other headers.
func (o *ogg) begin(p oggPage) {
	if o.init != nil || o.stream(p.serial()) != nil || o.ended() {
		o.reset()
	}
	if len(o.streams) < maxOggStreams {
		o.streams = append(o.streams, newOggStream(p))
		o.collect(p)
	}
}

func (o *ogg) reset() {
	o.streams, o.headers, o.init, o.held = o.streams[:0], nil, nil, 0
	o.turn.reset()
}

// collect takes a header page. A link with too many of them is dropped.
func (o *ogg) collect(p oggPage) {
	if len(o.headers)+len(p) > MaxInit {
		o.reset()
		return
	}
	o.headers = append(o.headers, p...)
}

// complete makes the Init when data begins.
func (o *ogg) complete() {
	o.init, o.headers = &Init{Data: o.headers}, nil
	o.timeline = -1
	for i := range o.streams {
		s := &o.streams[i]
		if o.init.Comments == nil {
			o.init.Comments = s.comments(o.init.Data)
		}
		first := o.timeline < 0
		if s.codec.video && (first || !o.streams[o.timeline].codec.video) || s.codec.sound && first {
			o.timeline = i
		}
	}
}

// unit makes a unit of a page with data.
func (o *ogg) unit(s *oggStream, p oggPage) Unit {
	u := Unit{Data: o.turn.page(p, o.streams), Init: o.init, Start: o.startsAt(s, p)}
	lasts := s.advance(p)
	if o.timeline >= 0 && s == &o.streams[o.timeline] {
		u.Duration = lasts
	}
	o.held++
	if !o.open() {
		o.held = 0
	}
	u.More = o.held > 0 && o.held <= maxHeld
	return u
}

// startsAt tells whether a listener may begin with a page: with pictures where a
// key frame begins, otherwise where a packet of sound does.
func (o *ogg) startsAt(s *oggStream, p oggPage) bool {
	if o.timeline >= 0 && o.streams[o.timeline].codec.video {
		return s == &o.streams[o.timeline] && s.keyframe(p)
	}
	if o.timeline >= 0 && !s.codec.sound {
		return false
	}
	return !p.has(oggContinued) && len(p.lacing()) > 0
}

func (o *ogg) stream(serial uint32) *oggStream {
	for i := range o.streams {
		if o.streams[i].serial == serial {
			return &o.streams[i]
		}
	}
	return nil
}

// ended tells whether all streams of the link have ended, or can't be heard.
func (o *ogg) ended() bool {
	for i := range o.streams {
		if s := &o.streams[i]; !s.ended && !s.lame {
			return false
		}
	}
	return true
}

// open tells whether a packet of any stream continues on a page to come.
func (o *ogg) open() bool {
	for i := range o.streams {
		if o.streams[i].open {
			return true
		}
	}
	return false
}

// missing tells whether any stream waits for headers.
func (o *ogg) missing() bool {
	for i := range o.streams {
		if s := &o.streams[i]; s.missing() && !s.lame {
			return true
		}
	}
	return false
}
