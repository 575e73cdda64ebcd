package origin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/hls"
)

// far is another node with HLS of a mount. Its answers do not wait.
type far struct {
	asked atomic.Int64 // lists
	first atomic.Int64 // number of the first segment of the list; the list moves with the clock
	began time.Time
}

const farSegment = 2 * time.Second

func (f *far) fetch(ctx context.Context, suffix string) (string, error) {
	name, _, _ := strings.Cut(suffix, "?")
	switch name {
	case ".m3u8":
		return `#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="mp4a.40.34"`, nil
	case ".hls/index.m3u8":
		f.asked.Add(1)
		return f.list(f.now()), nil
	}
	return "the data of " + name, nil
}

// now returns the number of the first segment.
func (f *far) now() int64 { return f.first.Load() + int64(time.Since(f.began)/farSegment) }

// list returns the list that begins with a segment.
func (f *far) list(first int64) string {
	var text strings.Builder
	fmt.Fprintf(&text, "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXT-X-INDEPENDENT-SEGMENTS\n", first)
	for n := first; n < first+6; n++ {
		fmt.Fprintf(&text, "#EXT-X-PROGRAM-DATE-TIME:2026-01-02T15:04:05.000Z\n#EXTINF:2.00000,\n%d-far.mp3\n", n)
	}
	return text.String()
}

// mirroring plays a scene of a relayed mount, whose other node answers so.
func mirroring(t *testing.T, answer func(f *far, ctx context.Context, suffix string) (string, error), run func(*testing.T, *scene, *far, *Mount)) {
	play(t, streaming.MountSettings{Linger: 5 * time.Second}, func(t *testing.T, s *scene) {
		f := &far{began: time.Now()}
		f.first.Store(1000)
		s.options.Segment = farSegment
		s.m.fetch = func(ctx context.Context, mount, suffix string, most int64) ([]byte, error) {
			text, err := answer(f, ctx, suffix)
			if mount != live || int64(len(text)) > most {
				t.Errorf("%s, %d bytes", mount, len(text))
			}
			return []byte(text), err
		}
		s.upstream = "http://127.0.0.1/live.mp3"
		e := s.source(live, numbered.ContentType, nil)
		defer e.end()
		run(t, s, f, s.await())
	})
}

func plainAnswer(f *far, ctx context.Context, suffix string) (string, error) {
	return f.fetch(ctx, suffix)
}

// The list and the files are those of the other node, which is not asked more often than each second.
func TestARelayedMountIsMirrored(t *testing.T) {
	mirroring(t, plainAnswer, func(t *testing.T, s *scene, f *far, m *Mount) {
		for range 60 {
			eventually.Advance(time.Second)
			if s.m.Open(live) != m {
				t.Fatal("the mount has ended")
			}
			page := m.View().Page
			first := int64(page.Next) - 6
			if got, want := string(page.Full().Text), f.list(first); got != want || first < f.now()-1 {
				t.Fatalf("got\n%s\nwant\n%s", got, want)
			}
			name := page.Segments[len(page.Segments)-1].Name
			if file := m.File(name); file == nil || string(file.Data) != "the data of .hls/"+name || file.Size != len(file.Data) {
				t.Fatalf("%s is %v", name, file)
			}
		}
		if n := f.asked.Load(); n > 100 {
			t.Errorf("the other node was asked for %d lists in a minute", n)
		}
		first := m.View().first
		f.first.Add(500) // as after a restart
		eventually.Advance(5 * time.Second)
		if v := s.m.Open(live).View(); v.first == first || v.Next < 1500 {
			t.Errorf("after a restart of the other node the next segment is %d", v.Next)
		}
	})
}

// A node that has no HLS, lies or does not answer costs a list that is made here.
func TestAMountThatCannotBeMirroredIsCutHere(t *testing.T) {
	lost := errors.New("the connection is lost")
	for name, answer := range map[string]func(*far, context.Context, string) (string, error){
		"no HLS":      func(*far, context.Context, string) (string, error) { return "", ErrNoMirror },
		"a page":      func(*far, context.Context, string) (string, error) { return "<html>", nil },
		"no answer":   func(_ *far, ctx context.Context, _ string) (string, error) { <-ctx.Done(); return "", ctx.Err() },
		"no files":    func(f *far, ctx context.Context, s string) (string, error) { return without("-far", f, ctx, s, lost) },
		"no list":     func(f *far, ctx context.Context, s string) (string, error) { return without("index", f, ctx, s, lost) },
		"a lost link": func(*far, context.Context, string) (string, error) { return "", lost },
	} {
		t.Run(name, func(t *testing.T) {
			mirroring(t, answer, func(t *testing.T, _ *scene, _ *far, m *Mount) {
				eventually.Advance(time.Minute)
				page := m.View().Page
				if strings.Contains(string(page.Full().Text), "-far") || len(page.Segments) < 10 {
					t.Errorf("the list is\n%s", page.Full().Text)
				}
			})
		})
	}
}

// without answers as the other node does, but for files with a word in their name.
func without(word string, f *far, ctx context.Context, suffix string, err error) (string, error) {
	if strings.Contains(suffix, word) {
		return "", err
	}
	return f.fetch(ctx, suffix)
}

// unless answers as the other node does while it is not lost.
func unless(lost *atomic.Bool) func(*far, context.Context, string) (string, error) {
	return func(f *far, ctx context.Context, suffix string) (string, error) {
		if lost.Load() {
			return "", ErrNoMirror
		}
		return f.fetch(ctx, suffix)
	}
}

// When the other node has no list any more, this node goes on with the next number, and goes back to
// the other one when it can.
func TestAMirroredListGoesOnHere(t *testing.T) {
	var lost atomic.Bool
	mirroring(t, unless(&lost), func(t *testing.T, _ *scene, _ *far, m *Mount) {
		eventually.Advance(10 * time.Second)
		before := m.View().Page
		lost.Store(true)
		eventually.Advance(10 * time.Second)
		v := m.View()
		last := before.Segments[len(before.Segments)-1]
		next := v.Segment(last.Sequence + 1)
		for n := last.Sequence + 1; next != nil && strings.Contains(next.Name, "-far"); n++ {
			next = v.Segment(n)
		}
		if next == nil || !next.Discontinuity || m.File(last.Name) == nil {
			t.Errorf("after %s the list is\n%s", last.Name, v.Full().Text)
		}
		lost.Store(false)
		eventually.Advance(30 * time.Second)
		back := m.View()
		if text := string(back.Full().Text); strings.Contains(text, "DISCONTINUITY\n") || !strings.Contains(text, "-far") || back.Next < v.Next {
			t.Errorf("when it is back, and %d came last, the list is\n%s", v.Next-1, text)
		}
		synctest.Wait()
	})
}

// A list that was mirrored is complete once nothing is heard for long: players end.
func TestAMirroredListEndsIfTheOtherNodeStaysAway(t *testing.T) {
	lost := make(chan struct{})
	mirroring(t, func(f *far, ctx context.Context, suffix string) (string, error) {
		select {
		case <-lost:
			return "", errors.New("the connection is lost")
		default:
			return f.fetch(ctx, suffix)
		}
	}, func(t *testing.T, s *scene, f *far, m *Mount) {
		eventually.Advance(10 * time.Second)
		close(lost)
		s.st.Mount(live).Source().Stop(streaming.Removed)
		for range 100 {
			eventually.Advance(time.Second)
			s.m.Open(live)
		}
		page := m.View().Page
		if text := string(page.Full().Text); !page.Ended || !strings.HasSuffix(text, "#EXT-X-ENDLIST\n") {
			t.Errorf("ended %v, and the list is\n%s", page.Ended, text)
		}
	})
}

// The other node may need nine seconds for its first list. A list of this node would be ahead of it, and
// stay.
func TestTheListOfTheOtherNodeIsWaitedFor(t *testing.T) {
	slow := func(f *far, ctx context.Context, suffix string) (string, error) {
		if suffix == ".m3u8" {
			select {
			case <-time.After(9 * time.Second):
			case <-ctx.Done():
			}
		}
		return f.fetch(ctx, suffix)
	}
	mirroring(t, slow, func(t *testing.T, _ *scene, _ *far, m *Mount) {
		if text := string(m.View().Full().Text); !strings.Contains(text, "-far") {
			t.Errorf("the list is\n%s", text)
		}
	})
}

// What was heard while the other node did not answer is in the list of this node.
func TestAListAfterTheWaitForTheOtherNodeIsThereAtOnce(t *testing.T) {
	silent := func(_ *far, ctx context.Context, _ string) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	}
	mirroring(t, silent, func(t *testing.T, _ *scene, f *far, m *Mount) {
		if after := time.Since(f.began); after > mirrorBegin+time.Second {
			t.Errorf("there is a list after %v", after)
		}
	})
}

// A list has so many bytes at most, whatever they are called.
func TestAListOfTooManyBytesIsNotMirrored(t *testing.T) {
	data := make([]byte, maxFile)
	n := &mirror{inits: make(map[string]*hls.Init), fetch: func(context.Context, string, int64) ([]byte, error) { return data, nil }}
	for name, format := range map[string]string{
		"segments": "#EXTINF:2.00000,\n%d-far.m4s\n",
		"parts":    "#EXT-X-PART:DURATION=1.00000,URI=\"7.%d-far.m4s\"\n",
		"inits":    "#EXT-X-MAP:URI=\"init-%d.mp4\"\n#EXTINF:2.00000,\n7-far.m4s\n",
	} {
		list := func(files int) *hls.Remote {
			text := bytes.NewBufferString("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n")
			for i := range files {
				fmt.Fprintf(text, format, i)
			}
			r, err := hls.ParsePlaylist(text.Bytes())
			if err != nil {
				t.Fatal(name, err)
			}
			return r
		}
		if err := n.fill(t.Context(), list(2)); err != nil {
			t.Error(name, err)
		}
		if err := n.fill(t.Context(), list(maxMemory/maxFile+1)); !errors.Is(err, ErrNoMirror) {
			t.Errorf("too many %s: %v", name, err)
		}
	}
}

// A list of this node that is ahead of the other node's stands still until that is as far.
func TestAListAheadOfTheOtherNodeWaitsForIt(t *testing.T) {
	var lost atomic.Bool
	mirroring(t, unless(&lost), func(t *testing.T, s *scene, f *far, m *Mount) {
		eventually.Advance(10 * time.Second)
		lost.Store(true)
		eventually.Advance(10 * time.Second)
		f.first.Add(-2)
		lost.Store(false)
		last := m.View().Next
		for range 60 {
			eventually.Advance(time.Second)
			if s.m.Open(live) != m || m.View().Next < last {
				t.Fatalf("the list goes back from %d to %d", last, m.View().Next)
			}
			last = m.View().Next
		}
		if text := string(m.View().Full().Text); !strings.Contains(text, "-far") || strings.Contains(text, "DISCONTINUITY\n") {
			t.Errorf("the list is\n%s", text)
		}
	})
}
