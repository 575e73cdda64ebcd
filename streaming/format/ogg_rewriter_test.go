package format

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// pagesOf splits a stream into pages and checks that there is nothing else, and that the
// sequence numbers of each stream are in order.
func pagesOf(t *testing.T, stream []byte) (pages []OggPage) {
	t.Helper()
	next := map[uint32]uint32{}
	for finder := new(oggPages); len(stream) > 0; {
		p, garbage := finder.next(stream, true)
		if p == nil {
			t.Fatalf("%d bytes that are no page", garbage)
		}
		if p.has(oggBOS) {
			next[p.Serial()] = 0
		}
		if want, ok := next[p.Serial()]; !ok || p.sequence() != want {
			t.Errorf("page %d of stream %x, want %d", p.sequence(), p.Serial(), want)
		}
		next[p.Serial()] = p.sequence() + 1
		pages = append(pages, p)
		stream = stream[len(p):]
	}
	return pages
}

func TestATitleBeginsALinkOfOurOwn(t *testing.T) {
	for _, codec := range []string{"vorbis", "opus", "flac"} {
		m := oggMaker{serial: 7}
		stream := bytesOf(m.link(codec, 9, "TITLE=Old", "ALBUM=One")...)
		f := ogger().(Retitler)
		units := takeAll(t, f, stream, func(unit int) {
			for _, at := range []int{3, 6, 6} {
				if unit == at && !f.Retitle(Comments{"A", fmt.Sprint("T", unit)}) {
					t.Fatalf("%s: no title", codec)
				}
			}
		})
		pages := pagesOf(t, heard(units))
		var serials []uint32
		var granules []int64
		for _, p := range pages {
			if p.has(oggBOS) {
				serials = append(serials, p.Serial())
			}
			if p.has(oggEOS) && len(p.lacing()) > 0 {
				t.Errorf("%s: the page that ends it has a packet", codec)
			}
			if p.granule() > 0 {
				granules = append(granules, p.granule()/4800)
			}
		}
		// The granules continue; in Vorbis one more page repeats the last packet.
		want := "[1 2 3 3 4 5 5 6 7 8 9]"
		if codec == "vorbis" {
			want = "[1 2 3 3 3 4 4 4 5 6 7 8 9]"
		}
		if fmt.Sprint(granules) != want {
			t.Errorf("%s: granules %v, want %v", codec, granules, want)
		}
		if len(serials) != 3 || serials[0] != 7 || serials[1] == 7 || serials[2] == serials[1] || serials[2] == 7 {
			t.Errorf("%s: serials %x, want three", codec, serials)
		}
		last := units[len(units)-1].Init
		if *last.Comments != (Comments{"A", "T6"}) || !bytes.Contains(last.Data, []byte("ALBUM=One")) ||
			!bytes.Contains(last.Data, []byte("maker")) || bytes.Contains(last.Data, []byte("Old")) {
			t.Errorf("%s: the last init is %q", codec, last.Data)
		}
	}
}

func TestATitleWaitsForTheEndOfAPacket(t *testing.T) {
	m := oggMaker{serial: 7}
	parts := m.link("opus", 1)
	long := bytes.Repeat([]byte{0x24}, 510)
	parts = append(parts, part{data: m.page(0, -1, true, long)}, part{data: m.page(oggContinued, -1, true, long)},
		part{data: m.page(oggContinued, 9600, false, long)}, m.sound(long))
	f := ogger().(Retitler)
	first := bytesOf(parts[:4]...)
	before := takeAll(t, f, first, nil)
	if !before[1].More || !f.Retitle(Comments{Title: "T"}) {
		t.Fatal("no title")
	}
	got := takeAll(t, f, bytesOf(parts[4:]...), nil)
	turned := slices.IndexFunc(got, func(u taken) bool { return u.Init != before[0].Init })
	if turned != 3 || len(got) != 4 { // two pages, the end, and the first of the new link
		t.Errorf("the new init comes with unit %d of %d, want the last of 4", turned, len(got))
	}
	pagesOf(t, heard(append(before, got...)))
}

func TestAnotherLinkOfTheSourceEndsOurs(t *testing.T) {
	for _, codec := range []string{"vorbis", "opus", "flac"} {
		a, b := oggMaker{serial: 1}, oggMaker{serial: 2}
		f := ogger().(Retitler)
		first := bytesOf(a.link(codec, 3)...)
		units := takeAll(t, f, first, func(unit int) {
			if unit == 1 {
				f.Retitle(Comments{Title: "T"})
			}
		})
		second := bytesOf(b.link(codec, 3, "TITLE=Its own")...)
		f.Retitle(Comments{Title: "too late"}) // what comes next is a link
		got := takeAll(t, f, second, nil)
		if !bytes.HasSuffix(heard(got), second) || *got[len(got)-1].Init.Comments != (Comments{Title: "Its own"}) {
			t.Errorf("%s: the source's link comes to %d bytes, want %d", codec, len(heard(got)), len(second))
		}
		pagesOf(t, heard(append(units, got...)))
	}
}

func TestWhatTakesNoTitle(t *testing.T) {
	speex, vorbis := oggMaker{serial: 1}, oggMaker{serial: 1}
	two, makers := mixed("vorbis", "opus")
	end := part{data: vorbis.page(oggEOS, 9, false, packetOf("vorbis", 30))}
	broken := oggMaker{serial: 3}
	first, _ := broken.headers("opus")
	lies := append(first, broken.page(0, 0, false, []byte("OpusTags\xff\xff\xff\xff"))...)
	for name, stream := range map[string][]byte{
		"nothing":             nil,
		"Speex":               bytesOf(speex.link("speex", 2)...),
		"headers":             bytesOf(vorbis.link("vorbis", 0)...),
		"two streams":         bytesOf(append(two, makers[0].sound(packetOf("vorbis", 30)))...),
		"a stream at its end": bytesOf(append(vorbis.link("vorbis", 1), end)...),
		"comments that lie":   append(lies, broken.sound(packetOf("opus", 30)).data...),
	} {
		f := ogger().(Retitler)
		takeAll(t, f, stream, nil)
		if f.Retitle(Comments{Title: "T"}) {
			t.Errorf("%s takes a title", name)
		}
	}
}

// Sequence numbers keep the gap of a lost page, so that decoders notice it.
func TestALostPageIsLostInOurLinkToo(t *testing.T) {
	m := oggMaker{serial: 7}
	parts := m.link("vorbis", 6)
	f := ogger().(Retitler)
	takeAll(t, f, bytesOf(parts[:4]...), nil)
	f.Retitle(Comments{Title: "T"})
	got := takeAll(t, f, bytesOf(parts[4], parts[6], parts[7]), nil)
	var numbers []uint32
	for _, u := range got[1:] {
		numbers = append(numbers, OggPage(u.data).sequence())
	}
	if fmt.Sprint(numbers) != "[2 3 5 6]" {
		t.Errorf("pages %v after two with headers, want 2 3 5 6", numbers)
	}
}

func TestALinkOfOurOwnCostsNoAllocation(t *testing.T) {
	m := oggMaker{serial: 7}
	f := ogger().(Retitler)
	takeAll(t, f, bytesOf(m.link("vorbis", 3)...), nil)
	f.Retitle(Comments{Title: "T"})
	stream := bytesOf(times(100, func(int) part { return m.sound(packetOf("vorbis", 200)) })...)
	takeApart(f, stream, len(stream))
	if got := testing.AllocsPerRun(10, func() { takeApart(f, stream, len(stream)) }); got > 0 {
		t.Errorf("%v allocations for 100 pages, want none", got)
	}
}
