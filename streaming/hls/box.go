package hls

import "encoding/binary"

// A box of MP4 (ISO 14496-12, 4.2): its size with this head, 4 bytes; its type, 4 bytes; its
// content. A full box has a version, 1 byte, and flags, 3 bytes, before the content. All
// numbers are big endian.
const boxHeader = 8

// boxes appends boxes to data.
type boxes struct{ data []byte }

// box appends a box with what content appends.
func (b *boxes) box(kind string, content func()) {
	at := len(b.data)
	b.u32(0)
	b.text(kind)
	content()
	binary.BigEndian.PutUint32(b.data[at:], uint32(len(b.data)-at))
}

// full appends a full box.
func (b *boxes) full(kind string, version byte, flags uint32, content func()) {
	b.box(kind, func() {
		b.u32(uint32(version)<<24 | flags)
		content()
	})
}

func (b *boxes) u8(v ...byte)    { b.data = append(b.data, v...) }
func (b *boxes) u16(v uint16)    { b.data = binary.BigEndian.AppendUint16(b.data, v) }
func (b *boxes) u64(v uint64)    { b.data = binary.BigEndian.AppendUint64(b.data, v) }
func (b *boxes) text(s string)   { b.data = append(b.data, s...) }
func (b *boxes) bytes(s []byte)  { b.data = append(b.data, s...) }
func (b *boxes) zeros(bytes int) { b.data = append(b.data, make([]byte, bytes)...) }

func (b *boxes) u32(v ...uint32) {
	for _, v := range v {
		b.data = binary.BigEndian.AppendUint32(b.data, v)
	}
}
