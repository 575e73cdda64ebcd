package icy

import "io"

// MaxInterval is the largest metaint, in bytes, that a peer should be allowed:
// more can only be a mistake, since hardly a title would ever come.
const MaxInterval = 1 << 20

// Reader reads a stream that carries metadata and returns the audio alone. It
// is not safe for concurrent use.
type Reader struct {
	src      io.Reader
	interval int
	left     int // audio bytes before the next block
	block    []byte
	want     int // bytes of the block that are still to come; -1: the length byte is
	onTitle  func(title, url string)
}

// NewReader returns a Reader of src, in which a block follows each interval
// bytes; with an interval of 0 or less there are none. onTitle is called, from
// within Read, with each title and URL as they came, before any of the audio
// that follows them is returned.
func NewReader(src io.Reader, interval int, onTitle func(title, url string)) *Reader {
	return &Reader{src: src, interval: interval, left: interval, want: -1, onTitle: onTitle}
}

// Read reads audio. It never returns audio from both sides of a block at once.
// After an error of src that passes, such as a deadline, reading may go on.
func (r *Reader) Read(p []byte) (int, error) {
	if r.interval <= 0 {
		return r.src.Read(p)
	}
	if len(p) == 0 {
		return 0, nil
	}
	for r.left == 0 {
		if n, err := r.readBlock(); n == 0 || err != nil {
			return 0, err
		}
	}
	n, err := r.src.Read(p[:min(len(p), r.left)])
	r.left -= n
	return n, err
}

// readBlock reads once from src and goes on with the block that is due. Its state
// is in r, so that a read that failed can be taken up again. It returns what src
// did, so an error that came with the last bytes of a block is not lost.
func (r *Reader) readBlock() (n int, err error) {
	if r.want < 0 {
		var size [1]byte
		if n, err = r.src.Read(size[:]); n == 0 {
			return 0, err
		}
		r.want = 16 * int(size[0])
		r.block = make([]byte, 0, r.want)
	} else {
		n, err = r.src.Read(r.block[len(r.block):cap(r.block)])
		r.block = r.block[:len(r.block)+n]
		r.want -= n
	}
	if r.want > 0 {
		return n, err
	}
	if title, url, ok := Parse(r.block); ok {
		r.onTitle(title, url)
	}
	r.left, r.want, r.block = r.interval, -1, nil
	return n, err
}
