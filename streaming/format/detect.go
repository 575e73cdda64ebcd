package format

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
)

// maxProbe is the number of bytes searched for a first frame before a stream is carried
// as it is.
const maxProbe = 16 << 10

// New returns the framer for a stream. The declared content type may be empty, in any
// case and with parameters. The first bytes decide: the framer's type is the declared
// one unless they contradict it. A declared text type always counts, because text can
// hold anything.
func New(declared string) Framer {
	declared = Canonical(declared)
	if strings.HasPrefix(declared, "text/") {
		return opaque{declared}
	}
	return &detector{
		declared: declared,
		probes:   [len(codecs)]probe{{f: newMPEG("")}, {f: newADTS("")}, {f: newLOAS("")}},
	}
}

// detector is a framer that chooses another one from the first bytes.
type detector struct {
	declared string
	chosen   Framer
	drop     int                // remaining bytes of a leading tag
	probes   [len(codecs)]probe // for each of codecs
	samples  uint64             // for a Numberer
}

func (d *detector) Type() string {
	if d.chosen == nil {
		return ""
	}
	return d.chosen.Type()
}

func (d *detector) Next(buf []byte, final bool) (int, Unit) {
	if d.chosen == nil {
		if n, ok := d.leadingTag(buf, final); !ok || n > 0 {
			return n, Unit{}
		}
		if d.chosen = d.choose(buf, final); d.chosen == nil {
			return 0, Unit{}
		}
		if n, ok := d.chosen.(Numberer); ok && d.samples > 0 {
			n.Continue(d.samples)
		}
	}
	return d.chosen.Next(buf, final)
}

// Retitle implements Retitler; it reports false if the chosen framer does not.
func (d *detector) Retitle(c Comments) bool {
	r, ok := d.chosen.(Retitler)
	return ok && r.Retitle(c)
}

// Continue implements Numberer.
func (d *detector) Continue(samples uint64) { d.samples = samples }

// Samples implements Numberer; it returns 0 if the chosen framer does not.
func (d *detector) Samples() uint64 {
	if n, ok := d.chosen.(Numberer); ok {
		return n.Samples()
	}
	return 0
}

// leadingTag consumes an ID3v2 tag in front of the stream, which may be longer than
// maxProbe. It reports false while it needs more bytes.
func (d *detector) leadingTag(buf []byte, final bool) (int, bool) {
	if d.drop == 0 {
		if len(buf) < id3v2Header {
			return 0, final
		}
		d.drop = id3v2Size(buf)
	}
	n := min(d.drop, len(buf))
	d.drop -= n
	return n, true
}

// containers are the formats with a signature in their first bytes.
var containers = []struct {
	// detect reports whether a stream that begins with b is of this kind.
	detect func(b []byte, final bool) match
	// contentType is used if the declared type is of another family; "" if the
	// framer finds the type itself.
	contentType string
	// types are the content types of this family, the main one first.
	types []string
	// icy reports whether streams carry ICY metadata; the others have their own.
	icy  bool
	make func(contentType string) Framer
}{
	{
		detect:      magic(oggMagic),
		contentType: "application/ogg",
		types:       []string{"application/ogg", "application/x-ogg", "audio/ogg", "video/ogg", "audio/opus", "audio/vorbis", "audio/speex"},
		make:        func(contentType string) Framer { return newOgg(contentType) },
	},
	{
		detect:      magic(flacMagic),
		contentType: "audio/flac",
		types:       []string{"audio/flac", "audio/x-flac"},
		icy:         true,
		make:        func(contentType string) Framer { return newFLAC(contentType) },
	},
	{
		detect: magic(ebmlMagic),
		types:  []string{"audio/webm", "video/webm", "audio/x-matroska", "video/x-matroska", "audio/matroska", "video/matroska", "video/x-matroska-3d"},
		make:   func(contentType string) Framer { return newWebM(contentType) },
	},
	{
		detect:      beginsMPEGTS,
		contentType: "video/mp2t",
		types:       []string{"video/mp2t", "audio/mp2t", "video/mpegts"},
		make:        func(contentType string) Framer { return newMPEGTS(contentType) },
	},
}

// magic detects a format by its first bytes alone.
func magic(word string) func([]byte, bool) match {
	return func(b []byte, final bool) match {
		switch {
		case !startsLike(b, word) || final && len(b) < len(word):
			return no
		case len(b) < len(word):
			return partial
		}
		return yes
	}
}

// TakesICY reports whether players expect ICY metadata in streams of a type.
func TakesICY(contentType string) bool {
	contentType = Canonical(contentType)
	for _, c := range containers {
		if slices.Contains(c.types, contentType) {
			return c.icy
		}
	}
	return true
}

// choose returns the framer for the first bytes, nil if it needs more. Each call has
// the same buf, but longer.
func (d *detector) choose(buf []byte, final bool) Framer {
	for _, c := range containers {
		switch c.detect(buf, final) {
		case yes:
			return c.make(d.declaredOr(c.contentType, c.types...))
		case partial:
			return nil
		}
	}
	first := 0
	for i := range d.probes {
		p, least := &d.probes[i], &d.probes[first]
		p.advance(buf, final)
		if p.offset < least.offset || p.offset == least.offset && !least.found {
			first = i
		}
	}
	switch p := d.probes[first]; {
	case p.found:
		c := codecs[first]
		return c.make(d.declaredOr(c.types[0], c.types...))
	case p.offset >= maxProbe || final && len(buf) > 0:
		return opaque{d.opaqueType()}
	}
	return nil
}

// codecs are the formats that are found by two frames in a row.
var codecs = [...]struct {
	types []string // the content types of this family, the main one first
	make  func(contentType string) Framer
}{
	{
		types: []string{"audio/mpeg", "audio/mp3", "audio/x-mp3", "audio/mpeg3", "audio/x-mpeg", "audio/mpa"},
		make:  func(contentType string) Framer { return newMPEG(contentType) },
	},
	{
		types: []string{"audio/aac", "audio/aacp", "audio/x-aac", "audio/x-hx-aac-adts"},
		make:  func(contentType string) Framer { return newADTS(contentType) },
	},
	{
		types: []string{"audio/mp4a-latm", "audio/x-latm", "audio/x-loas"},
		make:  func(contentType string) Framer { return newLOAS(contentType) },
	},
}

// Family returns the main name of a content type: players that support one of its names
// support the others.
func Family(contentType string) string {
	contentType = Canonical(contentType)
	for _, c := range containers {
		if slices.Contains(c.types, contentType) {
			return c.types[0]
		}
	}
	for _, c := range codecs {
		if slices.Contains(c.types, contentType) {
			return c.types[0]
		}
	}
	return contentType
}

// Kind returns one name for all streams that may follow each other in a player: those
// of a family. Players of WebM and of native FLAC accept no second header, so there the
// init counts, too: all of it, or what it says of the frames.
func Kind(contentType string, init *Init) string {
	family := Family(contentType)
	switch {
	case init == nil:
	case family == "audio/webm":
		return fmt.Sprintf("%s;init=%x", family, sha256.Sum256(init.Data))
	case family == "audio/flac" && beginsFLAC(init.Data) == yes:
		return family + ";" + readStreamInfo(init.Data[flacInfoAt:]).String()
	}
	return family
}

// declaredOr returns the declared type if it is one of names, else contentType.
func (d *detector) declaredOr(contentType string, names ...string) string {
	if slices.Contains(names, d.declared) {
		return d.declared
	}
	return contentType
}

// opaqueType is the type of a stream of unknown format: the declared one, or Icecast's
// default.
func (d *detector) opaqueType() string {
	if d.declared == "" {
		return "audio/mpeg"
	}
	return d.declared
}

// probe searches the beginning of a stream for the first frame of one format, as bytes
// arrive.
type probe struct {
	f      Framer
	offset int // of the first frame; until found, no frame begins before it
	found  bool
}

// advance continues at offset. Each call has the same buf, but longer.
func (p *probe) advance(buf []byte, final bool) {
	for !p.found && p.offset < min(len(buf), maxProbe) {
		n, u := p.f.Next(buf[p.offset:], final)
		if u.Duration > 0 {
			p.found = true
			return
		}
		if n == 0 {
			return
		}
		p.offset += n
	}
}
