package hls

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/streaming/format"
)

// A node that mirrors a playlist, with what is new in it each time, shows the same text.
func TestAMirroredListIsTheSame(t *testing.T) {
	for _, c := range []*format.Codec{mp3, aac, opus, flac} {
		o := Options{Segment: 4 * time.Second, Part: time.Second, First: 1000, Lead: 3}
		s, l, now := NewSegmenter(o), NewList(o.Segment, 10, 1000, 7), began
		if o.HasParts(c) {
			l.LowLatency(o.Part)
		}
		var mirror *List
		other := *c
		other.Channels = 1
		for n := 0; s.Next() < 1040; n++ {
			p := numberedPacket(c, n)
			if n%3000 > 2000 {
				p.Codec = &other
			}
			done := s.Add(p, Title{}, now)
			now = now.Add(s.lasts(uint64(p.Samples)))
			if done != nil {
				l.Add(done)
			}
			if grown := l.Grow(s.Hint(), s.Growing); !grown && done == nil || len(l.segments) < 3 {
				continue
			}
			if n%3000 > 2900 { // it was not asked for a while
				continue
			}
			page := l.Page()
			r, err := ParsePlaylist(page.Full().Text)
			if err != nil {
				t.Fatal(err)
			}
			if mirror == nil {
				mirror = r.NewList()
			} else if !mirror.Follow(r) {
				t.Fatalf("%s: the list does not go on", c.Name)
			}
			mirrored := mirror.Page()
			if got, want := mirrored.Full().Text, page.Full().Text; !bytes.Equal(got, want) {
				t.Fatalf("%s: mirrored\n%s\nwant\n%s", c.Name, got, want)
			}
			if mirrored.Hint != page.Hint || mirrored.Next != page.Next || mirrored.grown() != page.grown() || len(mirrored.Segments) > 30 {
				t.Fatalf("%s: the next part is %s of %d, want %s of %d; %d segments", c.Name, mirrored.Hint, mirrored.Next, page.Hint, page.Next, len(mirrored.Segments))
			}
		}
	}
}

func TestWhatIsNoPlaylistOfANode(t *testing.T) {
	const head = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:5\n"
	for text, want := range map[string]string{
		"":                                                 "not a media playlist",
		"<html>":                                           "not a media playlist",
		"#EXTM3U\n#EXTINF:6,\na.mp3\n":                     "incomplete",
		head + "#EXTINF:6,\n":                              "incomplete",
		head + "a.mp3\n":                                   "without a length",
		head + "#EXTINF:6,\n../a.mp3\n":                    "not the name",
		head + "#EXTINF:6,\nhttp://x/a.mp3\n":              "not the name",
		head + "#EXTINF:6,\na.html\n":                      "not the name",
		head + "#EXTINF:0,\na.mp3\n":                       "not a number",
		head + "#EXTINF:NaN,\na.mp3\n":                     "not a number",
		head + "#EXTINF:1e30,\na.mp3\n":                    "not a number",
		head + "#EXT-X-MEDIA-SEQUENCE:-1\n":                "not a number",
		head + "#EXT-X-TARGETDURATION:9999\n":              "not a number",
		head + "#EXT-X-PROGRAM-DATE-TIME:soon\n":           "not a time",
		head + "#EXT-X-MAP:URI=\"/etc/a.mp4\"\n":           "not the name",
		head + "#EXT-X-PART:DURATION=1\n":                  "not the name",
		head + strings.Repeat("#EXTINF:1,\na.mp3\n", 2001): "too many files",
		head + strings.Repeat("#\n", MaxRemote):            "not a media playlist",
	} {
		if _, err := ParsePlaylist([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

// FuzzParsePlaylist reads any playlist, and mirrors it.
func FuzzParsePlaylist(f *testing.F) {
	f.Add([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-MEDIA-SEQUENCE:5\n#EXT-X-MAP:URI=\"init-0.mp4\"\n" +
		"#EXT-X-PART:DURATION=0.9,URI=\"5.0-a.m4s\"\n#EXTINF:6.00000,\n5-a.m4s\n#EXT-X-PART:DURATION=0.9,URI=\"6.0-a.m4s\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"6.1-a.m4s\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ParsePlaylist(text)
		if err != nil {
			return
		}
		page := r.NewList().Page()
		page.Quote(text)
		if !bytes.Equal(page.Full().Text, text) {
			t.Fatal("the text is another")
		}
		for _, s := range page.Segments {
			if strings.ContainsAny(s.Name, "/:?#%\"\\") || s.Seconds() <= 0 {
				t.Fatalf("a segment %+v", s)
			}
		}
	})
}

// A node that names another place for segments shows the list of its master with that.
func TestAMirroredListMayHaveABase(t *testing.T) {
	const text = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:5\n#EXT-X-MAP:URI=\"init-0.mp4\"\n#EXT-X-DATERANGE:ID=\"1\",X-URL=\"https://example.org/URI=\"\n" +
		"#EXT-X-PART:DURATION=0.9,URI=\"5.0-a.m4s\"\n#EXTINF:6.00000,\n5-a.m4s\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"6.1-a.m4s\"\n"
	r, err := ParsePlaylist([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	page := r.NewList().Page()
	page.Form.Base = "https://cdn/x/"
	page.Quote(r.Text)
	want := strings.NewReplacer(`="init`, `="https://cdn/x/init`, `="5.0`, `="https://cdn/x/5.0`, "\n5-a", "\nhttps://cdn/x/5-a", `="6.1`, `="https://cdn/x/6.1`).Replace(text)
	if got := string(page.Full().Text); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := string(page.Relative().Text); got != text {
		t.Errorf("for other nodes\n%s", got)
	}
}

// A list whose numbers meet those of another one, as after a quick restart of the node that made it, does not go on in it:
// its names would be those of files that are not there.
func TestAMirroredListIsNotMistakenForTheOneBefore(t *testing.T) {
	remote := func(first uint64, names ...string) *Remote {
		r := &Remote{Sequence: first, Target: 2}
		for i, name := range names {
			r.Segments = append(r.Segments, &Segment{Sequence: first + uint64(i), Name: name, Samples: 2, Rate: 1})
		}
		return r
	}
	for _, c := range []struct {
		name string
		next *Remote
		want bool
	}{
		{"the same", remote(10, "a", "b", "c"), true},
		{"one more", remote(11, "b", "c", "d"), true},
		{"all new", remote(13, "d", "e"), true},
		{"another one under the last number", remote(12, "x", "y", "z"), false},
		{"another one under all numbers", remote(10, "x", "y", "z"), false},
		{"a gap", remote(14, "e"), false},
		{"older", remote(8, "y", "z"), false},
	} {
		if got := remote(10, "a", "b", "c").NewList().Follow(c.next); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
