package blocklog

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/caddycast/caddycast/streaming/format"
	"github.com/caddycast/caddycast/streaming/icy"
)

// take reads n bytes at a cursor, in steps as a socket would take them.
func take(c *Cursor, n int, rnd *rand.Rand) []byte {
	var out []byte
	for len(out) < n {
		ahead := *c // as the writers do: collect on a copy, move the cursor by what was written
		var due []byte
		for p := ahead.Peek(); p != nil; p = ahead.Peek() {
			due = append(due, p...)
			ahead.Advance(len(p))
		}
		if len(due) == 0 {
			break
		}
		step := min(1+rnd.IntN(len(due)), n-len(out))
		c.Skip(step)
		out = append(out, due[:step]...)
	}
	return out
}

func TestMetadataStandsAtEachIntervalAndNowhereElse(t *testing.T) {
	const interval = 300
	l := New()
	c := NewCursor(NewFeed(l, nil), interval)
	c.Lead([]byte("head"))
	var audio []byte
	titles := []*Metadata{NoMetadata, NewMetadata("A", "one", "", ""), NewMetadata("", "two", "http://x/", "")}
	at := make(map[int]*Metadata) // offset in the audio: what sounds from there on
	for i := range 90 {
		data := bytes.Repeat([]byte{byte(i)}, 40+i)
		meta := titles[i/30]
		if i%30 == 0 {
			at[len(audio)] = meta
		}
		l.Add(format.Unit{Data: data, Start: true}, meta)
		l.Flush()
		audio = append(audio, data...)
	}

	wire := take(&c, 1<<20, rand.New(rand.NewPCG(1, 2)))
	wire, ok := bytes.CutPrefix(wire, []byte("head"))
	if !ok {
		t.Fatal("the head does not come first")
	}
	var got []byte
	told := NoMetadata
	for first := true; len(wire) > 0; first = false {
		n := min(interval, len(wire))
		got, wire = append(got, wire[:n]...), wire[n:]
		if len(wire) == 0 {
			break
		}
		size := 16 * int(wire[0])
		if first && size == 0 {
			t.Error("the first block is empty")
		}
		if size > 0 {
			title, url, _, ok := icy.Parse(wire[1 : 1+size])
			if !ok {
				t.Fatalf("after %d bytes: no block: % x", len(got), wire[1:1+size])
			}
			var sounds *Metadata
			for from, m := range at {
				if from <= len(got) && (sounds == nil || from > 0 && m != NoMetadata && from > offsetOf(at, sounds)) {
					sounds = m
				}
			}
			if title != sounds.Song() || url != sounds.URL {
				t.Errorf("after %d bytes: told %q, but %q sounds", len(got), title, sounds.Song())
			}
			if !first && sounds == told {
				t.Errorf("after %d bytes: told again of %q", len(got), title)
			}
			told = sounds
		}
		wire = wire[1+size:]
	}
	if !bytes.Equal(got, audio) {
		t.Errorf("the audio is not what was sent: %d bytes, want %d", len(got), len(audio))
	}
	if told != titles[2] {
		t.Errorf("the last title told is %q", told.Song())
	}
}

func offsetOf(at map[int]*Metadata, m *Metadata) int {
	for from, other := range at {
		if other == m {
			return from
		}
	}
	return -1
}

func TestFirstMetadataBlockIsCompleteWithoutATitle(t *testing.T) {
	l := New()
	c := NewCursor(NewFeed(l, nil), 10)
	l.Add(format.Unit{Data: make([]byte, 35), Start: true}, NoMetadata)
	l.Flush()
	got := take(&c, 1000, rand.New(rand.NewPCG(1, 1)))
	want := slicesConcat(make([]byte, 10), []byte("\x01StreamTitle='';\x00"),
		make([]byte, 10), []byte{0}, make([]byte, 10), []byte{0}, make([]byte, 5))
	if !bytes.Equal(got, want) {
		t.Errorf("got % x\nwant % x", got, want)
	}
}

func slicesConcat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestTitlesAreCleanedAndRenderedInTheMountsCharset(t *testing.T) {
	for _, c := range []struct {
		name, artist, title, charset string
		song, block                  string
	}{
		{"title alone", "", "T", "", "T", "StreamTitle='T';"},
		{"artist and title", "A", "T", "", "A - T", "StreamTitle='A - T';"},
		{"artist alone", "A", "", "", "A", "StreamTitle='A';"},
		{"control characters", "", "a\x00b\r\nc\x1b", "", "ab  c", "StreamTitle='ab  c';"},
		{"the end of the field", "", "it's';x", "", "it's';x", "StreamTitle='it's`;x';"},
		{"UTF-8", "", "caf\u00e9", "", "caf\u00e9", "StreamTitle='caf\u00e9';"},
		{"Latin-1 to listeners", "", "caf\u00e9", "iso-8859-1", "caf\u00e9", "StreamTitle='caf\xe9';"},
		{"bytes that are no UTF-8", "", "caf\xe9", "", "caf\u00e9", "StreamTitle='caf\u00e9';"},
	} {
		m := NewMetadata(c.artist, c.title, "", c.charset)
		if m.Song() != c.song {
			t.Errorf("%s: song %q, want %q", c.name, m.Song(), c.song)
		}
		if got := string(bytes.TrimRight(m.block[1:], "\x00")); got != c.block {
			t.Errorf("%s: block %q, want %q", c.name, got, c.block)
		}
	}
}

func TestAnInitComesOnceBeforeWhatBelongsToIt(t *testing.T) {
	first := &format.Init{Data: bytes.Repeat([]byte("<"), 200)}
	second := &format.Init{Data: bytes.Repeat([]byte(">"), 70)}
	l := New()
	var want []byte
	begin := NewCursor(NewFeed(l, nil), 0)
	titled := NewCursor(NewFeed(l, nil), 64)
	for i, init := range []*format.Init{nil, first, first, second, second, first, nil} {
		data := bytes.Repeat([]byte{'a' + byte(i)}, 100)
		l.Add(format.Unit{Data: data, Start: i != 2, Init: init}, NoMetadata)
		switch i {
		case 1, 5:
			want = append(want, first.Data...)
		case 3:
			want = append(want, second.Data...)
		}
		want = append(want, data...)
	}
	l.Flush()
	if got := take(&begin, 1<<20, rand.New(rand.NewPCG(1, 2))); !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	got := withoutMetadata(t, take(&titled, 1<<20, rand.New(rand.NewPCG(3, 4))), 64)
	if !bytes.Equal(got, want) {
		t.Errorf("with metadata: got %q, want %q", got, want)
	}
}

// withoutMetadata takes the metadata blocks out of what a listener got.
func withoutMetadata(t *testing.T, wire []byte, interval int) (audio []byte) {
	t.Helper()
	for len(wire) > interval {
		audio, wire = append(audio, wire[:interval]...), wire[interval:]
		n := 1 + 16*int(wire[0])
		if len(wire) < n {
			t.Fatal("a metadata block is cut")
		}
		wire = wire[n:]
	}
	return append(audio, wire...)
}
