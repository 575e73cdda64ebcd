package fallback

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// unit is what is handed out as a whole: a unit of a format, or the init that a
// decoder needs first.
type unit struct {
	data  []byte // good until the next one is asked for
	lasts time.Duration

	// title is what to announce with this unit, the first one of something new;
	// nil within it.
	title *format.Comments
}

// track is a file that is being played. Whoever made it closes the file.
type track struct {
	// Set once.
	path   string
	file   file
	cut    *cutter
	stream *stream
	fixed  bool // what streams say of themselves does not count as a title

	title *format.Comments // to be told with the next unit; nil: it has been
	init  *format.Init     // that the last unit needs
	held  format.Unit      // what comes after its init
	lead  time.Duration    // how much of what comes is not heard
}

// stream is what a player's files have become so far.
type stream struct {
	serials serials
	flac    flacStream
}

// next returns the next unit, and io.EOF at the end of the file.
func (t *track) next() (unit, error) {
	if u := t.held; u.Data != nil {
		t.held = format.Unit{}
		return t.sound(u), nil
	}
	for {
		u, err := t.cut.next()
		if err != nil {
			return unit{}, err
		}
		if u.Init != nil && u.Init != t.init {
			if head := t.link(u.Init); head != nil {
				t.held = u
				return unit{data: head, title: t.tell()}, nil
			}
		}
		if goesOut(u) {
			return t.sound(u), nil
		}
	}
}

// sound makes a unit of one that has its init.
func (t *track) sound(u format.Unit) unit {
	unheard := min(u.Duration, t.lead)
	t.lead -= unheard
	out := unit{data: u.Data, lasts: u.Duration - unheard, title: t.tell()}
	if isOgg(u.Data) {
		out.data = t.stream.serials.page(u.Data)
	}
	return out
}

// link turns to another init and returns what to send of it, nil if nothing. A file
// may hold several streams one after the other, each with a title.
func (t *track) link(i *format.Init) []byte {
	t.init = i
	if !t.fixed && i.Comments != nil && i.Comments.Title != "" {
		t.title = i.Comments
	}
	if isOgg(i.Data) {
		t.lead = opusLead(i.Data)
		return t.stream.serials.link(i.Data)
	}
	return t.stream.flac.join(i.Data)
}

// tell returns the title that has not been told.
func (t *track) tell() *format.Comments {
	title := t.title
	t.title = nil
	return title
}

// opusLead returns how much of a stream Opus decoders leave out, which its granule
// positions count (RFC 7845, section 4.2). In a short loop it would add up.
func opusLead(headers []byte) time.Duration {
	const preSkip = 10 // where the number of samples is in the first packet
	packet := firstPacket(headers)
	if !bytes.HasPrefix(packet, []byte("OpusHead")) || len(packet) < preSkip+2 {
		return 0
	}
	return time.Duration(binary.LittleEndian.Uint16(packet[preSkip:])) * time.Second / 48000
}
