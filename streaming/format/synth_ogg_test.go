package format

import (
	"bytes"
	"encoding/binary"
	"time"
)

// oggMaker makes the pages of one logical stream.
type oggMaker struct {
	serial, sequence uint32
	granule          int64
}

// page makes a page of whole packets. If open is set, the last one continues; its length must be a
// multiple of 255.
func (m *oggMaker) page(flags byte, granule int64, open bool, packets ...[]byte) []byte {
	var lacing, body []byte
	for i, p := range packets {
		for left := len(p); left >= 255; left -= 255 {
			lacing = append(lacing, 255)
		}
		if !open || i < len(packets)-1 {
			lacing = append(lacing, byte(len(p)%255))
		}
		body = append(body, p...)
	}
	data := append(appendOggPage(nil, flags, granule, lacing), body...)
	OggPage(data).renumber(m.serial, m.sequence)
	m.sequence++
	return data
}

// sound makes a page of packets that lasts a tenth of a second.
func (m *oggMaker) sound(packets ...[]byte) part {
	m.granule += 4800
	return part{data: m.page(0, m.granule, false, packets...), unit: true, start: true, duration: time.Second / 10}
}

func commentsOf(vendor string, list ...string) []byte {
	b := appendCounted(nil, []byte(vendor))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(list)))
	for _, c := range list {
		b = appendCounted(b, []byte(c))
	}
	return b
}

// The first packets of codecs, with 48 kHz and 25 frames per second.
func vorbisFirst() []byte {
	b := append([]byte("\x01vorbis"), make([]byte, 23)...)
	binary.LittleEndian.PutUint32(b[12:], 48000)
	return b
}

func opusFirst() []byte { return append([]byte("OpusHead\x01\x02\x38\x01"), make([]byte, 7)...) }

func speexFirst() []byte {
	b := append([]byte("Speex   "), make([]byte, 72)...)
	binary.LittleEndian.PutUint32(b[36:], 48000)
	return b
}

func flacFirst() []byte {
	b := []byte("\x7fFLAC\x01\x00\x00\x01fLaC\x00\x00\x00\x22")
	return append(b, flacInfoOf(48000, 2, 16)...)
}

func theoraFirst() []byte {
	b := append([]byte("\x80theora"), make([]byte, 35)...)
	binary.BigEndian.PutUint32(b[22:], 25)
	binary.BigEndian.PutUint32(b[26:], 1)
	b[41] = 6 << 5 // the shift of granule positions
	return b
}

// oggHeaders makes the header pages of a codec: the first one, and the others.
func (m *oggMaker) headers(codec string, comments ...string) (first, others []byte) {
	list := commentsOf("maker", comments...)
	bos := func(p []byte) []byte { return m.page(oggBOS, 0, false, p) }
	switch codec {
	case "vorbis":
		first = bos(vorbisFirst())
		others = m.page(0, 0, false, append([]byte("\x03vorbis"), append(list, 1)...), append([]byte("\x05vorbis"), make([]byte, 300)...))
	case "opus":
		first = bos(opusFirst())
		others = m.page(0, 0, false, append([]byte("OpusTags"), list...))
	case "speex":
		first = bos(speexFirst())
		others = m.page(0, 0, false, list)
	case "flac":
		first = bos(flacFirst())
		block := append([]byte{flacLast | flacComments, 0, 0, byte(len(list))}, list...)
		others = m.page(0, 0, false, block)
	case "theora":
		first = bos(theoraFirst())
		others = m.page(0, 0, false, append([]byte("\x81theora"), list...), append([]byte("\x82theora"), make([]byte, 20)...))
	case "skeleton":
		first = bos(append([]byte("fishead\x00"), make([]byte, 56)...))
		others = append(m.page(0, 0, false, []byte("fisbone\x00....")), m.page(oggEOS, 0, false, []byte{})...)
	case "kate":
		p := append([]byte("\x80kate\x00\x00\x00\x00\x00\x00\x02"), make([]byte, 52)...)
		first = bos(p)
		others = m.page(0, 0, false, []byte("\x81kate\x00\x00\x00\x00........"))
	case "midi":
		first = bos([]byte("OggMIDI\x00...."))
	case "unknown":
		first = bos([]byte("BBCD\x00...."))
		others = m.page(0, 0, false, []byte("more of a header"))
	}
	return first, others
}

// link makes a link with one stream and pages of sound.
func (m *oggMaker) link(codec string, pages int, comments ...string) []part {
	first, others := m.headers(codec, comments...)
	parts := []part{{data: first}, {data: others}}
	for i := range pages {
		parts = append(parts, m.sound(packetOf(codec, 40+i), packetOf(codec, 30)))
	}
	return parts
}

// packetOf makes a packet of sound.
func packetOf(codec string, size int) []byte {
	p := bytes.Repeat([]byte{0x24}, size) // in Vorbis, sound
	if codec == "flac" {
		p[0] = 0xff
	}
	return p
}
