package format

// maxOggStreams is the maximum number of logical streams in a link; Icecast's is 10.
const maxOggStreams = 16

// maxOpenPages is the maximum number of consecutive pages that belong together because a
// packet continues. No codec has packets of 16 MiB; a longer run means a lost page.
const maxOpenPages = 256

// ogg is the framer of Ogg: a unit is a page. A stream is a chain of links (RFC 3533,
// section 4), each with its own logical streams in parallel:
//
//	first pages (BOS) | other header pages | data … | first pages | …
//
// The pages before the first data page are the Init of a link. Data without a link is
// dropped, for example if a source is read from its middle. A lost end of a link does no
// harm, because the next link begins with its own first pages.
//
// Pages are sent unchanged until Retitle rewrites the link.
type ogg struct {
	contentType string
	pages       oggPages

	// The current link.
	streams   []oggStream
	headers   []byte // its header pages, until init is there
	init      *Init  // nil while headers are collected
	timeline  int    // index of the stream that measures time; -1: none
	openPages int    // consecutive pages with a packet that continues

	rewriter oggRewriter
}

func newOgg(contentType string) *ogg { return &ogg{contentType: contentType} }

func (o *ogg) Type() string { return o.contentType }

func (o *ogg) Next(buf []byte, final bool) (int, Unit) {
	if u, ok := o.switchStream(); ok {
		return 0, u
	}
	p, garbage := o.pages.next(buf, final)
	if p == nil {
		return garbage, Unit{}
	}
	return len(p), o.takePage(p)
}

// takePage adds a page to the headers or returns it as a unit.
func (o *ogg) takePage(p OggPage) Unit {
	if p.has(oggBOS) {
		o.begin(p)
		return Unit{}
	}
	s := o.stream(p.Serial())
	if s == nil {
		return Unit{}
	}
	if o.init == nil || s.headersMissing() {
		header := s.takeHeaders(p)
		switch {
		case header && o.init == nil:
			s.ended = p.has(oggEOS)
			o.collect(p)
			return Unit{}
		case o.init == nil && !s.undecodable && (s.isKnown() || !o.headersMissing()):
			o.finishInit()
		}
	}
	if o.init == nil || s.undecodable {
		return Unit{}
	}
	return o.unit(s, p)
}

// begin takes the first page of a logical stream. The page begins a link, unless headers
// are being collected: some muxers mix first pages and other headers.
func (o *ogg) begin(p OggPage) {
	if o.init != nil || o.stream(p.Serial()) != nil || o.ended() {
		o.reset()
	}
	if len(o.streams) < maxOggStreams {
		o.streams = append(o.streams, newOggStream(p))
		o.collect(p)
	}
}

func (o *ogg) reset() {
	o.streams, o.headers, o.init, o.openPages = o.streams[:0], nil, nil, 0
	o.rewriter.reset()
}

// collect adds a header page. A link with too many of them is dropped.
func (o *ogg) collect(p OggPage) {
	if len(o.headers)+len(p) > MaxInit {
		o.reset()
		return
	}
	o.headers = append(o.headers, p...)
}

// finishInit makes the Init before the first data page.
func (o *ogg) finishInit() {
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

// unit makes a unit of a data page.
func (o *ogg) unit(s *oggStream, p OggPage) Unit {
	u := Unit{Data: o.rewriter.rewrite(p, o.streams), Init: o.init, Start: o.startsAt(s, p)}
	lasts := s.advance(p)
	if o.timeline >= 0 && s == &o.streams[o.timeline] {
		u.Duration = lasts
	}
	o.openPages++
	if !o.packetOpen() {
		o.openPages = 0
	}
	u.More = o.openPages > 0 && o.openPages <= maxOpenPages
	return u
}

// startsAt reports whether a listener may start with a page: with video at a key frame,
// otherwise at the beginning of an audio packet.
func (o *ogg) startsAt(s *oggStream, p OggPage) bool {
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

// ended reports whether all decodable streams of the link have ended.
func (o *ogg) ended() bool {
	for i := range o.streams {
		if s := &o.streams[i]; !s.ended && !s.undecodable {
			return false
		}
	}
	return true
}

// packetOpen reports whether a packet of any stream continues on a later page.
func (o *ogg) packetOpen() bool {
	for i := range o.streams {
		if o.streams[i].packetOpen {
			return true
		}
	}
	return false
}

// headersMissing reports whether a decodable stream has incomplete headers.
func (o *ogg) headersMissing() bool {
	for i := range o.streams {
		if s := &o.streams[i]; s.headersMissing() && !s.undecodable {
			return true
		}
	}
	return false
}
