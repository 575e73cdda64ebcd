package format

// The elements that matter (RFC 9559, section 5.1).
const (
	idEBML        = 0x1a45dfa3
	idSegment     = 0x18538067
	idSeekHead    = 0x114d9b74
	idInfo        = 0x1549a966
	idTracks      = 0x1654ae6b
	idTags        = 0x1254c367
	idCues        = 0x1c53bb6b
	idChapters    = 0x1043a770
	idAttachments = 0x1941a469
	idCluster     = 0x1f43b675
	idTimestamp   = 0xe7
	idPosition    = 0xa7
	idPrevSize    = 0xab
	idSilent      = 0x5854
	idSimpleBlock = 0xa3
	idBlockGroup  = 0xa0
)

const (
	// maxEBMLHead is the longest header of a file that is believed.
	maxEBMLHead = 4 << 10

	// maxBlock is the longest block that is believed.
	maxBlock = 16 << 20

	// The longest elements that are skipped and not taken for damage: one whose id
	// of four bytes proves what it is, padding within a stream, and one that is
	// not known, or a block of a track that is not.
	maxUnneeded = 16 << 20
	maxVoid     = 64 << 10
	maxUnknown  = 4 << 10
)

// webm is the framer of Matroska and WebM. It reads a stream as a row of elements,
// in which Segment and Cluster are but marks: so nothing hangs on their sizes,
// which live encoders don't know and liars don't tell.
//
// The header and what precedes the first Cluster are the Init, less what holds
// positions or sizes, for a stream has none: SeekHead, Cues, checksums, the
// duration. The Segment gets an unknown size.
//
// So do the Clusters: then each block ends what has been sent of one, and nobody
// has to be held until the next Cluster comes. The mark of a Cluster with its
// timestamp is a unit, and so is each block. (With pictures, so that it is known
// whether a listener may begin there, the first unit goes as far as the first
// block that holds one.)
//
// What follows damage is dropped up to the next Cluster.
type webm struct {
	contentType string // "" until the Init is there, unless declared
	declared    string

	head []byte // the Init as far as it has come; nil: nothing, or complete
	init *Init

	tracks tracks
	clock  webmClock

	cluster bool // blocks belong to a Cluster that has been sent
	lost    bool // what comes is no element until a Cluster or a file begins
	lead    webmLead

	rest int64 // bytes of an element that are still to come
	fate fate  // what becomes of them
}

// fate is what becomes of an element.
type fate int

const (
	dropped fate = iota
	kept         // it is a part of the Init
	passed       // it is a block
)

func newWebM(declared string) *webm { return &webm{declared: declared} }

func (w *webm) Type() string { return w.contentType }

func (w *webm) Next(buf []byte, final bool) (int, Unit) {
	if w.rest > 0 {
		return w.goOn(buf, final)
	}
	if w.lead.active {
		return w.lookAhead(buf, final)
	}
	if w.lost {
		if n := w.search(buf, final); n > 0 || w.lost {
			return n, Unit{}
		}
	}
	h, found := parseEBML(buf)
	switch {
	case found == unsure && !final:
		return 0, Unit{}
	case found != yes:
		return w.lose()
	}
	return w.element(buf, h, final)
}

// lose gives up the element at hand: it is none.
func (w *webm) lose() (int, Unit) {
	w.lost, w.cluster = true, false
	return 1, Unit{}
}

// element takes the element with header h from the beginning of buf, or begins to.
func (w *webm) element(buf []byte, h ebmlHeader, final bool) (int, Unit) {
	switch {
	case h.id == idEBML && h.size >= 0 && h.size <= maxEBMLHead:
		w.begin()
		return w.keep(buf, h)
	case !w.begun():
	case h.id == idSegment:
		if w.init == nil && len(w.head)+4+len(ebmlUnknown) <= MaxInit {
			w.head = append(append(w.head, buf[:4]...), ebmlUnknown...)
		}
		return h.len, Unit{}
	case h.id == idCluster:
		if w.init == nil && !w.complete() {
			break
		}
		w.cluster = false
		w.lead.begin(h.len)
		return w.lookAhead(buf, final)
	case h.size < 0:
	case h.id == idSimpleBlock || h.id == idBlockGroup:
		if h.size <= maxBlock && w.cluster {
			return w.block(buf, h, final)
		}
	case h.id == idInfo || h.id == idTracks || h.id == idTags || h.id == idChapters || h.id == idAttachments:
		if w.init == nil && int64(len(w.head)+h.len)+h.size <= MaxInit {
			return w.keep(buf, h)
		}
		return w.skip(h, maxUnneeded)
	case h.id == idSeekHead || h.id == idCues || h.id == ebmlVoid && w.init == nil:
		return w.skip(h, maxUnneeded)
	case h.id == ebmlVoid:
		return w.skip(h, maxVoid)
	default:
		return w.skip(h, maxUnknown)
	}
	return w.lose()
}

// begun tells whether a file has begun.
func (w *webm) begun() bool { return w.head != nil || w.init != nil }

// begin begins a new file.
func (w *webm) begin() {
	w.head, w.init, w.cluster, w.tracks, w.clock = make([]byte, 0, 512), nil, false, tracks{}, webmClock{}
}

// keep makes an element a part of the Init.
func (w *webm) keep(buf []byte, h ebmlHeader) (int, Unit) {
	w.head = append(w.head, buf[:h.len]...)
	w.rest, w.fate = h.size, kept
	return h.len, Unit{}
}

// skip drops an element, but not one that claims to be longer than most.
func (w *webm) skip(h ebmlHeader, most int64) (int, Unit) {
	if h.size > most {
		return w.lose()
	}
	w.rest, w.fate = h.size, dropped
	return h.len, Unit{}
}

// block takes a block, or the first part of one that is longer than a unit may be.
func (w *webm) block(buf []byte, h ebmlHeader, final bool) (int, Unit) {
	size := int64(h.len) + h.size
	n := int(min(size, MaxUnit))
	if len(buf) < n {
		if final {
			return len(buf), Unit{}
		}
		return 0, Unit{}
	}
	b := readBlock(h, buf[h.len:n])
	if !w.tracks.has(b.track) {
		return w.skip(h, maxUnknown)
	}
	w.rest, w.fate = size-int64(n), passed
	return n, Unit{Data: buf[:n], More: w.rest > 0, Init: w.init, Duration: w.clock.tell(b, w.tracks.timeline)}
}

// goOn takes more of the element at hand.
func (w *webm) goOn(buf []byte, final bool) (int, Unit) {
	n := int(min(w.rest, MaxUnit))
	if w.fate == passed && len(buf) < n {
		if final {
			return len(buf), Unit{}
		}
		return 0, Unit{}
	}
	n = min(n, len(buf))
	w.rest -= int64(n)
	switch w.fate {
	case kept:
		w.head = append(w.head, buf[:n]...)
	case passed:
		return n, Unit{Data: buf[:n], More: w.rest > 0, Init: w.init}
	}
	return n, Unit{}
}

// search returns how far it is to the next Cluster or file, or to what may be one.
// If it begins at once it is found.
func (w *webm) search(buf []byte, final bool) int {
	for i, c := range buf {
		var found verdict
		switch {
		case c == idEBML>>24:
			found = begins(buf[i:], idEBML)
		case c == idCluster>>24 && w.begun():
			found = begins(buf[i:], idCluster)
		}
		if found == yes || found == unsure && !final {
			w.lost = i > 0 || found != yes
			return i
		}
	}
	return len(buf)
}

// begins tells whether the element with that id begins with b, and with one that
// it may begin with: four bytes alone come about by chance, too.
func begins(b []byte, id uint32) verdict {
	h, found := parseEBML(b)
	if found == yes && h.id != id || found == unsure && h.id != 0 && h.id != id {
		return no
	}
	if found != yes {
		return found
	}
	if id == idEBML && (h.size < 0 || h.size > maxEBMLHead) {
		return no
	}
	first, found := parseEBML(b[h.len:])
	if found != yes {
		return found
	}
	switch {
	case first.id == ebmlVoid || first.id == ebmlCRC32, // as either may
		id == idEBML && first.id>>8 == 0x42, // as all ids in there
		id == idCluster && inCluster(first.id):
		return yes
	}
	return no
}

// inCluster tells of what precedes the blocks of a Cluster.
func inCluster(id uint32) bool {
	return id == idTimestamp || id == idPosition || id == idPrevSize || id == idSilent
}
