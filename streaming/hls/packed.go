package hls

// packed makes segments of packed audio (RFC 8216, 3.4): a tag with the time stamp and the
// title, then the frames as they came. There is no init.
type packed struct {
	data []byte
	rate int
}

// stampBase is the time of the first sample of a list: stamps below it are left to decoders
// that go back.
const stampBase = 10 // seconds

func (p *packed) begin(at uint64, t Title, sizeHint int) {
	p.data = appendTag(make([]byte, 0, sizeHint), func(dst []byte) []byte {
		dst = appendStamp(dst, stampBase*90000+at*90000/uint64(p.rate))
		return t.appendFrames(dst)
	})
}

func (p *packed) add(data []byte, _ int) { p.data = append(p.data, data...) }

// retitle does nothing: players lose sound at a tag in the middle, so a segment has the title
// of its beginning.
func (p *packed) retitle(uint64, Title) {}

func (p *packed) finish() []byte { return p.data }
