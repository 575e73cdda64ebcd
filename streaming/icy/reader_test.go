package icy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// said is a title and the number of audio bytes read before it.
type said struct {
	title, url string
	at         int
}

// stream makes the stream of a source: audio with a block after each interval bytes. The nth
// block announces the nth title; for "" and after the last title the blocks are empty.
func stream(audio []byte, interval int, titles ...string) (sent []byte, want []said) {
	for i := 0; len(audio) >= interval; i++ {
		sent = append(sent, audio[:interval]...)
		audio = audio[interval:]
		if i < len(titles) && titles[i] != "" {
			sent = append(sent, Block(titles[i], "")...)
			want = append(want, said{titles[i], "", (i + 1) * interval})
		} else {
			sent = append(sent, Empty...)
		}
	}
	return append(sent, audio...), want
}

// readAll reads src to its end, at most p bytes at a time. It continues after errPassing and
// returns the number of these errors.
func readAll(src io.Reader, interval, p int) (audio []byte, titles []said, passed int, err error) {
	r := NewReader(src, interval, func(title, url string, _ []Field) {
		titles = append(titles, said{title, url, len(audio)})
	})
	buf := make([]byte, p)
	for {
		n, err := r.Read(buf)
		audio = append(audio, buf[:n]...)
		switch {
		case errors.Is(err, errPassing):
			passed++
		case err != nil:
			return audio, titles, passed, err
		}
	}
}

// counting returns n bytes that show their position.
func counting(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8)
	}
	return b
}

var errPassing = errors.New("passing")

// stutter answers every other read with an error, without loss of bytes.
type stutter struct {
	io.Reader
	odd bool
}

func (s *stutter) Read(p []byte) (int, error) {
	if s.odd = !s.odd; s.odd {
		return 0, errPassing
	}
	return s.Reader.Read(p)
}

// failing returns an error once: after a number of bytes, or with the last of them.
type failing struct {
	io.Reader
	after int // -1: it was told
	with  bool
}

func (f *failing) Read(p []byte) (n int, err error) {
	if f.after < 0 {
		return f.Reader.Read(p)
	}
	if f.after > 0 {
		n, err = f.Reader.Read(p[:min(len(p), f.after)])
		f.after -= n
	}
	if f.after == 0 && (f.with || n == 0) {
		f.after, err = -1, errPassing
	}
	return n, err
}

func TestReaderTakesTheBlocksOut(t *testing.T) {
	long := strings.Repeat("long ", MaxText/5)
	for _, c := range []struct {
		name     string
		length   int
		interval int
		titles   []string
	}{
		{"nothing", 0, 100, nil},
		{"less than an interval", 99, 100, []string{"never"}},
		{"a block at the end", 100, 100, []string{"last"}},
		{"a title in each block", 1000, 100, []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}},
		{"none but the first", 1000, 100, []string{"only"}},
		{"none but a later one", 1000, 100, []string{"", "", "", "later"}},
		{"no title at all", 1000, 100, nil},
		{"a block after each byte", 50, 1, []string{"a", "", "b", long, "", "c"}},
		{"long titles", 1000, 300, []string{long, long + "x", "short"}},
		{"an interval like Icecast's", 40000, 16000, []string{"It's", "Rock 'n'"}},
		{"titles that are not UTF-8", 500, 100, []string{"Caf\xe9", "\xff\xfe"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			audio := counting(c.length)
			sent, titles := stream(audio, c.interval, c.titles...)
			for name, read := range map[string]func(io.Reader) io.Reader{
				"at once":          func(r io.Reader) io.Reader { return r },
				"in single bytes":  iotest.OneByteReader,
				"in halves":        iotest.HalfReader,
				"with EOF at once": iotest.DataErrReader,
				"stuttering":       func(r io.Reader) io.Reader { return &stutter{Reader: iotest.OneByteReader(r)} },
			} {
				for _, p := range []int{1, 7, 4096} {
					got, said, _, err := readAll(read(bytes.NewReader(sent)), c.interval, p)
					if !errors.Is(err, io.EOF) {
						t.Errorf("%s: ends with %v, want EOF", name, err)
					}
					if !bytes.Equal(got, audio) {
						t.Errorf("%s: %d bytes of audio that differ from the %d that went in", name, len(got), len(audio))
					}
					if !slices.Equal(said, titles) {
						t.Errorf("%s: announced %v, want %v", name, said, titles)
					}
				}
			}
		})
	}
}

func TestReaderGoesOnAfterAnErrorAtEveryByte(t *testing.T) {
	audio := counting(70)
	sent, titles := stream(audio, 20, "first", "", "third")
	for at := range len(sent) + 1 {
		for _, with := range []bool{false, true} {
			src := &failing{bytes.NewReader(sent), at, with}
			got, heard, told, err := readAll(src, 20, 13)
			if told != 1 || !errors.Is(err, io.EOF) {
				t.Errorf("error at %d, with a byte %v: told %d times, want 1; then %v", at, with, told, err)
			}
			if !bytes.Equal(got, audio) || !slices.Equal(heard, titles) {
				t.Errorf("error at %d, with a byte %v: got %d bytes and %v, want %d and %v",
					at, with, len(got), heard, len(audio), titles)
			}
		}
	}
}

func TestReaderReadsEveryBlockSize(t *testing.T) {
	for units := range 256 {
		text := fmt.Appendf(nil, "StreamTitle='%s';", strings.Repeat("x", max(0, 16*units-15)))
		if units == 0 {
			text = nil
		}
		sent := slices.Concat([]byte("audio"), []byte{byte(units)}, text, []byte("after"))
		audio, titles, _, err := readAll(bytes.NewReader(sent), 5, 64)
		if string(audio) != "audioafter" || !errors.Is(err, io.EOF) {
			t.Errorf("%d units: audio %q, %v", units, audio, err)
		}
		if want := min(units, 1); len(titles) != want {
			t.Errorf("%d units: %d titles, want %d", units, len(titles), want)
		}
	}
}

func TestReaderEndsQuietlyWithinABlock(t *testing.T) {
	sent, _ := stream(counting(10), 10, "a title")
	for end := 10; end < len(sent); end++ {
		audio, titles, _, err := readAll(bytes.NewReader(sent[:end]), 10, 64)
		if len(audio) != 10 || len(titles) != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("cut at %d: %d bytes, titles %v, %v", end, len(audio), titles, err)
		}
	}
}

func TestReaderWithoutAnIntervalReadsOn(t *testing.T) {
	sent := make([]byte, 1000) // would be empty blocks
	for _, interval := range []int{0, -1} {
		audio, titles, _, err := readAll(bytes.NewReader(sent), interval, 64)
		if !bytes.Equal(audio, sent) || len(titles) != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("interval %d: %d bytes, titles %v, %v", interval, len(audio), titles, err)
		}
	}
}

// silent returns empty reads, which io.Reader discourages but allows.
type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }

func TestReaderDoesNotSpinWhereNothingComes(t *testing.T) {
	for _, before := range []string{"12345", "12345\x01", "12345\x01Stream"} {
		r := NewReader(io.MultiReader(strings.NewReader(before), silent{}), 5, func(string, string, []Field) {})
		buf := make([]byte, 10)
		for range 20 { // hangs if a read waits for what never comes
			if n, err := r.Read(buf); n > 5 || err != nil {
				t.Fatalf("after %q: read %d, %v", before, n, err)
			}
		}
	}
}

func TestReaderReadsNothingIntoNothing(t *testing.T) {
	r := NewReader(iotest.ErrReader(errPassing), 5, nil)
	if n, err := r.Read(nil); n != 0 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
}

func FuzzReaderReturnsTheAudioHoweverItIsCut(f *testing.F) {
	sent, _ := stream(counting(100), 30, "a title", "", "It's")
	f.Add(sent, 30, []byte{1, 7, 200})
	f.Add(sent, 1, []byte{3})
	f.Add([]byte{0, 0, 0, 0}, 1, []byte{})
	f.Add(append([]byte("a\xff"), make([]byte, 5000)...), 1, []byte{255, 1})
	f.Fuzz(func(t *testing.T, sent []byte, interval int, cuts []byte) {
		interval = interval&0xffff + 1
		audio, titles := naive(sent, interval)
		got, said, _, err := readAll(&cutter{sent, cuts, 0}, interval, 33)
		if !errors.Is(err, io.EOF) {
			t.Errorf("ends with %v, want EOF", err)
		}
		if !bytes.Equal(got, audio) {
			t.Errorf("audio %q, want %q", got, audio)
		}
		if !slices.Equal(said, titles) {
			t.Errorf("announced %v, want %v", said, titles)
		}
	})
}

// naive is Reader for a whole stream in memory.
func naive(sent []byte, interval int) (audio []byte, titles []said) {
	for len(sent) >= interval {
		audio = append(audio, sent[:interval]...)
		if sent = sent[interval:]; len(sent) == 0 {
			return audio, titles
		}
		size := 16 * int(sent[0])
		if sent = sent[1:]; len(sent) < size {
			return audio, titles
		}
		if title, url, _, ok := Parse(sent[:size]); ok {
			titles = append(titles, said{title, url, len(audio)})
		}
		sent = sent[size:]
	}
	return append(audio, sent...), titles
}

// cutter reads with the lengths in cuts.
type cutter struct {
	left []byte
	cuts []byte
	turn int
}

func (c *cutter) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		return 0, io.EOF
	}
	n := len(p)
	if len(c.cuts) > 0 {
		n = min(n, 1+int(c.cuts[c.turn%len(c.cuts)]))
		c.turn++
	}
	n = copy(p[:n], c.left)
	c.left = c.left[n:]
	return n, nil
}
