package format

import "bytes"

const flacMagic = "fLaC"

// The header of a metadata block (RFC 9639, section 8.1): a bit for the last block, 7 bits
// for the type, 3 bytes for the length of the body.
const (
	flacLast     = 0x80
	flacComments = 4
	flacPicture  = 6
	flacNone     = 127 // forbidden: it looks like a frame
)

// flac is the framer of native FLAC: a unit is a frame, or a part of a frame longer than
// MaxUnit. Magic and metadata are the Init, without blocks that have no use in a stream
// (padding, seek table) and without long pictures.
//
// A frame ends where another one begins and the CRC over the bytes between is right. The
// frame after a damaged one is recognised by its number, which soon follows. Apart from
// headers, no byte is read twice, and damage costs at most the longest frame.
type flac struct {
	contentType string
	info        streamInfo
	init        *Init // nil: no metadata yet, so frames cannot be recognised
	retitled    *Init // made by Retitle; replaces init at the next frame

	// The metadata.
	metadataBlocks []byte // magic and kept blocks; nil: complete
	lastBlock      int    // offset of the last kept block
	drop           int    // remaining bytes of a block to drop
	lastDropped    bool   // the last block is being dropped

	// The current frame, of which parts may have been sent.
	frame   flacHeader // size 0: there is none
	scanned int        // bytes searched for its end
	crc     uint16     // of the sent parts and the scanned bytes
	partCRC uint16     // of the sent parts and the next one
	sent    int        // bytes of the sent parts

	numbers flacNumbers
}

func newFLAC(contentType string) *flac { return &flac{contentType: contentType} }

func (f *flac) Type() string { return f.contentType }

func (f *flac) Next(buf []byte, final bool) (int, Unit) {
	switch {
	case f.drop > 0:
		n := min(f.drop, len(buf))
		if f.drop -= n; f.drop == 0 && f.lastDropped {
			f.finishInit()
		}
		return n, Unit{}
	case f.metadataBlocks != nil:
		return f.takeBlock(buf, final), Unit{}
	case f.frame.size == 0:
		if n, found := f.search(buf, final); n > 0 || !found {
			return n, Unit{}
		}
	}
	return f.takeFrame(buf, final)
}

// beginsFLAC compares b with the magic and the header of STREAMINFO.
func beginsFLAC(b []byte) match {
	const stream = flacMagic + "\x00\x00\x00\x22"
	var head [len(stream)]byte
	n := copy(head[:], b)
	head[len(flacMagic)] &^= flacLast
	switch {
	case !startsLike(head[:n], stream):
		return no
	case n < len(stream):
		return partial
	}
	return yes
}

// search looks for a frame or the magic at the beginning of buf. It reports whether a
// frame was found, else it returns the number of bytes to skip.
func (f *flac) search(buf []byte, final bool) (n int, found bool) {
	if n = f.nextCandidate(buf, final); n > 0 || len(buf) == 0 {
		return n, false
	}
	switch beginsFLAC(buf) {
	case yes:
		f.metadataBlocks, f.lastBlock = append(make([]byte, 0, 256), flacMagic...), 0
		f.numbers.continued = f.numbers.continued || f.init != nil
		f.init, f.retitled = nil, nil
		return len(flacMagic), false
	case partial:
		return 0, false
	}
	h, is := f.header(buf)
	if is != yes {
		return 0, false
	}
	if f.retitled != nil {
		f.init, f.retitled = f.retitled, nil
	}
	f.frame, f.scanned, f.crc, f.sent = h, 0, 0, 0
	return 0, true
}

// nextCandidate returns the distance to the next place where a frame or the magic begins
// or may begin.
func (f *flac) nextCandidate(buf []byte, final bool) int {
	for i, c := range buf {
		var found match
		switch {
		case c == 0xff && f.init != nil:
			_, found = f.header(buf[i:])
		case c == flacMagic[0]:
			found = beginsFLAC(buf[i:])
		}
		if found == yes || found == partial && !final {
			return i
		}
	}
	return len(buf)
}

// header reads a frame header that fits this stream.
func (f *flac) header(b []byte) (flacHeader, match) {
	h, found := parseFLAC(b)
	if found == yes && !f.info.matches(h) {
		found = no
	}
	return h, found
}

// takeBlock consumes the metadata block at the beginning of buf. It returns its length, or
// the length of its header if the body is to be dropped.
func (f *flac) takeBlock(buf []byte, final bool) int {
	if len(buf) < 4 {
		return f.waitOrDrop(buf, final)
	}
	kind, size := buf[0]&^flacLast, 4+int(be32(buf)&0xffffff)
	first := len(f.metadataBlocks) == len(flacMagic) // STREAMINFO, as search has checked
	f.lastDropped = buf[0]&flacLast != 0
	keep := first || kind == flacComments || kind == flacPicture
	if kind == flacNone {
		f.metadataBlocks = nil
		return 1
	}
	if !keep || size > MaxUnit || len(f.metadataBlocks)+size > MaxInit {
		f.drop = size - 4
		if f.drop == 0 && f.lastDropped {
			f.finishInit()
		}
		return 4
	}
	if len(buf) < size {
		return f.waitOrDrop(buf, final)
	}
	if first {
		f.info = readStreamInfo(buf[4:])
	}
	f.lastBlock = len(f.metadataBlocks)
	f.metadataBlocks = append(f.metadataBlocks, buf[:size]...)
	f.metadataBlocks[f.lastBlock] &^= flacLast
	if f.lastDropped {
		f.finishInit()
	}
	return size
}

// waitOrDrop returns the number of bytes to consume of an incomplete block.
func (f *flac) waitOrDrop(buf []byte, final bool) int {
	if final {
		return len(buf)
	}
	return 0
}

// finishInit makes the Init after the last metadata block.
func (f *flac) finishInit() {
	clearTotals(f.metadataBlocks[len(flacMagic)+4:])
	f.metadataBlocks[f.lastBlock] |= flacLast
	f.init = &Init{Data: f.metadataBlocks, Comments: flacComment(f.metadataBlocks).read(), Once: true}
	f.metadataBlocks, f.lastDropped = nil, false
}

// flacComment returns the body of the comment block, nil if there is none.
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

// Retitle makes an Init with other comments, for listeners that start with the next frame
// or later.
func (f *flac) Retitle(c Comments) bool {
	if f.init == nil {
		return false
	}
	old := f.init
	if f.retitled != nil {
		old = f.retitled
	}
	comments := flacComment(old.Data)
	if comments == nil {
		comments = make(vorbisComments, 8) // no vendor, no comments
	}
	comments, ok := comments.retitled(c)
	if !ok {
		return false
	}
	const fixed = len(flacMagic) + 4 + streamInfoSize
	data := bytes.Clone(old.Data[:fixed])
	data[len(flacMagic)] &^= flacLast
	data = append(data, flacLast|flacComments, 0, 0, 0)
	data = append(data, comments...)
	putFLACSize(data[fixed:])
	if len(data) > MaxInit {
		return false
	}
	f.retitled = &Init{Data: data, Comments: comments.read(), Once: true}
	return true
}

// putFLACSize writes the length of a metadata block into its header.
func putFLACSize(block []byte) {
	size := len(block) - 4
	block[1], block[2], block[3] = byte(size>>16), byte(size>>8), byte(size)
}
