package format

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
)

// maxProbe is how far into a stream its first frame is looked for before it is
// carried as it is.
const maxProbe = 16 << 10

// New returns the framer for a stream of the declared content type, which may
// be empty, in any case and with parameters. The first bytes decide: the type
// that the framer then has is the declared one unless they contradict it. Only
// text is taken at its word, since it may hold anything.
func New(declared string) Framer {
	declared = Canonical(declared)
	if strings.HasPrefix(declared, "text/") {
		return opaque{declared}
	}
	return &detector{
		declared: declared,
		mpeg:     probe{f: newMPEG("")},
		adts:     probe{f: newADTS("")},
	}
}

// Canonical returns a content type without parameters, in lower case.
func Canonical(contentType string) string {
	contentType = strings.TrimSpace(contentType)
	if end := strings.IndexAny(contentType, "; \t"); end >= 0 {
		contentType = contentType[:end]
	}
	return strings.ToLower(contentType)
}

// detector is a framer that becomes another one once it has seen enough.
type detector struct {
	declared   string
	chosen     Framer
	drop       int // bytes of a leading tag that are still to be dropped
	mpeg, adts probe
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

// Retitle is for streams whose framer can do it.
func (d *detector) Retitle(c Comments) bool {
	r, ok := d.chosen.(Retitler)
	return ok && r.Retitle(c)
}

// leadingTag consumes an ID3v2 tag in front of the stream: it may be longer than
// what is looked through. It reports false while it can't tell.
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

// containers are recognised by their first bytes.
var containers = []struct {
	// found tells whether a stream that begins with b is of this kind.
	found func(b []byte, final bool) verdict
	// say is the type to say when the declared one is not of this family, "" if
	// the framer knows better.
	say string
	// families are the declared types that are of this family.
	families []string
	// icy tells whether metadata may stand between its bytes: the others have
	// their own.
	icy  bool
	make func(contentType string) Framer
}{
	{
		found:    magic(oggMagic),
		say:      "application/ogg",
		families: []string{"application/ogg", "application/x-ogg", "audio/ogg", "video/ogg", "audio/opus", "audio/vorbis", "audio/speex"},
		make:     func(contentType string) Framer { return newOgg(contentType) },
	},
	{
		found:    magic(flacMagic),
		say:      "audio/flac",
		families: []string{"audio/flac", "audio/x-flac"},
		icy:      true,
		make:     func(contentType string) Framer { return newFLAC(contentType) },
	},
	{
		found:    magic(ebmlMagic),
		families: []string{"audio/webm", "video/webm", "audio/x-matroska", "video/x-matroska", "audio/matroska", "video/matroska", "video/x-matroska-3d"},
		make:     func(contentType string) Framer { return newWebM(contentType) },
	},
	{
		found:    tsBegins,
		say:      "video/mp2t",
		families: []string{"video/mp2t", "audio/mp2t", "video/mpegts"},
		make:     func(contentType string) Framer { return newMPEGTS(contentType) },
	},
}

// magic finds a kind by its first bytes alone.
func magic(word string) func([]byte, bool) verdict {
	return func(b []byte, final bool) verdict {
		switch {
		case !startsLike(b, word) || final && len(b) < len(word):
			return no
		case len(b) < len(word):
			return unsure
		}
		return yes
	}
}

// TakesICY tells whether players expect ICY metadata in streams of a type.
func TakesICY(contentType string) bool {
	contentType = Canonical(contentType)
	for _, c := range containers {
		if slices.Contains(c.families, contentType) {
			return c.icy
		}
	}
	return true
}

// choose returns the framer that fits the first bytes, nil if it needs more. buf
// is the same at each call, but longer.
func (d *detector) choose(buf []byte, final bool) Framer {
	for _, c := range containers {
		switch c.found(buf, final) {
		case yes:
			return c.make(d.typeOr(c.say, c.families...))
		case unsure:
			return nil
		}
	}
	d.mpeg.look(buf, final)
	d.adts.look(buf, final)
	switch mpeg, adts := d.mpeg.at, d.adts.at; {
	case d.mpeg.found && mpeg <= adts:
		return newMPEG(d.typeOr("audio/mpeg", mpegTypes...))
	case d.adts.found && adts <= mpeg:
		return newADTS(d.typeOr("audio/aac", aacTypes...))
	case min(mpeg, adts) >= maxProbe || final && len(buf) > 0:
		return opaque{d.opaqueType()}
	}
	return nil
}

// mpegTypes and aacTypes are the other names of audio/mpeg and audio/aac.
var (
	mpegTypes = []string{"audio/mp3", "audio/x-mp3", "audio/mpeg3", "audio/x-mpeg", "audio/mpa"}
	aacTypes  = []string{"audio/aacp", "audio/x-aac", "audio/x-hx-aac-adts"}
)

// Family returns the one name for all those of a content type: what plays one of
// them plays the others.
func Family(contentType string) string {
	contentType = Canonical(contentType)
	for _, c := range containers {
		if slices.Contains(c.families, contentType) {
			return c.families[0]
		}
	}
	switch {
	case slices.Contains(mpegTypes, contentType):
		return "audio/mpeg"
	case slices.Contains(aacTypes, contentType):
		return "audio/aac"
	}
	return contentType
}

// Kind returns the one name for all streams that a player takes for the one that it
// plays, if they follow it: those of a family, but for WebM, whose players don't take
// another header in mid-stream.
func Kind(contentType string, init *Init) string {
	family := Family(contentType)
	if family == "audio/webm" && init != nil {
		return fmt.Sprintf("%s;init=%x", family, sha256.Sum256(init.Data))
	}
	return family
}

// typeOr returns the declared type if it is say or one of others, else say.
func (d *detector) typeOr(say string, others ...string) string {
	if slices.Contains(others, d.declared) {
		return d.declared
	}
	return say
}

// opaqueType is the type of a stream in which nothing was recognised: the
// declared one, or Icecast's default.
func (d *detector) opaqueType() string {
	if d.declared == "" {
		return "audio/mpeg"
	}
	return d.declared
}

// probe looks for the first frame of one kind in the bytes that a stream begins
// with, as they come.
type probe struct {
	f     *frames
	at    int // where the first frame is; until it is found, there is none before
	found bool
}

// look goes on from where it came to. buf is the same at each call, but longer.
func (p *probe) look(buf []byte, final bool) {
	for !p.found && p.at < min(len(buf), maxProbe) {
		n, u := p.f.Next(buf[p.at:], final)
		if u.Duration > 0 {
			p.found = true
			return
		}
		if n == 0 {
			return
		}
		p.at += n
	}
}
