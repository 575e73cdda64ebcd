package format

import (
	"encoding/binary"
	"time"
)

// A block (RFC 9559, section 10): the number of its track, a time relative to that
// of the Cluster in 2 bytes, and flags. A BlockGroup holds a block and what there is
// to say of it; the frames that it refers to are what it can't be shown without.
const (
	idBlock     = 0xa1
	idReference = 0xfb

	blockKey = 0x80 // the flag of a SimpleBlock that it is a key frame
)

// webmBlock is what the beginning of a block tells.
type webmBlock struct {
	track uint64 // 0: it can't be told
	time  int64  // relative to the Cluster
	key   bool
}

// readBlock reads a SimpleBlock or BlockGroup of which body is the beginning.
func readBlock(h ebmlHeader, body []byte) webmBlock {
	if h.id == idSimpleBlock {
		b, flags := readBlockHead(body)
		b.key = flags&blockKey != 0
		return b
	}
	var b webmBlock
	refers := false
	for len(body) > 0 {
		e, found := parseEBML(body)
		if found != yes || e.size < 0 {
			break
		}
		switch e.id {
		case idBlock:
			b, _ = readBlockHead(body[e.len:])
		case idReference:
			refers = true
		}
		body = body[min(int64(e.len)+e.size, int64(len(body))):]
	}
	b.key = !refers
	return b
}

func readBlockHead(b []byte) (head webmBlock, flags byte) {
	if len(b) == 0 {
		return head, 0
	}
	track, n := ebmlNumber(b)
	if n == 0 || len(b) < n+3 {
		return head, 0
	}
	return webmBlock{track: track, time: int64(int16(binary.BigEndian.Uint16(b[n:])))}, b[n+2]
}

// webmClock tells the time from the blocks of one track.
type webmClock struct {
	tick    float64 // how many seconds the unit of timestamps is
	cluster int64   // the timestamp of the Cluster
	high    int64   // the highest timestamp yet: pictures do not come in order
	running bool
}

// tell returns how long it has been since the last block of the track.
func (c *webmClock) tell(b webmBlock, track uint64) time.Duration {
	if b.track != track {
		return 0
	}
	now := c.cluster + b.time
	since := float64(now-c.high) * c.tick
	if c.running && since < 0 && since > -maxReorder {
		return 0
	}
	d := leap(since)
	if !c.running {
		d = 0
	}
	c.high, c.running = now, true
	return d
}

// maxReorder is how many seconds a picture may come after a later one. More
// means that the time was set back.
const maxReorder = 2

// webmLead is the beginning of a Cluster, up to the block that tells whether a
// listener may begin there.
type webmLead struct {
	active bool
	at     int  // how far it has been looked at
	timed  bool // there is a timestamp
	data   []byte
}

// maxLead is how far is looked ahead; our mark may be longer than the source's.
const maxLead = MaxUnit - 16

// begin makes the mark of a Cluster out of one with a header of that length.
func (l *webmLead) begin(header int) {
	*l = webmLead{active: true, at: header, data: append(l.data[:0], "\x1f\x43\xb6\x75"+ebmlUnknown...)}
}

// lookAhead goes through the beginning of a Cluster, which buf begins with.
func (w *webm) lookAhead(buf []byte, final bool) (int, Unit) {
	l := &w.lead
	seen := buf[:min(len(buf), maxLead)]
	for {
		h, found := parseEBML(seen[min(l.at, len(seen)):])
		if found == yes {
			found = w.leads(seen, h)
		}
		switch {
		case found == yes:
			continue
		case found == unsure && len(seen) < maxLead && !final:
			return 0, Unit{}
		}
		break
	}
	l.active = false
	n := min(l.at, len(buf))
	if !l.timed {
		return n, Unit{} // and what follows is dropped: it has no Cluster
	}
	w.cluster = true
	start, more := w.startsAt(seen[n:])
	return n, Unit{Data: l.data, Start: start, More: more, Init: w.init}
}

// leads takes the element with header h, at l.at, if it is a part of the lead: it
// returns no if the lead ends before it, and unsure if not all of it is there.
func (w *webm) leads(seen []byte, h ebmlHeader) verdict {
	l := &w.lead
	block := h.id == idSimpleBlock || h.id == idBlockGroup
	switch {
	case h.size < 0,
		!block && !inCluster(h.id) && h.id != ebmlVoid && h.id != ebmlCRC32,
		block && !w.tracks.video, // sound may begin with any block
		h.size > maxLead && h.id != idSimpleBlock:
		return no
	}
	whole := int64(len(seen)-l.at) >= int64(h.len)+h.size
	body := seen[l.at+h.len:]
	if block {
		b := readBlock(h, body[:min(int64(len(body)), h.size)])
		enough := whole || h.id == idSimpleBlock && b.track != 0
		if !enough {
			return unsure
		}
		if b.track == w.tracks.timeline {
			return no
		}
	}
	if !whole {
		return unsure
	}
	all := seen[l.at : l.at+h.len+int(h.size)]
	switch {
	case h.id == idTimestamp:
		w.clock.cluster = int64(ebmlUint(all[h.len:]) & (1<<62 - 1))
		l.timed = true
		l.data = append(l.data, all...)
	case block && w.tracks.has(readBlock(h, all[h.len:]).track):
		l.data = append(l.data, all...)
	}
	l.at += len(all) // positions and checksums are none of a stream's
	return yes
}

// startsAt tells whether a listener may begin with the Cluster whose lead ends
// before b, and whether its first block of sound or pictures is there.
func (w *webm) startsAt(b []byte) (start, more bool) {
	h, found := parseEBML(b)
	if found != yes || h.size < 0 || h.id != idSimpleBlock && h.id != idBlockGroup {
		return false, false
	}
	if !w.tracks.video {
		return true, true
	}
	whole := int64(len(b)-h.len) >= h.size
	if h.id == idBlockGroup && !whole { // it may refer to others at its end
		return false, true
	}
	k := readBlock(h, b[h.len:min(int64(len(b)), int64(h.len)+h.size)])
	return k.track == w.tracks.timeline && k.key, true
}
