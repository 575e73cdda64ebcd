package origin

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/blocklog"
	"github.com/caddycast/caddycast/streaming/hls"
)

// The laws of a list, as a player sees them that polls each second for ten minutes: what is heard
// is what was sent, to the byte.
func TestAListKeepsTheLawsForTenMinutes(t *testing.T) {
	play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
		e := s.source(live, numbered.ContentType, nil)
		m, id := s.begin()
		var heard []*hls.Segment
		gone := make(map[string]time.Time)
		for range 600 {
			eventually.Advance(time.Second)
			page := s.poll(m, id)
			for _, next := range page.Segments {
				if len(heard) == 0 || next.Sequence > heard[len(heard)-1].Sequence {
					if n := len(heard); n > 0 {
						last := heard[n-1]
						after := last.Time.Add(time.Duration(last.Seconds() * float64(time.Second)))
						if next.Sequence != last.Sequence+1 || next.Discontinuity || next.Time.Sub(after).Abs() > time.Millisecond {
							t.Fatalf("after %d at %v comes %d at %v", last.Sequence, last.Time, next.Sequence, next.Time)
						}
					}
					if late := time.Since(next.Time) - 7*time.Second; len(heard) >= leastSegments && (late > 600*time.Millisecond || late < -2*time.Second) {
						t.Fatalf("segment %d of %v appears at %v", next.Sequence, next.Time, time.Now())
					}
					heard = append(heard, next)
				}
			}
			if !bytes.Contains(page.Full().Text, []byte("#EXT-X-TARGETDURATION:6\n")) {
				t.Fatalf("%s", page.Full().Text)
			}
			for _, h := range heard {
				if listed := bytes.Contains(page.Full().Text, []byte(h.Name)); !listed && gone[h.Name].IsZero() {
					gone[h.Name] = time.Now()
				}
				at := gone[h.Name]
				if loads := m.File(h.Name) != nil; !loads && (at.IsZero() || time.Since(at) < 64*time.Second) || loads && !at.IsZero() && time.Since(at) > 80*time.Second {
					t.Fatalf("%s left the list at %v; it loads at %v: %v", h.Name, at, time.Now(), loads)
				}
			}
		}
		if n := len(heard); n < 100 || n > 103 {
			t.Errorf("%d segments in ten minutes", n)
		}
		e.end()
		if got := sound(heard); !bytes.Contains(e.sent.Bytes(), got) {
			t.Errorf("the %d bytes that were heard are no piece of the %d that were sent", len(got), e.sent.Len())
		}
	})
}

// A pause while the source is waited for is in the times, and is no discontinuity.
func TestAPauseIsTold(t *testing.T) {
	play(t, streaming.MountSettings{Linger: time.Minute}, func(t *testing.T, s *scene) {
		e := s.source(live, numbered.ContentType, nil)
		m, id := s.begin()
		wait := func() {
			for range 30 {
				eventually.Advance(time.Second)
				s.poll(m, id)
			}
		}
		wait()
		e.end()
		wait()
		before := s.poll(m, id).Segments
		e = s.source(live, numbered.ContentType, nil)
		wait()
		after := s.poll(m, id).Segments
		var jumps []time.Duration
		for i, next := range after[1:] {
			last := after[i]
			if next.Discontinuity || next.Sequence != last.Sequence+1 {
				t.Errorf("segment %d is marked", next.Sequence)
			}
			if jump := next.Time.Sub(last.Time.Add(time.Duration(last.Seconds() * float64(time.Second)))); jump > time.Second {
				jumps = append(jumps, jump.Round(time.Second))
			}
		}
		if len(jumps) != 1 || jumps[0] < 29*time.Second || jumps[0] > 32*time.Second || len(after) <= len(before) {
			t.Errorf("the time jumps by %v", jumps)
		}
		if n := len(s.ended()); n > 0 {
			t.Errorf("%d listeners have ended", n)
		}
		e.end()
	})
}

// A list that nothing comes for stands still, is ended after a minute, and is followed by
// another one that is further on.
func TestAListIsEndedWhenNothingComes(t *testing.T) {
	play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
		e := s.source(live, numbered.ContentType, nil)
		m, id := s.begin()
		eventually.Advance(20 * time.Second)
		e.end()
		for range 59 {
			eventually.Advance(time.Second)
			if page := s.poll(m, id); page.Ended {
				t.Fatal("the list is ended too early")
			}
		}
		eventually.Advance(5 * time.Second)
		page := s.poll(m, id)
		if !page.Ended {
			t.Fatal("the list is not ended")
		}
		if n := s.st.Listeners(); n != 0 || len(s.ended()) != 1 || s.ended()[0].Reason() != streaming.SourceEnded {
			t.Errorf("%d listeners, and %d have ended", n, len(s.ended()))
		}
		last := page.Segments[len(page.Segments)-1]
		e = s.source(live, numbered.ContentType, nil)
		next := s.await().View()
		if next.first <= last.Sequence+1 || m.File(last.Name) == nil {
			t.Errorf("after %d a list begins with %d; the old segment is there: %v", last.Sequence, next.first, m.File(last.Name) != nil)
		}
		if old := s.poll(m, id); !old.Ended {
			t.Error("a player of the old list gets the new one")
		}
		e.end()
	})
}

// adts appends a silent frame of AAC.
func adts(b []byte, _ uint64) []byte {
	return append(b, 0xff, 0xf1, 0x50, 0x80, 0x01, 0xbf, 0xfc, 0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c)
}

// Another codec ends the list: no player can go on with it.
func TestAnotherCodecEndsTheList(t *testing.T) {
	play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
		e := s.source(live, numbered.ContentType, nil)
		m, id := s.begin()
		eventually.Advance(20 * time.Second)
		e.end()
		e = s.source(live, "audio/aac", adts)
		for range 30 {
			eventually.Advance(time.Second)
			_ = s.poll(m, id)
		}
		v := m.View()
		if page := s.poll(m, id); !page.Ended || v.Ended || !strings.HasSuffix(v.Segments[0].Name, ".aac") {
			t.Errorf("a player of MP3 sees an end: %v; others %s", page.Ended, v.Segments[0].Name)
		}
		e.end()
	})
}

// What has no carrier is an error, until something else comes.
func TestStreamsWithoutACarrierAreAnError(t *testing.T) {
	play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
		layer2 := func(b []byte, _ uint64) []byte {
			return append(b, append([]byte{0xff, 0xfd, 0x10, 0xc4}, make([]byte, 100)...)...)
		}
		e := s.source(live, numbered.ContentType, layer2)
		eventually.Advance(time.Second)
		_, err := s.m.Open(live).Await(t.Context(), false)
		var unsupported *UnsupportedError
		if !errors.As(err, &unsupported) || unsupported.Codec != "MPEG audio layer 2" {
			t.Errorf("the error is %v", err)
		}
		e.end()
		e = s.source(live, numbered.ContentType, nil)
		eventually.Advance(failureTime + time.Second)
		s.await()
		e.end()
	})
}

// A mount that nobody asks for is not served, and holds nothing of the station.
func TestAMountThatNobodyAsksForIsNotServed(t *testing.T) {
	play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
		e := s.source(live, numbered.ContentType, nil)
		m, id := s.begin()
		for range 10 {
			eventually.Advance(6 * time.Second)
			s.poll(m, id)
		}
		eventually.Advance(100 * time.Second)
		if s.m.Mount(live) == nil {
			t.Error("it is not served any more")
		}
		eventually.Advance(30 * time.Second)
		if s.m.Mount(live) != nil {
			t.Error("it is still served")
		}
		before := m.View().Segments
		again := s.await().View()
		if again.first <= before[len(before)-1].Sequence {
			t.Error("the next list goes back")
		}
		e.end()
	})
}

// Other options: a list of another length goes on, segments of another length are another list.
func TestOtherOptions(t *testing.T) {
	play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
		e := s.source(live, numbered.ContentType, nil)
		m, id := s.begin()
		first := m.View().first
		wait := func(seconds int) {
			for range seconds {
				eventually.Advance(time.Second)
				if page := s.poll(m, id); page.Ended {
					t.Error("a player sees an end")
				}
			}
		}
		wait(60)
		s.m.Apply(func(string) *Options { return &Options{Segment: 6 * time.Second, Listed: 3} })
		wait(10)
		if v := m.View(); v.first != first || bytes.Count(v.Full().Text, []byte("#EXTINF")) != 3 {
			t.Errorf("a list of three segments:\n%s", v.Full().Text)
		}
		s.m.Apply(func(string) *Options { return &Options{Segment: 2 * time.Second, Listed: 3} })
		wait(10)
		if v := m.View(); v.first == first || !bytes.Contains(v.Full().Text, fmt.Appendf(nil, "#EXT-X-MEDIA-SEQUENCE:%d\n", v.Segments[len(v.Segments)-3].Sequence)) {
			t.Errorf("segments of two seconds:\n%s", v.Full().Text)
		}
		if s.st.Listeners() != 1 || len(s.ended()) > 0 {
			t.Error("the player has not gone on")
		}
		s.m.Apply(func(string) *Options { return nil })
		eventually.Advance(time.Second)
		if _, err := m.Poll(id, false); err == nil || s.m.Mount(live) != nil || s.m.Open(live) != nil {
			t.Error("a mount without HLS is still served")
		}
		e.end()
	})
}

// A list begins with the burst of the stream, so the first player waits for less than the sound
// that it is given.
func TestTheFirstPlayerWaitsForNineSecondsLessTheBurst(t *testing.T) {
	play(t, streaming.MountSettings{Burst: blocklog.Burst{Time: 5 * time.Second}}, func(t *testing.T, s *scene) {
		e := s.source(live, numbered.ContentType, nil)
		eventually.Advance(20 * time.Second)
		began := time.Now()
		page := s.await().View()
		if d := time.Since(began); d > 5*time.Second || len(page.Segments) != leastSegments {
			t.Errorf("%d segments after %v", len(page.Segments), d)
		}
		e.end()
	})
}

// Another length of segments, or of parts, is another list, and what sounded in the last segment of the one before
// is heard all the same.
func TestAnotherListLeavesNothingOut(t *testing.T) {
	play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
		e := s.source(live, numbered.ContentType, nil)
		m, id := s.begin()
		var heard []byte
		var last uint64
		listen := func() {
			for range 40 {
				for _, segment := range s.poll(m, id).Segments {
					if segment.Sequence > last {
						last = segment.Sequence
						heard = append(heard, sound([]*hls.Segment{segment})...)
					}
				}
				eventually.Advance(900 * time.Millisecond)
			}
		}
		listen()
		for _, o := range []Options{{Segment: 4 * time.Second, Listed: 10}, {Segment: 6 * time.Second, Listed: 5}, {Segment: 6 * time.Second, Listed: 5, Part: time.Second}} {
			s.options = &o
			s.m.Apply(func(string) *Options { return &o })
			listen()
		}
		e.end()
		if !bytes.Contains(e.sent.Bytes(), heard) {
			t.Errorf("%d bytes were heard that were not sent in that order", len(heard))
		}
		if want := 4 * 35 * 16000; len(heard) < want*9/10 {
			t.Errorf("%d bytes were heard of more than %d", len(heard), want)
		}
	})
}
