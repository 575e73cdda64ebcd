package format

import "bytes"

const flacMagic = "fLaC"

// The metadata blocks that count (RFC 9639, section 8.1): a byte for the type,
// of which the first bit says that it is the last one, and three for the length.
const (
	flacLast     = 0x80
	flacComments = 4
	flacPicture  = 6
	flacNone     = 127 // it looks like a frame
)

// flac is the framer of FLAC as such: a unit is a frame, or a part of one that is
// longer than a unit may be. Magic and metadata are the Init, less what is of no
// use in a stream (padding, the index) or too long to be worth it (pictures).
//
// A frame ends where another one begins, which is known by the CRC of all before
// it. What is behind a damaged frame is known by a number that soon follows. No
// byte is looked at twice but for headers, and there is no damage after which
// more than the longest frame is lost.
type flac struct {
	contentType string
	info        flacInfo
	init        *Init // nil while there is none: frames can't be told from garbage
	ahead       *Init // what Retitle made, to be used from the next frame on

	// metadata
	blocks []byte // magic and blocks that are kept; nil: they are complete
	last   int    // where the last block is that was kept
	drop   int    // bytes of a block that are still to be dropped
	final  bool   // it is the last block that is being dropped

	// the frame that begins with what is left, or of which a part has gone already
	frame   flacHeader // its size is 0 if there is none
	scanned int        // bytes that its end was looked for in
	crc     uint16     // of them, and of the parts
	gone    int        // bytes of the parts that have gone
}

func newFLAC(contentType string) *flac { return &flac{contentType: contentType} }

func (f *flac) Type() string { return f.contentType }

func (f *flac) Next(buf []byte, final bool) (int, Unit) {
	switch {
	case f.drop > 0:
		n := min(f.drop, len(buf))
		if f.drop -= n; f.drop == 0 && f.final {
			f.complete()
		}
		return n, Unit{}
	case f.blocks != nil:
		return f.metadata(buf, final), Unit{}
	case f.frame.size == 0:
		if n, found := f.search(buf, final); n > 0 || !found {
			return n, Unit{}
		}
	}
	return f.cut(buf, final)
}

// beginsFLAC finds the magic and the header of STREAMINFO.
func beginsFLAC(b []byte) verdict {
	const stream = flacMagic + "\x00\x00\x00\x22"
	var head [len(stream)]byte
	n := copy(head[:], b)
	head[len(flacMagic)] &^= flacLast
	switch {
	case !startsLike(head[:n], stream):
		return no
	case n < len(stream):
		return unsure
	}
	return yes
}

// search looks for a frame or the magic at the beginning of buf. It returns
// true if it is a frame, else how many bytes can be done without.
func (f *flac) search(buf []byte, final bool) (n int, found bool) {
	if n = f.next(buf, final); n > 0 || len(buf) == 0 {
		return n, false
	}
	switch beginsFLAC(buf) {
	case yes:
		f.blocks, f.last = append(make([]byte, 0, 256), flacMagic...), 0
		f.init, f.ahead = nil, nil
		return len(flacMagic), false
	case unsure:
		return 0, false
	}
	h, is := f.header(buf)
	if is != yes {
		return 0, false
	}
	if f.ahead != nil {
		f.init, f.ahead = f.ahead, nil
	}
	f.frame, f.scanned, f.crc, f.gone = h, 0, 0, 0
	return 0, true
}

// next returns how far it is to where a frame or the magic is, or may be.
func (f *flac) next(buf []byte, final bool) int {
	for i, c := range buf {
		var found verdict
		switch {
		case c == 0xff && f.init != nil:
			_, found = f.header(buf[i:])
		case c == flacMagic[0]:
			found = beginsFLAC(buf[i:])
		}
		if found == yes || found == unsure && !final {
			return i
		}
	}
	return len(buf)
}

// header reads the header of a frame of this stream.
func (f *flac) header(b []byte) (flacHeader, verdict) {
	h, found := parseFLAC(b)
	if found == yes && !f.info.has(h) {
		found = no
	}
	return h, found
}

// metadata takes the block at the beginning of buf and returns its length, or
// that of its header if the rest is to be dropped.
func (f *flac) metadata(buf []byte, final bool) int {
	if len(buf) < 4 {
		return f.unfinished(buf, final)
	}
	kind, size := buf[0]&^flacLast, 4+int(be32(buf)&0xffffff)
	first := len(f.blocks) == len(flacMagic) // it is STREAMINFO, search has seen it
	f.final = buf[0]&flacLast != 0
	keep := first || kind == flacComments || kind == flacPicture
	if kind == flacNone {
		f.blocks = nil
		return 1
	}
	if !keep || size > MaxUnit || len(f.blocks)+size > MaxInit {
		f.drop = size - 4
		if f.drop == 0 && f.final {
			f.complete()
		}
		return 4
	}
	if len(buf) < size {
		return f.unfinished(buf, final)
	}
	if first {
		f.info = readFLACInfo(buf[4:])
	}
	f.last = len(f.blocks)
	f.blocks = append(f.blocks, buf[:size]...)
	f.blocks[f.last] &^= flacLast
	if f.final {
		f.complete()
	}
	return size
}

// unfinished returns how many bytes of a block that is not all there are consumed.
func (f *flac) unfinished(buf []byte, final bool) int {
	if final {
		return len(buf)
	}
	return 0
}

// complete makes the Init after the last block.
func (f *flac) complete() {
	forget(f.blocks[len(flacMagic)+4:])
	f.blocks[f.last] |= flacLast
	f.init = &Init{Data: f.blocks, Comments: flacComment(f.blocks).read()}
	f.blocks, f.final = nil, false
}

// flacComment returns the comments among blocks, nil if there are none.
func flacComment(blocks []byte) vorbisComments {
	for b := blocks[len(flacMagic):]; len(b) > 0; {
		size := 4 + int(be32(b)&0xffffff)
		if b[0]&^flacLast == flacComments {
			return vorbisComments(b[4:size])
		}
		b = b[size:]
	}
	return nil
}

// Retitle makes an Init with other comments, from the next frame on. Decoders
// skip it where they don't expect it, as they skip any garbage between frames,
// and who joins later begins with it.
func (f *flac) Retitle(c Comments) bool {
	if f.init == nil {
		return false
	}
	old := f.init
	if f.ahead != nil {
		old = f.ahead
	}
	comments := flacComment(old.Data)
	if comments == nil {
		comments = make(vorbisComments, 8) // no vendor, no comments
	}
	comments, ok := comments.retitled(c)
	if !ok {
		return false
	}
	const fixed = len(flacMagic) + 4 + flacInfoSize
	data := bytes.Clone(old.Data[:fixed])
	data[len(flacMagic)] &^= flacLast
	data = append(data, flacLast|flacComments, 0, 0, 0)
	data = append(data, comments...)
	putFLACSize(data[fixed:])
	if len(data) > MaxInit {
		return false
	}
	f.ahead = &Init{Data: data, Comments: comments.read()}
	return true
}

// putFLACSize writes the length of a metadata block into its header.
func putFLACSize(block []byte) {
	size := len(block) - 4
	block[1], block[2], block[3] = byte(size>>16), byte(size>>8), byte(size)
}
