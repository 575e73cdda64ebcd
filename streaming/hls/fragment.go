package hls

import (
	"encoding/binary"

	"github.com/caddycast/caddycast/streaming/format"
)

// fragment makes segments of fMP4 (ISO 14496-12, 8.8):
//
//	emsg for each title
//	moof mfhd
//	     traf tfhd tfdt trun
//	mdat
//
// A sample is a packet. Times are in samples of the codec since the list began, and stampBase.
type fragment struct {
	codec    *format.Codec
	sequence uint32 // of the next moof

	start  uint64
	titles []mark
	data   []byte
	sizes  []uint32
	lasts  []uint32
}

func (f *fragment) begin(at uint64, t Title, sizeHint int) {
	f.start, f.titles = at, f.titles[:0]
	f.sizes, f.lasts = f.sizes[:0], f.lasts[:0]
	if f.data = f.data[:0]; cap(f.data) < sizeHint {
		f.data = make([]byte, 0, sizeHint)
	}
	if t != (Title{}) {
		f.titles = noteMark(f.titles, at, t)
	}
}

func (f *fragment) retitle(at uint64, t Title) { f.titles = noteMark(f.titles, at, t) }

func (f *fragment) add(data []byte, samples int) {
	if f.codec.Name == format.AAC {
		header, _ := format.ADTSHeader(data)
		data = data[header:]
	}
	f.data = append(f.data, data...)
	f.sizes, f.lasts = append(f.sizes, uint32(len(data))), append(f.lasts, uint32(samples))
}

// The flags of tfhd and trun (8.8.7, 8.8.8) that are used.
const (
	baseIsMoof      = 0x020000
	defaultDuration = 0x000008
	defaultFlags    = 0x000020
	hasOffset       = 0x000001
	hasDurations    = 0x000100
	hasSizes        = 0x000200

	syncSample = 0x02000000 // depends on no other
)

// maxFragmentHead is more than all boxes need but for titles and samples.
const maxFragmentHead = 256

func (f *fragment) finish() []byte {
	const perTitle = 3*maxText + maxFragmentHead
	b := &boxes{make([]byte, 0, maxFragmentHead+perTitle*len(f.titles)+8*len(f.sizes)+len(f.data))}
	for _, m := range f.titles {
		f.appendEvent(b, m)
	}
	f.sequence++
	moof, offset := len(b.data), 0
	flags := uint32(hasOffset | hasSizes)
	for _, d := range f.lasts {
		if d != f.lasts[0] {
			flags |= hasDurations
		}
	}
	b.box("moof", func() {
		b.full("mfhd", 0, 0, func() { b.u32(f.sequence) })
		b.box("traf", func() {
			b.full("tfhd", 0, baseIsMoof|defaultDuration|defaultFlags, func() { b.u32(trackID, f.lasts[0], syncSample) })
			b.full("tfdt", 1, 0, func() { b.u64(f.stamp(f.start)) })
			b.full("trun", 0, flags, func() {
				b.u32(uint32(len(f.sizes)))
				offset = len(b.data)
				b.u32(0)
				for i, size := range f.sizes {
					if flags&hasDurations != 0 {
						b.u32(f.lasts[i])
					}
					b.u32(size)
				}
			})
		})
	})
	binary.BigEndian.PutUint32(b.data[offset:], uint32(len(b.data)-moof+boxHeader))
	b.box("mdat", func() { b.bytes(f.data) })
	return b.data
}

func (f *fragment) stamp(at uint64) uint64 { return stampBase*uint64(f.codec.Rate) + at }

// appendEvent appends an emsg of version 1 (ISO 23009-1, 5.10.3.3) that holds an ID3 tag, as
// the AOM defines it: time scale, time, 8 bytes, duration unknown, id, scheme and value, each
// with a 0, the tag.
func (f *fragment) appendEvent(b *boxes, m mark) {
	b.full("emsg", 1, 0, func() {
		b.u32(uint32(f.codec.Rate))
		b.u64(f.stamp(m.at))
		b.u32(0xffffffff, uint32(m.at)) // unique enough: no player keeps them for a day
		b.text("https://aomedia.org/emsg/ID3\x00\x00")
		b.data = appendTag(b.data, m.title.appendFrames)
	})
}
