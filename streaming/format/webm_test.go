package format

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func webmer() Framer { return newWebM("") }

// element makes an element, with a size of 4 bytes.
func element(id uint32, bodies ...[]byte) []byte {
	body := slices.Concat(bodies...)
	return append(binary.BigEndian.AppendUint32(elementID(id), 0x10000000|uint32(len(body))), body...)
}

// endless makes one of unknown size.
func endless(id uint32, bodies ...[]byte) []byte {
	return slices.Concat(elementID(id), []byte{0xff}, slices.Concat(bodies...))
}

func elementID(id uint32) []byte {
	return bytes.TrimLeft(binary.BigEndian.AppendUint32(nil, id), "\x00")
}

// webmStart is the beginning of a file. Tracks are numbered from 1.
func webmStart(docType string, kinds []byte, more ...[]byte) []byte {
	var entries []byte
	for i, k := range kinds {
		entries = append(entries, element(idTrackEntry, element(idTrackNumber, []byte{byte(i + 1)}), element(idTrackType, []byte{k}))...)
	}
	info := element(idInfo, element(idScale, []byte{0x0f, 0x42, 0x40}))
	return slices.Concat(element(idEBML, element(idDocType, []byte(docType))),
		endless(idSegment, info, element(idTracks, entries), slices.Concat(more...)))
}

func stamp(ms int) []byte { return element(idTimestamp, []byte{byte(ms >> 8), byte(ms)}) }

func blockBody(track, at int, flags byte, size int) []byte {
	return append([]byte{0x80 | byte(track), byte(at >> 8), byte(at), flags}, junk(size).data...)
}

func simple(track, at int, flags byte) []byte {
	return element(idSimpleBlock, blockBody(track, at, flags, 20))
}

func group(track, at int, refers bool) []byte {
	g := element(idBlock, blockBody(track, at, 0, 20))
	if refers {
		g = append(g, element(idReference, []byte{0xff})...)
	}
	return element(idBlockGroup, g)
}

var soundOnly, withPictures = []byte{trackAudio}, []byte{trackVideo, trackAudio}

// brief is a short form of a unit: its number of bytes and its flags.
func brief(units []taken) string {
	var b strings.Builder
	for _, u := range units {
		switch {
		case u.Start:
			b.WriteString("S")
		case bytes.HasPrefix(u.data, elementID(idCluster)):
			b.WriteString("c")
		default:
			b.WriteString("b")
		}
		if u.More {
			b.WriteString("+")
		}
	}
	return b.String()
}

func TestListenersBeginAtClustersThatTheyCanBeginWith(t *testing.T) {
	key, other, sound := simple(1, 0, blockKey), simple(1, 0, 0), simple(2, 0, blockKey)
	late := element(idSimpleBlock, blockBody(1, 0, blockKey, MaxUnit))
	long := element(idBlockGroup, element(idBlock, blockBody(1, 0, 0, MaxUnit)), element(idReference, []byte{1}))
	many := slices.Repeat([][]byte{sound}, MaxUnit/len(sound)+1)
	for _, c := range []struct {
		name   string
		kinds  []byte
		blocks [][]byte
		want   string
	}{
		{"sound", soundOnly, [][]byte{simple(1, 0, 0), simple(1, 20, 0)}, "S+bb"},
		{"sound in groups", soundOnly, [][]byte{group(1, 0, false), group(1, 20, true)}, "S+bb"},
		{"nothing", soundOnly, nil, "c"},
		{"nothing where pictures should be", withPictures, nil, "c"},
		{"a key frame", withPictures, [][]byte{key, other, sound}, "S+bbb"},
		{"another frame", withPictures, [][]byte{other, key, sound}, "c+bbb"},
		{"a key frame after sound", withPictures, [][]byte{sound, sound, key, sound}, "S+bb"},
		{"another frame after sound", withPictures, [][]byte{sound, other, key}, "c+bb"},
		{"sound alone", withPictures, [][]byte{sound, sound}, "c"},
		{"a group with a key frame", withPictures, [][]byte{sound, group(1, 0, false), sound}, "S+bb"},
		{"a group that refers to others", withPictures, [][]byte{group(1, 0, true), sound}, "c+bb"},
		{"sound in a group first", withPictures, [][]byte{group(2, 0, false), key}, "S+b"},
		{"a key frame longer than a unit", withPictures, [][]byte{sound, late, sound}, "S+b+bb"},
		{"a group too long to tell", withPictures, [][]byte{long, sound}, "c+b+bb"},
		{"a key frame too far to tell", withPictures, append(many, key), ""},
		{"another track first", withPictures, [][]byte{simple(9, 0, 0), key, simple(9, 1, 0), sound}, "S+bb"},
	} {
		for name, cluster := range map[string]func(uint32, ...[]byte) []byte{"known size": element, "unknown size": endless} {
			body := append([][]byte{element(ebmlCRC32, []byte("crc.")), stamp(100), element(idPrevSize, []byte{9})}, c.blocks...)
			stream := slices.Concat(webmStart("webm", c.kinds), cluster(idCluster, body...), element(idCues, []byte("cues")))
			got := takeAll(t, webmer(), stream, nil)
			if c.want == "" {
				if len(got) < 2 || brief(got[:1]) != "c" && brief(got[:1]) != "c+" {
					t.Errorf("%s, %s: %.20s", c.name, name, brief(got))
				}
			} else if brief(got) != c.want {
				t.Errorf("%s, %s: %s, want %s", c.name, name, brief(got), c.want)
			}
			checkCuts(t, c.name, webmer, stream, 7, 1000, 70000)

			carried := slices.DeleteFunc(slices.Clone(c.blocks), func(b []byte) bool { return b[5] == 0x89 })
			want := slices.Concat(elementID(idCluster), []byte(ebmlUnknown), stamp(100), slices.Concat(carried...))
			if all := heard(got)[len(got[0].Init.Data):]; !bytes.Equal(all, want) {
				t.Errorf("%s, %s: %d bytes come out, want %d", c.name, name, len(all), len(want))
			}
		}
	}
}

func TestTheInitHoldsNothingThatAStreamHasNot(t *testing.T) {
	tags := element(idTags,
		element(idTag, element(idSimpleTag, element(idTagName, []byte("artist")), element(idTagString, []byte("A")))),
		element(idTag, element(idSimpleTag, element(idTagName, []byte("TITLE")), element(idTagString, []byte("T\x00")))))
	duration := element(idDuration, []byte{0x40, 0x8f, 0x40, 0})
	voided := slices.Concat([]byte{ebmlVoid, 0x80 | byte(len(duration)-2)}, duration[2:])
	info := func(d []byte) []byte {
		return element(idInfo, element(idTitle, []byte("title of the file")), d, element(idScale, []byte{0x0f, 0x42, 0x40}))
	}
	ebml := element(idEBML, element(idDocType, []byte("webm")))
	entry := element(idTracks, element(idTrackEntry, element(idTrackNumber, []byte{1}), element(idTrackType, soundOnly)))
	cluster := element(idCluster, stamp(0), simple(1, 0, 0))
	for _, c := range []struct {
		name     string
		parts    [][]byte
		kept     [][]byte
		comments Comments
	}{
		{"all that is dropped", [][]byte{element(idSeekHead, make([]byte, 70000)), element(ebmlVoid, make([]byte, 70000)), info(duration), element(0x4242, []byte("?")), entry, tags, element(idCues, nil)}, [][]byte{info(voided), entry, tags}, Comments{"A", "T"}},
		{"a title of the file alone", [][]byte{info(duration), entry}, [][]byte{info(voided), entry}, Comments{"", "title of the file"}},
		{"more than fits", [][]byte{entry, element(idAttachments, make([]byte, MaxInit)), element(idChapters, []byte("c"))}, [][]byte{entry, element(idChapters, []byte("c"))}, Comments{}},
	} {
		stream := slices.Concat(ebml, element(idSegment, append(slices.Clone(c.parts), cluster, cluster)...))
		checkCuts(t, c.name, webmer, stream, 3000, 100000)
		got := takeAll(t, webmer(), stream, nil)
		want := slices.Concat(ebml, elementID(idSegment), []byte(ebmlUnknown), slices.Concat(c.kept...))
		if brief(got) != "S+bS+b" || !bytes.Equal(got[0].Init.Data, want) {
			t.Errorf("%s: %s, with an init of\n%q, want\n%q", c.name, brief(got), got[0].Init.Data, want)
			continue
		}
		if comments := got[0].Init.Comments; comments == nil && c.comments != (Comments{}) || comments != nil && *comments != c.comments {
			t.Errorf("%s: the comments are %v, want %v", c.name, comments, c.comments)
		}
	}
}

func TestTheTypeIsWhatTheTracksAre(t *testing.T) {
	for _, c := range []struct {
		declared, docType string
		kinds             []byte
		want              string
	}{
		{"", "webm", soundOnly, "audio/webm"},
		{"", "webm", withPictures, "video/webm"},
		{"", "webm", []byte{trackAudio, trackVideo}, "video/webm"},
		{"", "matroska", soundOnly, "audio/x-matroska"},
		{"", "matroska", withPictures, "video/x-matroska"},
		{"", "matroska", []byte{17}, "video/x-matroska"},
		{"video/webm", "webm", soundOnly, "video/webm"},
		{"audio/webm", "matroska", withPictures, "audio/webm"},
		{"audio/mpeg", "webm", soundOnly, "audio/webm"},
	} {
		f := New(c.declared)
		takeAll(t, f, append(webmStart(c.docType, c.kinds), element(idCluster, stamp(0), simple(1, 0, 0))...), nil)
		if f.Type() != c.want {
			t.Errorf("%s with %d, declared %q: %q, want %q", c.docType, c.kinds, c.declared, f.Type(), c.want)
		}
	}
}

func TestBlocksLastUntilTheNextOne(t *testing.T) {
	stream := slices.Concat(webmStart("webm", withPictures),
		element(idCluster, stamp(1000), simple(1, 0, blockKey), simple(2, 7, 0), simple(1, 80, 0), simple(1, 40, 0), simple(1, 120, 0)),
		element(idCluster, stamp(2000), simple(1, 0, blockKey), simple(1, -20&0xffff, 0), simple(1, 40, 0)),
		element(idCluster, stamp(60000), simple(1, 0, blockKey), simple(1, 30, 0)),
		element(idCluster, stamp(0), simple(1, 0, blockKey), simple(1, 30, 0)),
		element(idCluster, element(idTimestamp, bytes.Repeat([]byte{0xff}, 8)), simple(1, math.MaxInt16, blockKey)))
	var got []time.Duration
	for _, u := range takeAll(t, webmer(), stream, nil) {
		if u.Duration > 0 {
			got = append(got, u.Duration/time.Millisecond)
		}
	}
	if want := []time.Duration{80, 40, 880, 40, 30, 30}; !slices.Equal(got, want) {
		t.Errorf("the blocks last %d ms, want %d", got, want)
	}
}

func TestAfterDamageTheNextClusterIsPlayed(t *testing.T) {
	start := webmStart("webm", soundOnly)
	cluster := func(ms int) []byte { return element(idCluster, stamp(ms), simple(1, 0, 0), simple(1, 20, 0)) }
	const good = "S+bb"
	for name, c := range map[string]struct {
		parts [][]byte
		want  string
	}{
		"a chain":                     {[][]byte{cluster(0), start, cluster(0)}, good + good},
		"garbage between":             {[][]byte{cluster(0), junk(5000).data, cluster(0)}, good + good},
		"zeros between":               {[][]byte{cluster(0), make([]byte, 5000), cluster(0)}, good + good},
		"a false mark":                {[][]byte{cluster(0), {0, 0x1f, 0x43, 0xb6, 0x75, 0x84, 0, 0, 0}, cluster(0)}, good + good},
		"a cluster cut short":         {[][]byte{cluster(0), cluster(0)[:30], {0}, cluster(0), cluster(0)}, ""},
		"a block that lies":           {[][]byte{cluster(0), element(idCluster, stamp(0), simple(1, 0, 0)), {0xa3, 0x08, 0xff, 0xff, 0xff, 0xff}, cluster(0)}, "S+bb" + "S+b" + good},
		"a skip that lies":            {[][]byte{cluster(0), {0xec, 0x08, 0xff, 0xff, 0xff, 0xff}, cluster(0)}, good + good},
		"a cluster without its time":  {[][]byte{cluster(0), element(idCluster, simple(1, 0, 0)), cluster(0)}, good + good},
		"a second segment":            {[][]byte{cluster(0), endless(idSegment), cluster(0)}, good + good},
		"a file without tracks":       {[][]byte{webmStart("webm", nil), cluster(0), start, cluster(0)}, good},
		"blocks without a cluster":    {[][]byte{simple(1, 0, 0), cluster(0)}, good},
		"garbage before":              {[][]byte{junk(500).data, start, cluster(0)}, good},
		"the midst of another before": {[][]byte{cluster(0), start, cluster(0)}, good},
		"tags between":                {[][]byte{cluster(0), element(idTags, []byte("tags")), cluster(0)}, good + good},
		"a header that is none":       {[][]byte{cluster(0), element(idEBML, make([]byte, maxEBMLHead+1)), cluster(0)}, good + good},
		"a head of unknown size":      {[][]byte{cluster(0), endless(idInfo), cluster(0)}, good + good},
		"segments without end":        {append(slices.Repeat([][]byte{endless(idSegment)}, 1+MaxInit/12), start, cluster(0)), good},
		"a cluster in a block's size": {[][]byte{cluster(0), element(idCluster, stamp(5), element(idSimpleBlock)), cluster(0)}, "S+bb" + "S+" + good},
	} {
		stream := slices.Concat(c.parts...)
		if !strings.HasSuffix(name, "before") {
			stream = append(bytes.Clone(start), stream...)
		}
		got := brief(takeAll(t, webmer(), stream, nil))
		if c.want != "" && got != c.want || !strings.HasSuffix(got, good) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if len(stream) < 100_000 {
			checkCuts(t, name, webmer, stream, 1, 30, 2000)
		}
	}
}
