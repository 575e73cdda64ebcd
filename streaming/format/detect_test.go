package format

import (
	"bytes"
	"slices"
	"testing"
)

func mp3(i int) part {
	return mpegFrame{version: 1, layer: 3, kbps: 128, hz: 44100, pad: i%2 == 1}.part()
}

func aac(int) part { return adtsFrame{hz: 44100, channels: 2, size: 371, blocks: 1}.part() }

func TestTheBytesDecideAndTheDeclaredTypeNamesThem(t *testing.T) {
	link := oggMaker{serial: 1}
	ogg := bytesOf(link.link("opus", 3)...)
	flac := append(flacStart(2), bytesOf(flacFrames(0, 3)...)...)
	cluster := element(idCluster, stamp(0), simple(1, 0, blockKey), simple(1, 9, 0))
	webm := append(webmStart("webm", withPictures), cluster...)
	sound := append(webmStart("webm", soundOnly), cluster...)
	matroska := append(webmStart("matroska", withPictures), cluster...)
	ts := append(tables(0, 0x0f), slices.Repeat(tsFill{pid: videoPID, begins: true}.packet(), 3)...)
	unknown := junk(2 * maxProbe).data
	mpeg := bytesOf(times(6, mp3)...)
	adts := bytesOf(times(6, aac)...)
	for _, c := range []struct {
		name, declared string
		stream         []byte
		want           string
		units          int
	}{
		{"MP3 without a type", "", mpeg, "audio/mpeg", 6},
		{"MP3 under its name", "audio/mpeg", mpeg, "audio/mpeg", 6},
		{"MP3 under another", "audio/mp3", mpeg, "audio/mp3", 6},
		{"MP3 in capitals, with parameters", " Audio/X-MP3 ; Rate=44100", mpeg, "audio/x-mp3", 6},
		{"MP3 under Ogg's, as VLC says", "application/ogg", mpeg, "audio/mpeg", 6},
		{"MP3 under that of AAC", "audio/aac", mpeg, "audio/mpeg", 6},
		{"MP3 under an unknown one", "audio/x-unknown", mpeg, "audio/mpeg", 6},
		{"MP3 as bytes", "application/octet-stream", mpeg, "audio/mpeg", 6},
		{"AAC without a type", "", adts, "audio/aac", 6},
		{"AAC under its name", "audio/aac", adts, "audio/aac", 6},
		{"AAC under another", "AUDIO/AACP", adts, "audio/aacp", 6},
		{"AAC under that of MP3", "audio/mpeg", adts, "audio/aac", 6},
		{"Ogg without a type", "", ogg, "application/ogg", 3},
		{"Ogg under its name", "application/ogg", ogg, "application/ogg", 3},
		{"Ogg under another, with parameters", "audio/ogg; codecs=opus", ogg, "audio/ogg", 3},
		{"Ogg under that of MP3", "audio/mpeg", ogg, "application/ogg", 3},
		{"Ogg under that of FLAC", "audio/flac", ogg, "application/ogg", 3},
		{"FLAC without a type", "", flac, "audio/flac", 3},
		{"FLAC under another name", "audio/x-flac", flac, "audio/x-flac", 3},
		{"FLAC under Ogg's", "application/ogg", flac, "audio/flac", 3},
		{"WebM without a type", "", webm, "video/webm", 3},
		{"WebM under that of sound", "audio/webm", webm, "audio/webm", 3},
		{"WebM with sound alone", "", sound, "audio/webm", 3},
		{"WebM under that of MP3", "audio/mpeg", webm, "video/webm", 3},
		{"Matroska", "video/x-matroska", matroska, "video/x-matroska", 3},
		{"Matroska under that of Ogg", "application/ogg", matroska, "video/x-matroska", 3},
		{"MPEG-TS without a type", "", ts, "video/mp2t", 4},
		{"MPEG-TS in capitals", "video/MP2T", ts, "video/mp2t", 4},
		{"MPEG-TS under that of MP3", "audio/mpeg", ts, "video/mp2t", 4},
		{"MPEG-TS that is too short to tell", "", ts[:tsSize], "audio/mpeg", 1},
		{"G and no more", "a/b", []byte("G"), "a/b", 1},
		{"MP3 behind a G", "", append([]byte("G"), mpeg...), "audio/mpeg", 6},
		{"unknown bytes without a type", "", unknown, "audio/mpeg", 1},
		{"unknown bytes with one", "Video/NSV;x", unknown, "video/nsv", 1},
		{"unknown bytes under that of Ogg", "application/ogg", unknown, "application/ogg", 1},
		{"text", "text/plain; charset=utf-8", unknown, "text/plain", 1},
		{"text that looks like MP3", "text/vtt", mpeg, "text/vtt", 1},
		{"text that looks like a tag", "text/plain", []byte("ID3\x04\x00\x00\x00\x00\x00\x20 is a format"), "text/plain", 1},
		{"little, unknown", "audio/x-unknown", []byte("OggZ"), "audio/x-unknown", 1},
		{"little, known", "", []byte("OggS"), "application/ogg", 0},
		{"one frame", "", bytesOf(mp3(0)), "audio/mpeg", 1},
		{"a file of one frame", "", bytesOf(mp3(0), id3v1()), "audio/mpeg", 2},
	} {
		f := New(c.declared)
		got := whole(t, f, c.stream)
		if f.Type() != c.want || len(got) != c.units {
			t.Errorf("%s: %d units of %q, want %d of %q", c.name, len(got), f.Type(), c.units, c.want)
		}
		if isOpaque(f) && len(got) == 1 && (got[0].at != 0 || got[0].size != len(c.stream)) {
			t.Errorf("%s: %d bytes from %d on, want all %d", c.name, got[0].size, got[0].at, len(c.stream))
		}
	}
}

func TestContainersHaveMetadataOfTheirOwn(t *testing.T) {
	for contentType, want := range map[string]bool{
		"audio/mpeg": true, "audio/aac": true, "Audio/FLAC": true, "text/plain": true, "": true,
		"application/ogg": false, "audio/ogg; codecs=opus": false, "video/webm": false,
		"audio/x-matroska": false, "video/MP2T": false,
	} {
		if got := TakesICY(contentType); got != want {
			t.Errorf("%q takes ICY metadata: %v, want %v", contentType, got, want)
		}
	}
}

func TestADetectorPassesTitlesOn(t *testing.T) {
	m := oggMaker{serial: 1}
	f := New("").(Retitler)
	if f.Retitle(Comments{}) {
		t.Error("it takes a title before there is a stream")
	}
	takeAll(t, f, bytesOf(m.link("opus", 2)...), nil)
	if !f.Retitle(Comments{Title: "T"}) {
		t.Error("Opus takes no title")
	}
	f = New("").(Retitler)
	takeAll(t, f, bytesOf(times(9, mp3)...), nil)
	if f.Retitle(Comments{Title: "T"}) {
		t.Error("MP3 takes a title")
	}
}

func TestTheFirstFrameIsSoughtAsFarAsTheLimit(t *testing.T) {
	for _, c := range []struct {
		name   string
		before []part
		want   string // "" is carried as it is
	}{
		{"at once", nil, "audio/mpeg"},
		{"after a byte", []part{junk(1)}, "audio/mpeg"},
		{"at the limit", []part{junk(maxProbe - 1)}, "audio/mpeg"},
		{"behind it", []part{junk(maxProbe)}, ""},
		{"after a small tag", []part{id3v2(200, true)}, "audio/mpeg"},
		{"after a large one", []part{id3v2(300<<10, false)}, "audio/mpeg"},
		{"after the largest", []part{id3v2(maxID3v2, false)}, "audio/mpeg"},
		{"after one that is too large", []part{id3v2(maxID3v2+1, false)}, ""},
		{"after two", []part{id3v2(300<<10, true), id3v2(300<<10, false)}, "audio/mpeg"},
		{"after a tag and garbage", []part{id3v2(300<<10, false), junk(maxProbe - 1)}, "audio/mpeg"},
		{"after a tag and more of it", []part{id3v2(300<<10, false), junk(maxProbe)}, ""},
		{"after garbage and a tag", []part{junk(100), id3v2(maxProbe-101, false)}, "audio/mpeg"},
		{"after a frame of another kind that is alone", []part{aac(0)}, "audio/mpeg"},
		{"after two of them", []part{aac(0), aac(0)}, "audio/aac"},
	} {
		frames := times(10, mp3)
		stream := bytesOf(append(slices.Clone(c.before), frames...)...)
		f := New("audio/x-unknown")
		drive(t, f, stream, true, func() int { return 5000 })
		if c.want == "" {
			c.want = "audio/x-unknown"
		}
		if f.Type() != c.want {
			t.Errorf("%s: the type is %q, want %q", c.name, f.Type(), c.want)
		}
	}
}

func TestAllOfAnUnknownStreamIsCarriedButATagInFront(t *testing.T) {
	rest := junk(3 * maxProbe).data
	stream := append(bytes.Clone(id3v2(300<<10, false).data), rest...)
	got := places(drive(t, New(""), stream, true, func() int { return 1400 }))
	if want := []piece{{at: 300 << 10, size: len(rest), start: true}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheTypeIsUnknownUntilAUnitIsNear(t *testing.T) {
	f := New("audio/mpeg")
	stream := bytesOf(times(3, mp3)...)
	for n := range 417 {
		if took, _ := f.Next(stream[:n], false); took > 0 || f.Type() != "" {
			t.Fatalf("after %d bytes: took %d, type %q", n, took, f.Type())
		}
	}
	if took, u := f.Next(stream[:421], false); took != 417 || !u.Start || f.Type() != "audio/mpeg" {
		t.Errorf("after the second header: took %d, unit %v, type %q", took, u.Start, f.Type())
	}
}

func TestOpaqueUnitsAreWhatCameTogetherUpToTheLimit(t *testing.T) {
	for _, c := range []struct{ shown, want int }{{0, 0}, {1, 1}, {MaxUnit, MaxUnit}, {MaxUnit + 1, MaxUnit}} {
		n, u := opaque{"a/b"}.Next(make([]byte, c.shown), false)
		if n != c.want || len(u.Data) != c.want || u.Start != (c.want > 0) {
			t.Errorf("shown %d bytes: took %d, a unit of %d, start %v; want %d", c.shown, n, len(u.Data), u.Start, c.want)
		}
	}
}

func TestWhatMayFollowUnnoticed(t *testing.T) {
	a, b := &Init{Data: []byte("a")}, &Init{Data: []byte("b")}
	for _, tt := range []struct {
		name          string
		one, two      string
		first, second *Init
		want          bool
	}{
		{"MP3", "audio/mpeg", "audio/mp3", nil, nil, true},
		{"another type", "audio/mpeg", "audio/aac", nil, nil, false},
		{"Ogg with other headers", "audio/ogg", "application/ogg", a, b, true},
		{"WebM with the same header", "audio/webm", "video/webm", a, &Init{Data: []byte("a")}, true},
		{"WebM with another header", "video/webm", "video/webm", a, b, false},
	} {
		if got := Kind(tt.one, tt.first) == Kind(tt.two, tt.second); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
