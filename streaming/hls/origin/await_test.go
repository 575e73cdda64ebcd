package origin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/hls"
)

// inParts plays a scene of a mount with parts of a second, until it has a list.
func inParts(t *testing.T, settings streaming.MountSettings, run func(*testing.T, *scene, *encoder, *Mount)) {
	play(t, settings, func(t *testing.T, s *scene) {
		s.options.Part = time.Second
		e := s.source(live, "audio/aac", paced)
		run(t, s, e, s.await())
	})
}

// paced appends the frames of AAC that sound as long as the numbered ones of MP3 do.
func paced(b []byte, n uint64) []byte {
	for range (n+1)*1152/1024 - n*1152/1024 {
		b = adts(b, n)
	}
	return b
}

// Each part is there a moment after it has sounded, by its number and by the name that was told.
func TestPartsAreAwaited(t *testing.T) {
	inParts(t, streaming.MountSettings{}, func(t *testing.T, _ *scene, e *encoder, m *Mount) {
		defer e.end()
		eventually.Advance(5 * time.Second)
		for range 50 {
			page := m.View().Page
			number, part := page.Next, 0
			for page.Has(number, part) {
				part++
			}
			named := make(chan *hls.File, 1)
			go func() { named <- m.AwaitFile(t.Context(), page.Hint) }()
			if err := m.AwaitUpdate(t.Context(), false, number, part); err != nil {
				t.Fatal(err)
			}
			file := <-named
			if file == nil || len(file.Data) == 0 || !m.View().Has(number, part) || m.View().Hint == page.Hint {
				t.Fatalf("part %d of %d, %s: %v", part, number, page.Hint, file)
			}
			end := partEnd(m.View(), number, part)
			if late := time.Since(end); late > 300*time.Millisecond || late < -300*time.Millisecond {
				t.Fatalf("part %d of %d, which ended at %v, is there at %v", part, number, end, time.Now())
			}
		}
	})
}

// partEnd returns when a part of a segment had sounded.
func partEnd(v *View, sequence uint64, part int) time.Time {
	s := v.Segment(sequence)
	end := s.Time
	for _, p := range s.Parts[:part+1] {
		end = end.Add(time.Duration(p.Samples) * time.Second / time.Duration(s.Rate))
	}
	return end
}

// Who waits for any of some mounts goes on with the next view of one of them, and when it hangs up.
func TestTheNextViewOfSomeMountsIsAwaited(t *testing.T) {
	play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
		e := s.source(live, "audio/mpeg", nil)
		defer e.end()
		m, silent := s.await(), s.m.Open("/silent")
		before := m.View()
		changes := NewChanges(t.Context())
		changes.Of(silent)
		changes.Of(m)
		changes.Await()
		if m.View() == before {
			t.Error("nothing has changed")
		}
		ctx, cancel := context.WithCancel(t.Context())
		changes = NewChanges(ctx)
		changes.Of(silent)
		cancel()
		changes.Await()
	})
}

// Who waits is answered when the list ends, when the source stays away for too long, and when it
// hangs up; and does not wait for what is too far ahead.
func TestWaitsEnd(t *testing.T) {
	settings := streaming.MountSettings{Linger: time.Minute}
	inParts(t, settings, func(t *testing.T, s *scene, e *encoder, m *Mount) {
		next := m.View().Next
		if err := m.AwaitUpdate(t.Context(), false, next+2, -1); !errors.Is(err, ErrTooFar) {
			t.Errorf("a segment too far ahead: %v", err)
		}
		if m.AwaitFile(t.Context(), "1.0-000000000000.aac") != nil {
			t.Error("a file that is never there")
		}
		ctx, cancel := context.WithCancel(t.Context())
		answered := make(chan error, 400)
		for range 200 {
			go func() { answered <- m.AwaitUpdate(ctx, false, next+1, 0) }()
			go func() {
				m.AwaitFile(ctx, m.View().Hint)
				answered <- nil
			}()
		}
		e.end()
		eventually.Advance(20 * time.Second)
		waiting := 400 - len(answered)
		cancel()
		synctest.Wait()
		if len(answered) != 400 || waiting < 200 {
			t.Errorf("%d of 400 were answered, %d before they hung up", len(answered), 400-waiting)
		}
		begun := time.Now()
		if err := m.AwaitUpdate(t.Context(), false, m.View().Next, 99); !errors.Is(err, ErrTooFar) {
			t.Errorf("a part too far ahead: %v", err)
		}
		if err := m.AwaitUpdate(t.Context(), false, m.View().Next, -1); err != nil || !m.View().Ended || time.Since(begun) > 3*time.Minute {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
}

// A long list has segments only, and other parts begin another list.
func TestPartsAreOfTheShortListOnly(t *testing.T) {
	play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
		s.options.Part, s.options.Rewind = time.Second, time.Hour
		defer s.source(live, "audio/aac", paced).end()
		m := s.await()
		eventually.Advance(30 * time.Second)
		long := m.see(true)
		for _, segment := range long.Segments {
			if segment.Parts != nil || long.Hint != "" {
				t.Errorf("segment %d of the long list has parts", segment.Sequence)
			}
		}
		next := long.Next
		if err := m.AwaitUpdate(t.Context(), true, next, -1); err != nil || m.see(true).Next != next+1 {
			t.Errorf("the long list was awaited: %v", err)
		}
		before := m.View().first
		other := *s.options
		other.Part = 2 * time.Second
		s.m.Apply(func(string) *Options { return &other })
		eventually.Advance(30 * time.Second)
		if v := m.View(); v.first == before || v.Ended {
			t.Error("parts of another length are in the same list")
		}
	})
}

// A list with parts tells how far the other mounts of its group are.
func TestListsTellHowFarTheOthersAre(t *testing.T) {
	play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
		s.options.Part, s.options.Others = time.Second, "/shows/ö.aac\n/not there.aac\n"
		for _, path := range []string{live, "/shows/ö.aac"} {
			defer s.source(path, "audio/aac", paced).end()
		}
		m, other := s.await(), s.m.Open("/shows/ö.aac")
		if _, err := other.Await(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			number, part := m.View().Next, 0
			for m.View().Has(number, part) {
				part++
			}
			if err := m.AwaitUpdate(t.Context(), false, number, part); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			far := other.View().Rendition("../shows/%C3%B6.aac.hls/index.m3u8")
			want := fmt.Sprintf("#EXT-X-RENDITION-REPORT:URI=\"%s\",LAST-MSN=%d,LAST-PART=%d\n", far.URI, far.Sequence, far.Part)
			if text := string(m.View().Full().Text); !strings.HasSuffix(text, want) || strings.Count(text, "RENDITION") != 1 {
				t.Fatalf("no %s in\n%s", want, text)
			}
		}
	})
}
