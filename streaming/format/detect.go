package format

import (
	"bytes"
	"strings"
)

// maxProbe is how many bytes are looked through for frames before a stream is
// carried as it is.
const maxProbe = 16 << 10

// New returns the framer for a stream of the declared content type, which may
// be empty, in any case and with parameters. The first bytes decide: the type
// that the framer then has is the declared one unless they contradict it.
func New(declared string) Framer {
	return &detector{declared: Canonical(declared)}
}

// Canonical returns a content type without parameters, in lower case.
func Canonical(contentType string) string {
	contentType, _, _ = strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(contentType))
}

// detector is a framer that becomes another one once it has seen enough.
type detector struct {
	declared string
	chosen   Framer
	drop     int // bytes of a leading tag that are still to be dropped
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
	}
	return d.chosen.Next(buf, final)
}

// leadingTag consumes an ID3v2 tag in front of the stream: it may be longer than
// what is looked through. It reports false while it can't tell.
func (d *detector) leadingTag(buf []byte, final bool) (int, bool) {
	if d.drop == 0 {
		if len(buf) < id3v2Header {
			return 0, final || len(buf) > 0 && !startsTag(buf)
		}
		d.drop = id3v2Size(buf)
	}
	n := min(d.drop, len(buf))
	d.drop -= n
	return n, true
}

// magics are the first bytes of containers, the type to say when the declared
// one is of another family, and the declared types that are of this family.
var magics = []struct {
	magic    string
	say      string
	families []string
}{
	{"OggS", "application/ogg", []string{"application/ogg", "application/x-ogg", "audio/ogg", "video/ogg", "audio/opus", "audio/vorbis"}},
	{"fLaC", "audio/flac", []string{"audio/flac", "audio/x-flac"}},
	{"\x1a\x45\xdf\xa3", "video/webm", []string{"audio/webm", "video/webm", "audio/x-matroska", "video/x-matroska", "audio/matroska", "video/matroska", "video/x-matroska-3d"}},
}

// choose returns the framer that fits the first bytes, nil if it needs more.
func (d *detector) choose(buf []byte, final bool) Framer {
	if strings.HasPrefix(d.declared, "text/") && len(buf) > 0 {
		return opaque{d.declared}
	}
	for _, m := range magics {
		if !bytes.HasPrefix(buf, []byte(m.magic)) {
			continue
		}
		for _, t := range m.families {
			if t == d.declared {
				return opaque{d.declared}
			}
		}
		return opaque{m.say}
	}

	mpeg, mpegAt := probe(newMPEG(d.typeOr("audio/mpeg", "audio/mp3", "audio/x-mp3", "audio/mpeg3", "audio/x-mpeg", "audio/mpa")), buf, final)
	adts, adtsAt := probe(newADTS(d.typeOr("audio/aac", "audio/aacp", "audio/x-aac", "audio/x-hx-aac-adts")), buf, final)
	switch {
	case mpeg != nil && (adts == nil || mpegAt <= adtsAt):
		return mpeg
	case adts != nil:
		return adts
	case len(buf) >= maxProbe || final && len(buf) > 0:
		return opaque{d.opaqueType()}
	}
	return nil
}

// typeOr returns the declared type if it is one of those, else the first.
func (d *detector) typeOr(types ...string) string {
	for _, t := range types {
		if t == d.declared {
			return t
		}
	}
	return types[0]
}

// opaqueType is the type of a stream in which nothing was recognised: the
// declared one, or Icecast's default.
func (d *detector) opaqueType() string {
	if d.declared == "" {
		return "audio/mpeg"
	}
	return d.declared
}

// probe tells at which offset f would find its first frame in buf. It returns
// a fresh framer of that kind, or nil if there is no frame yet.
func probe(f *frames, buf []byte, final bool) (Framer, int) {
	fresh := *f
	for at := 0; at < len(buf) && at < maxProbe; {
		n, u := f.Next(buf[at:], final)
		if u.Duration > 0 {
			return &fresh, at
		}
		if n == 0 {
			break
		}
		at += n
	}
	return nil, 0
}
