package format

import (
	"bytes"
	"maps"
	"slices"
)

// shortStreams are short enough to be cut at every byte.
func shortStreams() map[string][]byte {
	all := shortFrames()
	maps.Copy(all, shortContainers())
	return all
}

// shortContainers are short streams with an Init.
func shortContainers() map[string][]byte {
	a, b := oggMaker{serial: 1}, oggMaker{serial: 2}
	mix, makers := mixed("skeleton", "theora", "vorbis")
	pictures := makers[1].page(0, 1<<6, false, []byte{0x10}, []byte{0x50})
	start := flacStart(2, flacBlock(flacComments, commentsOf("v", "TITLE=T")))
	sound, both := webmStart("webm", soundOnly), webmStart("matroska", withPictures)
	cluster := element(idCluster, stamp(5), simple(1, 0, 0), simple(1, 9, 0))
	key := endless(idCluster, stamp(5), simple(2, 0, 0), group(1, 9, false), simple(1, 9, 0))
	packet := tsFill{pid: soundPID, begins: true, clock: 9, payload: pes(1)}.packet()
	return map[string][]byte{
		"a chain in Ogg":                slices.Concat(bytesOf(a.link("opus", 2, "TITLE=T")...), junk(20).data, bytesOf(b.link("flac", 3)...)),
		"Ogg with pictures":             slices.Concat(bytesOf(mix...), pictures, makers[2].sound([]byte{0x24}).data),
		"Ogg cut short":                 bytesOf(a.link("opus", 2)...)[:330],
		"FLAC":                          append(start, bytesOf(flacFrames(0, 5)...)...),
		"FLAC with garbage":             slices.Concat(start, bytesOf(flacFrames(0, 3)...), junk(60).data, bytesOf(flacFrames(4, 3)...), []byte("fLaC")),
		"a picture in FLAC":             append(flacStart(2, flacBlock(flacPicture, make([]byte, 70)), flacBlock(1, make([]byte, 70))), bytesOf(flacFrames(0, 2)...)...),
		"WebM":                          slices.Concat(sound, cluster, junk(30).data, cluster),
		"Matroska":                      slices.Concat(both, key, element(idCues, junk(20).data), key),
		"MPEG-TS":                       slices.Concat(tables(0, 0x06, 0x0f), packet, packet),
		"MPEG-TS with garbage":          slices.Concat(tables(0, 0x06, 0x0f), junk(20).data, packet, packet, packet),
		"Ogg that begins in its midst":  bytesOf(append(b.link("vorbis", 3)[2:], a.link("vorbis", 3)...)...),
		"magics":                        slices.Repeat([]byte("OggSfLaC\x1a\x45\xdf\xa3G"), 30),
		"sizes that are not known":      slices.Concat(sound, bytes.Repeat(endless(idCluster), 30)),
		"pages that claim to be longer": bytes.Repeat([]byte("OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\xff"), 30),
	}
}

// shortFrames are short streams of frames, or of garbage.
func shortFrames() map[string][]byte {
	tiny := func(i int) part { return mpegFrame{version: 2, layer: 3, kbps: 8 + 8*(i&1), hz: 24000}.part() }
	mp2 := func(i int) part { return mpegFrame{version: 2, layer: 2, kbps: 8, hz: 24000, pad: i%2 == 1}.part() }
	mp1 := func(i int) part { return mpegFrame{version: 2, layer: 1, kbps: 32, hz: 24000, pad: i%2 == 1}.part() }
	free := func(i int) part { return mpegFrame{version: 1, layer: 3, hz: 44100, free: 100, pad: i%3 == 1}.part() }
	aac := func(i int) part { return adtsFrame{hz: 44100, channels: 2, size: 40 + 9*(i%4), blocks: 1}.part() }
	crc := func(int) part { return adtsFrame{hz: 22050, channels: 1, size: 60, blocks: 3, crc: true}.part() }
	all := func(groups ...[]part) []byte { return bytesOf(slices.Concat(groups...)...) }
	one := func(p part) []part { return []part{p} }
	return map[string][]byte{
		"nothing":                    {},
		"one byte":                   {0xff},
		"less than a header":         {0xff, 0xfb, 0x90},
		"layer III":                  all(times(12, tiny)),
		"layer II with padding":      all(times(8, mp2)),
		"layer I with padding":       all(times(8, mp1)),
		"free format with padding":   all(times(8, free)),
		"one frame in free format":   all(times(1, free)),
		"ADTS":                       all(times(8, aac)),
		"ADTS with CRC":              all(times(8, crc)),
		"LOAS":                       all(times(8, loasPart)),
		"LOAS with garbage":          all(one(junk(70)), times(5, loasPart), one(junk(33)), times(5, loasPart), one(cutShort(loasPart(0)))),
		"one frame":                  all(times(1, tiny)),
		"tags around layer III":      all(one(id3v2(60, false)), times(6, tiny), one(id3v1()), one(id3v2(50, true)), times(4, tiny), one(id3v1())),
		"tags around ADTS":           all(one(id3v2(60, true)), times(6, aac), one(id3v1()), times(4, aac)),
		"garbage around layer III":   all(one(junk(70)), times(5, tiny), one(junk(33)), times(5, tiny), one(junk(50))),
		"garbage around free format": all(one(junk(70)), times(4, free), one(junk(33)), times(4, free), one(junk(50))),
		"garbage around ADTS":        all(one(junk(70)), times(5, aac), one(junk(33)), times(5, aac), one(junk(50))),
		"from one kind to another":   all(times(4, tiny), times(4, mp2), times(4, free), times(4, aac), times(4, tiny)),
		"cut short":                  all(times(4, tiny), one(cutShort(tiny(0)))),
		"cut short within":           all(times(4, aac), one(cutShort(aac(0))), times(4, aac)),
		"a length that lies":         all(times(4, aac), one(claiming(8191, aac(0))), times(4, aac)),
		"a tag that lies":            all(times(4, tiny), one(part{data: id3v2(400, false).data[:100]}), times(9, tiny)),
		"a tag that lies far":        all(times(4, tiny), one(part{data: id3v2(maxTag+1, false).data[:100]}), times(9, tiny)),
		"Ogg that is none":           append([]byte("OggS"), noise(1, 300)...),
		"half a magic":               []byte("Og"),
		"half a tag":                 []byte("ID3\x04"),
		"letters of tags":            bytes.Repeat([]byte("IDTAID3TAG"), 40),
		"every byte a sync":          bytes.Repeat([]byte{0xff}, 700),
		"headers that lead nowhere":  bytes.Repeat([]byte{0xff, 0xfb, 0x90, 0xc4}, 200),
		"of free format":             bytes.Repeat([]byte{0xff, 0xfb, 0x00, 0xc4}, 100),
		"noise":                      noise(3, 900),
	}
}

func longPages() []byte {
	m := oggMaker{serial: 1}
	parts := m.link("vorbis", 0)
	long := bytes.Repeat([]byte{0x24}, maxLacing*255)
	for i := range int64(3) {
		parts = append(parts, part{data: m.page(byte(i>>1), i, i == 0, long)}, junk(99))
	}
	return bytesOf(parts...)
}

func longBlocks() []byte {
	long := element(idSimpleBlock, blockBody(1, 0, blockKey, 3*MaxUnit))
	lead := slices.Repeat([][]byte{simple(2, 0, 0)}, 3000)
	return slices.Concat(webmStart("webm", withPictures), element(idCluster, stamp(0), long, simple(1, 0, 0)),
		element(idCluster, append(append([][]byte{stamp(1)}, lead...), long)...), endless(idCluster, stamp(2), long))
}

func longFLAC() []byte {
	frames := times(3, func(i int) part {
		return flacFrame{number: uint64(i), size: flacPart * (i + 1), channels: 8, large: true}.part()
	})
	return append(flacStart(8), bytesOf(frames...)...)
}
