package icy

import "io"

// MaxInterval is the largest metaint to accept from a peer, in bytes. More can only be a
// mistake, because titles would hardly ever arrive.
const MaxInterval = 1 << 20

// Reader removes the metadata from a stream. It is not safe for concurrent use.
type Reader struct {
	src      io.Reader
	interval int
	left     int // audio bytes before the next block
	block    []byte
	missing  int // bytes of the block not read yet; -1: the length byte is next
	onTitle  func(title, url string, others []Field)
}

// NewReader returns a Reader of src, where a block follows each interval bytes of audio;
// with an interval of 0 or less there are no blocks. Read calls onTitle with each title, URL
// and other fields, unchanged, before it returns the audio behind them.
func NewReader(src io.Reader, interval int, onTitle func(title, url string, others []Field)) *Reader {
	return &Reader{src: src, interval: interval, left: interval, missing: -1, onTitle: onTitle}
}

// Read reads audio. One call never returns audio from both sides of a block. After a
// temporary error of src, such as a deadline, Read can be called again.
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

// readBlock reads once from src and continues the current block. Its state is in r, so it
// can continue after a failed read. It returns the result of src, so an error together with
// the last bytes of a block is not lost.
func (r *Reader) readBlock() (n int, err error) {
	if r.missing < 0 {
		var size [1]byte
		if n, err = r.src.Read(size[:]); n == 0 {
			return 0, err
		}
		r.missing = 16 * int(size[0])
		r.block = make([]byte, 0, r.missing)
	} else {
		n, err = r.src.Read(r.block[len(r.block):cap(r.block)])
		r.block = r.block[:len(r.block)+n]
		r.missing -= n
	}
	if r.missing > 0 {
		return n, err
	}
	if title, url, others, ok := Parse(r.block); ok {
		r.onTitle(title, url, others)
	}
	r.left, r.missing, r.block = r.interval, -1, nil
	return n, err
}
