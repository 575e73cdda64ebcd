package fallback

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/caddycast/caddycast/streaming/format"
)

func TestFilesAreHeardWholeAndAgain(t *testing.T) {
	dir := t.TempDir()
	one, two := mp3(40), mp3(7)
	l := listenTo(t, Options{}, write(t, dir, "one.mp3", one), write(t, dir, "two.mp3", two))
	for i, s := range l.hear(t, 6) {
		want, title := one, "one"
		if i%2 == 1 {
			want, title = two, "two"
		}
		if s.title != title || !bytes.Equal(s.data, want) {
			t.Errorf("song %d is %q with %d bytes, want %q with %d", i, s.title, len(s.data), title, len(want))
		}
	}
}

func TestOnlySoundGoesOut(t *testing.T) {
	xing := slices.Clone(mp3(1))
	copy(xing[4+17:], "Info") // where a mono frame of version 1 has its table
	stream := slices.Concat(id3v2Text("Title", ""), xing, mp3(20), id3v1("Title", ""))
	l := listenTo(t, Options{}, write(t, t.TempDir(), "a.mp3", stream))
	for _, s := range l.hear(t, 2) {
		if !bytes.Equal(s.data, mp3(20)) {
			t.Errorf("%d bytes were heard, want the 20 frames, %d bytes", len(s.data), len(mp3(20)))
		}
	}
}

func TestUnitsAreOnlyCutIfTheyDoNotFit(t *testing.T) {
	opus := standbyFile(t, "mono-48000.opus")
	for _, c := range []struct {
		name, file string
		data       []byte
	}{
		{"MP3", "a.mp3", mp3(50)},
		{"AAC", "a.aac", standbyFile(t, "mono-44100.aac")},
		{"Ogg", "a.ogg", opus},
	} {
		path := write(t, t.TempDir(), c.file, c.data)
		whole := listenTo(t, Options{}, path)
		whole.player.stream.serials.next = 1
		want := whole.hear(t, 1)[0].data
		for _, size := range []int{1, 13, 417, 418, 1000, 5000, 100_000} {
			l := listenTo(t, Options{}, path)
			l.player.stream.serials.next = 1
			l.buf = make([]byte, size)
			var parts [][]byte // what each read returned
			for have := 0; len(l.songs) < 2; {
				if err := l.read(); err != nil {
					t.Fatal(err)
				}
				if data := l.songs[0].data; len(l.songs) == 1 {
					parts = append(parts, data[have:])
					have = len(data)
				}
			}
			if got := l.songs[0].data; !bytes.Equal(got, want) {
				t.Errorf("%s, in reads of %d: %d bytes were heard, want %d", c.name, size, len(got), len(want))
			}
			if broken := cutWithoutNeed(parts, size, units(want)); broken != "" {
				t.Errorf("%s, in reads of %d: %s", c.name, size, broken)
			}
		}
	}
}

// units returns the end of each unit and init of a stream.
func units(stream []byte) (ends []int) {
	f := format.New("")
	var init *format.Init
	at := 0
	for rest := stream; len(rest) > 0; {
		n, u := f.Next(rest, true)
		rest = rest[n:]
		if u.Data == nil {
			continue
		}
		if u.Init != init {
			init = u.Init
			at += len(init.Data)
			ends = append(ends, at)
		}
		at += len(u.Data)
		ends = append(ends, at)
	}
	return ends
}

// cutWithoutNeed describes a read that split a unit although the unit was not the first, or would
// have fitted.
func cutWithoutNeed(parts [][]byte, size int, ends []int) string {
	at := 0
	for i, part := range parts {
		begin := at
		at += len(part)
		next, whole := slices.BinarySearch(ends, at)
		if whole {
			continue
		}
		unit := 0 // where the unit begins that the read cut
		if next > 0 {
			unit = ends[next-1]
		}
		if unit > begin || ends[next]-unit <= size && unit == begin {
			return fmt.Sprintf("read %d of %d bytes at %d cut the unit from %d to %d", i, len(part), begin, unit, ends[next])
		}
	}
	return ""
}

func TestTheFirstFileDecidesTheType(t *testing.T) {
	dir := t.TempDir()
	aac := write(t, dir, "b.aac", standbyFile(t, "mono-44100.aac"))
	ogg := write(t, dir, "c.opus", standbyFile(t, "mono-48000.opus"))
	song := write(t, dir, "a.mp3", mp3(20))
	for _, c := range []struct {
		name     string
		declared string
		files    []string
		want     string
		heard    string
	}{
		{"MP3 comes first", "", []string{song, aac, ogg}, "audio/mpeg", "a|a"},
		{"AAC comes first", "", []string{aac, song, ogg}, "audio/aac", "b|b"},
		{"Ogg comes first", "", []string{ogg, song, aac}, "application/ogg", StandbyTitle + "|" + StandbyTitle},
		{"a type is asked for", "audio/aac", []string{song, aac, ogg}, "audio/aac", "b|b"},
		{"by another name", "Audio/AACP; charset=x", []string{song, aac, ogg}, "audio/aacp", "b|b"},
		{"by a third one", "audio/ogg", []string{song, aac, ogg}, "audio/ogg", StandbyTitle + "|" + StandbyTitle},
	} {
		l := listenTo(t, Options{ContentType: c.declared}, c.files...)
		if got, err := l.player.Open(); err != nil || got.contentType != c.want {
			t.Errorf("%s: the type is %q (%v), want %q", c.name, got, err, c.want)
		}
		if got := titles(l.hear(t, 2)); got != c.heard {
			t.Errorf("%s: heard %q, want %q", c.name, got, c.heard)
		}
	}
}

func TestEachLinkOfOggHasItsOwnSerial(t *testing.T) {
	l := listenTo(t, Options{}, write(t, t.TempDir(), "a.opus", standbyFile(t, "mono-48000.opus")))
	seen := make(map[uint32]bool)
	for i, s := range l.hear(t, 3) {
		serial := format.OggPage(s.data).Serial()
		if seen[serial] {
			t.Errorf("the serial of link %d was there before", i)
		}
		seen[serial] = true
		for page := range format.OggPages(s.data) {
			if page.Serial() != serial {
				t.Fatalf("link %d has pages of another stream", i)
			}
		}
		// The framer accepts no page with a wrong checksum.
		if got := len(slices.Concat(s.data)); got != units(s.data)[len(units(s.data))-1] {
			t.Errorf("link %d has %d bytes, of which some are no pages", i, got)
		}
	}
}

func TestNothingIsTouchedBeforeTheFirstRead(t *testing.T) {
	dir := t.TempDir()
	l := listenTo(t, Options{}, dir+"/*.mp3") // not there yet
	write(t, dir, "late.mp3", mp3(20))
	if got := titles(l.hear(t, 1)); got != "late" {
		t.Errorf("heard %q", got)
	}
}

func TestAShortFileDoesNotComeTooOften(t *testing.T) {
	l := listenTo(t, Options{}, write(t, t.TempDir(), "a.mp3", mp3(1)))
	l.hear(t, 100)
	if got, want := l.player.pace.position(), 100*minFileTime; got < want {
		t.Errorf("100 files took %v, want at least %v", got, want)
	}
}

func TestEachStandbyLoopIsWhatItsNameSays(t *testing.T) {
	for _, s := range standbyLoops {
		l := &listener{buf: make([]byte, 4096)}
		l.player, _ = timed(t, newStandbyPlayer(s.file, Options{OnTitle: l.note}))
		want, _ := standbyKind(standbyPrefix + s.file)
		got, err := l.player.Open()
		got.codec = ""
		if err != nil || got != want {
			t.Errorf("%s: it is %+v (%v), want %+v", s.file, got, err, want)
		}
		for _, s := range l.hear(t, 2) {
			if s.artist != "" || s.title != StandbyTitle {
				t.Errorf("heard %q", titles([]song{s}))
			}
		}
	}
}

func TestTheStandbyLoopIsSmall(t *testing.T) {
	for _, s := range standbyLoops {
		b, err := standbyFiles.ReadFile("standby/" + s.file)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 17<<10 {
			t.Errorf("%s has %d bytes", s.file, len(b))
		}
	}
}
