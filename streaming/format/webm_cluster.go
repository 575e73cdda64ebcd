package format

import (
	"encoding/binary"
	"time"
)

// A block (RFC 9559, section 10.1):
//
//	track number, 1 to 8 bytes, coded like a size
//	timestamp relative to the Cluster, 2 bytes, signed
//	flags, 1 byte; in a SimpleBlock (section 10.2) 0x80 marks a key frame
//	frames
//
// A BlockGroup (section 5.1.3.5) holds a block and its properties. A ReferenceBlock in it
// means that the block is not a key frame.
const (
	idBlock     = 0xa1
	idReference = 0xfb

	blockKey = 0x80
)

// webmBlock is the header of a block.
type webmBlock struct {
	track uint64 // 0: unknown
	time  int64  // relative to the Cluster
	key   bool
}

// readBlock reads a SimpleBlock or BlockGroup whose body begins with body.
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

// webmClock measures time by the blocks of one track.
type webmClock struct {
	tick    float64 // the unit of timestamps, in seconds
	cluster int64   // the timestamp of the Cluster
	latest  int64   // the highest timestamp yet: video frames are not in order
	running bool
}

// advance returns the time since the last block of the track.
func (c *webmClock) advance(b webmBlock, track uint64) time.Duration {
	if b.track != track {
		return 0
	}
	now := c.cluster + b.time
	since := float64(now-c.latest) * c.tick
	if c.running && since < 0 && since > -maxReorder {
		return 0
	}
	d := plausible(since)
	if !c.running {
		d = 0
	}
	c.latest, c.running = now, true
	return d
}

// maxReorder is the maximum number of seconds by which video frames are reordered. A
// larger step back means that the clock was reset.
const maxReorder = 2

// clusterLead is the beginning of a Cluster, up to the block that decides whether a
// listener can start there.
type clusterLead struct {
	active bool
	at     int  // bytes examined
	timed  bool // the timestamp was found
	data   []byte
}

// maxLead is the maximum length of a lead. The rewritten header may be longer than the
// source's, and the unit must not exceed MaxUnit.
const maxLead = MaxUnit - 16

// begin starts the lead of a Cluster with a header of that length.
func (l *clusterLead) begin(header int) {
	*l = clusterLead{active: true, at: header, data: append(l.data[:0], "\x1f\x43\xb6\x75"+ebmlUnknown...)}
}

// lookAhead examines the beginning of a Cluster, which buf begins with.
func (w *webm) lookAhead(buf []byte, final bool) (int, Unit) {
	l := &w.lead
	seen := buf[:min(len(buf), maxLead)]
	for {
		h, found := parseEBML(seen[min(l.at, len(seen)):])
		if found == yes {
			found = w.takeLead(seen, h)
		}
		switch {
		case found == yes:
			continue
		case found == partial && len(seen) < maxLead && !final:
			return 0, Unit{}
		}
		break
	}
	l.active = false
	n := min(l.at, len(buf))
	if !l.timed {
		return n, Unit{} // without a timestamp, the blocks that follow are dropped
	}
	w.cluster = true
	start, more := w.startsAt(seen[n:])
	return n, Unit{Data: l.data, Start: start, More: more, Init: w.init}
}

// takeLead adds the element with header h, at l.at, to the lead. It returns no if the lead
// ends before the element, and partial if it needs more bytes.
func (w *webm) takeLead(seen []byte, h ebmlHeader) match {
	l := &w.lead
	block := h.id == idSimpleBlock || h.id == idBlockGroup
	switch {
	case h.size < 0,
		!block && !precedesBlocks(h.id) && h.id != ebmlVoid && h.id != ebmlCRC32,
		block && !w.tracks.video, // audio can start with any block
		h.size > maxLead && h.id != idSimpleBlock:
		return no
	}
	whole := int64(len(seen)-l.at) >= int64(h.len)+h.size
	body := seen[l.at+h.len:]
	if block {
		b := readBlock(h, body[:min(int64(len(body)), h.size)])
		enough := whole || h.id == idSimpleBlock && b.track != 0
		if !enough {
			return partial
		}
		if b.track == w.tracks.timeline {
			return no
		}
	}
	if !whole {
		return partial
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
	l.at += len(all) // positions and checksums are left out
	return yes
}

// startsAt reports whether a listener can start with the Cluster whose lead ends before b,
// and whether its first block follows.
func (w *webm) startsAt(b []byte) (start, more bool) {
	h, found := parseEBML(b)
	if found != yes || h.size < 0 || h.id != idSimpleBlock && h.id != idBlockGroup {
		return false, false
	}
	if !w.tracks.video {
		return true, true
	}
	whole := int64(len(b)-h.len) >= h.size
	if h.id == idBlockGroup && !whole { // a reference may stand at its end
		return false, true
	}
	k := readBlock(h, b[h.len:min(int64(len(b)), int64(h.len)+h.size)])
	return k.track == w.tracks.timeline && k.key, true
}
