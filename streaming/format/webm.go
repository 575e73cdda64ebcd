package format

// The top elements and those of a Cluster (RFC 9559, section 5.1).
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
	// maxEBMLHead is the longest accepted header of a file, in bytes.
	maxEBMLHead = 4 << 10

	// maxBlock is the longest accepted block, in bytes.
	maxBlock = 16 << 20

	// The longest elements that are skipped; longer ones are damage. maxUnneeded is
	// for ids of four bytes, which rarely occur by chance, maxPadding for Void
	// elements, maxUnknown for unknown elements and blocks of unknown tracks.
	maxUnneeded = 16 << 20
	maxPadding  = 64 << 10
	maxUnknown  = 4 << 10
)

// webm is the framer of Matroska and WebM. It reads a stream as a flat list of elements, in
// which Segment and Cluster are only markers. So their sizes do not matter, which live
// encoders do not set and hostile input can forge.
//
// The elements before the first Cluster are the Init, without positions, checksums and
// duration, which apply to a file: SeekHead, Cues, CRC-32, Duration. The Segment gets an
// unknown size.
//
// The Clusters get an unknown size, too. So a Cluster can end after any block, and a
// listener can move to another stream there. The header of a Cluster with its timestamp is
// a unit, and so is each block. With video, the first unit extends to the first video
// block, which decides whether a listener can start there.
//
// After damage, all bytes before the next Cluster are dropped.
type webm struct {
	contentType string // "" until the Init is there, unless declared
	declared    string

	head []byte // the incomplete Init; nil before and after
	init *Init

	tracks tracks
	clock  webmClock

	cluster bool // a Cluster has been sent, so blocks can follow
	lost    bool // out of sync until a Cluster or a file begins
	lead    clusterLead

	rest int64       // remaining bytes of the current element
	dest destination // of these bytes
}

// destination is where the bytes of an element go.
type destination int

const (
	toNowhere destination = iota
	toInit
	toUnit // a block
)

func newWebM(declared string) *webm { return &webm{declared: declared} }

func (w *webm) Type() string { return w.contentType }

func (w *webm) Next(buf []byte, final bool) (int, Unit) {
	if w.rest > 0 {
		return w.continueElement(buf, final)
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
	case found == partial && !final:
		return 0, Unit{}
	case found != yes:
		return w.loseSync()
	}
	return w.element(buf, h, final)
}

// loseSync handles bytes that are no valid element.
func (w *webm) loseSync() (int, Unit) {
	w.lost, w.cluster = true, false
	return 1, Unit{}
}

// element consumes the element with header h at the beginning of buf, or its first part.
func (w *webm) element(buf []byte, h ebmlHeader, final bool) (int, Unit) {
	switch {
	case h.id == idEBML && h.size >= 0 && h.size <= maxEBMLHead:
		w.beginFile()
		return w.keep(buf, h)
	case !w.hasBegun():
	case h.id == idSegment:
		if w.init == nil && len(w.head)+4+len(ebmlUnknown) <= MaxInit {
			w.head = append(append(w.head, buf[:4]...), ebmlUnknown...)
		}
		return h.len, Unit{}
	case h.id == idCluster:
		if w.init == nil && !w.finishInit() {
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
		return w.skip(h, maxPadding)
	default:
		return w.skip(h, maxUnknown)
	}
	return w.loseSync()
}

// hasBegun reports whether a file has begun.
func (w *webm) hasBegun() bool { return w.head != nil || w.init != nil }

// beginFile begins a new file.
func (w *webm) beginFile() {
	w.head, w.init, w.cluster, w.tracks, w.clock = make([]byte, 0, 512), nil, false, tracks{}, webmClock{}
}

// keep adds an element to the Init.
func (w *webm) keep(buf []byte, h ebmlHeader) (int, Unit) {
	w.head = append(w.head, buf[:h.len]...)
	w.rest, w.dest = h.size, toInit
	return h.len, Unit{}
}

// skip drops an element; one longer than maxSize is damage.
func (w *webm) skip(h ebmlHeader, maxSize int64) (int, Unit) {
	if h.size > maxSize {
		return w.loseSync()
	}
	w.rest, w.dest = h.size, toNowhere
	return h.len, Unit{}
}

// block consumes a block, or the first part of one longer than MaxUnit.
func (w *webm) block(buf []byte, h ebmlHeader, final bool) (int, Unit) {
	size := int64(h.len) + h.size
	n := int(min(size, MaxUnit))
	switch at, found := fileWithin(buf, n, final); {
	case found == yes: // the block was cut off
		return at, Unit{}
	case len(buf) < n && final:
		return len(buf), Unit{}
	case len(buf) < n, found == partial:
		return 0, Unit{}
	}
	b := readBlock(h, buf[h.len:n])
	if !w.tracks.has(b.track) {
		return w.skip(h, maxUnknown)
	}
	w.rest, w.dest = size-int64(n), toUnit
	return n, Unit{Data: buf[:n], More: w.rest > 0, Init: w.init, Duration: w.clock.advance(b, w.tracks.timeline)}
}

// continueElement consumes more of the current element.
func (w *webm) continueElement(buf []byte, final bool) (int, Unit) {
	n := int(min(w.rest, MaxUnit))
	switch at, found := fileWithin(buf, n, final); {
	case found == yes && at == 0: // the element was cut off
		w.rest = 0
		return w.Next(buf, final)
	case found == yes:
		n, w.rest = at, int64(at)
	case w.dest == toUnit && len(buf) < n && final:
		return len(buf), Unit{}
	case w.dest == toUnit && (len(buf) < n || found == partial):
		return 0, Unit{}
	case found == partial:
		n = at
	}
	n = min(n, len(buf))
	w.rest -= int64(n)
	switch w.dest {
	case toInit:
		w.head = append(w.head, buf[:n]...)
	case toUnit:
		return n, Unit{Data: buf[:n], More: w.rest > 0, Init: w.init}
	}
	return n, Unit{}
}
