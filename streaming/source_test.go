package streaming

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming/icy"
)

func TestASilentSourceIsGoneAndAShorterTimeoutHoldsForIt(t *testing.T) {
	st, ended := newTestStation(t, mountSettings(MountSettings{SourceTimeout: time.Hour}))
	src := connect(t, st, "/m", numbered.ContentType)
	src.send(10)
	p := join(t, st, "/m", true, Client{})
	short := mountSettings(MountSettings{SourceTimeout: 50 * time.Millisecond})
	st.Apply(&short)
	if r := src.reasonOf(); r != TimedOut {
		t.Errorf("ended as %v", r)
	}
	p.readHead()
	check(t, p.readAll())
	if l := nextEnded(t, ended); l.Reason() != SourceEnded {
		t.Errorf("the listener ended as %v", l.Reason())
	}
	if m := st.Mount("/m"); m != nil {
		t.Error("the mount is still there")
	}
}

func TestASourceThatSendsNothingButGarbageIsSilent(t *testing.T) {
	st, _ := newTestStation(t, mountSettings(MountSettings{SourceTimeout: 200 * time.Millisecond}))
	src := connect(t, st, "/m", numbered.ContentType)
	src.send(10)
	eventually.True(t, patience, "the source is released", func() bool {
		_, _ = src.pipe.Write(make([]byte, 100))
		return src.Reason() != Running
	})
	if r := src.reasonOf(); r != TimedOut {
		t.Errorf("ended as %v", r)
	}
}

func TestOggAndWebMHaveNoICYMetadata(t *testing.T) {
	st, _ := newTestStation(t, Settings{})
	m := newMount(st, "/m")
	for contentType, want := range map[string]int{
		"application/ogg": 0, "audio/webm; codecs=opus": 0, "video/mp2t": 0,
		"audio/mpeg": DefaultMetadataInterval, "text/plain": DefaultMetadataInterval,
	} {
		m.goLive(contentType)
		if got := m.Interval(Client{Metadata: true}); got != want {
			t.Errorf("%s: the interval is %d, want %d", contentType, got, want)
		}
	}
}

func TestListenersWaitForASourceThatBlinks(t *testing.T) {
	for _, way := range paths {
		t.Run(way.name, func(t *testing.T) {
			st, ended := newTestStation(t, mountSettings(MountSettings{Linger: time.Hour}))
			first := connect(t, st, "/m", numbered.ContentType)
			first.send(10)
			p := join(t, st, "/m", way.plain, Client{})
			p.readHead()
			first.write([]byte{0xff, 0xfb, 0x92, 0xc4, 1, 2, 3}) // it dies within a frame
			first.end()

			late := join(t, st, "/m", way.plain, Client{}) // comes while nobody sends
			second := connect(t, st, "/m", numbered.ContentType)
			second.next = first.next
			second.send(10)
			eventually.True(t, patience, "all is delivered", func() bool { return late.Sent() > 10*(numbered.MaxFrame-1) })
			second.Stop(Removed)
			second.reasonOf()
			if c := check(t, p.readAll()); c.First != 0 || c.Last != second.next-1 {
				t.Errorf("who was there heard %d to %d", c.First, c.Last)
			}
			late.readHead()
			if c := check(t, late.readAll()); c.First != first.next || c.Last != second.next-1 {
				t.Errorf("who came in between heard %d to %d", c.First, c.Last)
			}
			nextEnded(t, ended)
			nextEnded(t, ended)
		})
	}
}

func TestNobodyIsFedATypeThatHeWasNotPromised(t *testing.T) {
	st, ended := newTestStation(t, mountSettings(MountSettings{Linger: time.Hour}))
	first := connect(t, st, "/m", numbered.ContentType)
	first.send(10)
	p := join(t, st, "/m", true, Client{})
	first.end()
	second := connect(t, st, "/m", "text/plain")
	second.write([]byte("some text"))
	p.readHead()
	if c := check(t, p.readAll()); c.Last != 9 || c.Rest() != 0 {
		t.Errorf("heard to frame %d and %d bytes of something else", c.Last, c.Rest())
	}
	if l := nextEnded(t, ended); l.Reason() != TypeChanged {
		t.Errorf("ended as %v", l.Reason())
	}
	fresh := join(t, st, "/m", true, Client{})
	fresh.readHead()
	if got := fresh.read(9); string(got) != "some text" {
		t.Errorf("a new listener gets %q", got)
	}
	if s, _ := fresh.Mount().Stream(); s.Type != "text/plain" {
		t.Errorf("promised %q", s.Type)
	}
}

func TestTakeoverIsForTheSameUserAlone(t *testing.T) {
	user := func(name string) func(*Source) { return func(s *Source) { s.User = name } }
	st, _ := newTestStation(t, mountSettings(MountSettings{Takeover: true})) // without linger, too
	old := connect(t, st, "/m", numbered.ContentType, user("dj"))
	old.send(10)
	p := join(t, st, "/m", true, Client{})
	if err := st.NewSource("/m", &Source{User: "other"}, Info{}, func() {}); !errors.Is(err, ErrMountInUse) {
		t.Errorf("another user: %v", err)
	}
	fresh := connect(t, st, "/m", numbered.ContentType, user("dj"))
	if r := old.reasonOf(); r != Replaced {
		t.Errorf("the old source ended as %v", r)
	}
	fresh.next = old.next
	fresh.send(10)
	p.readHead()
	if c := check(t, p.read(20*(numbered.MaxFrame-1))); c.First != 0 {
		t.Errorf("heard from %d", c.First)
	}
}

// Its new connection may be there before the end of the old one is noticed.
func TestAnEncoderThatReconnectsWaitsForItsOldConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, _ := newTestStation(t, Settings{})
		old := connect(t, st, "/m", numbered.ContentType)
		old.send(10)
		time.AfterFunc(endingTime/2, func() { old.end() })
		connect(t, st, "/m", numbered.ContentType).send(1)
		asked := time.Now()
		if err := st.NewSource("/m", new(Source), Info{}, func() {}); !errors.Is(err, ErrMountInUse) || time.Since(asked) != endingTime {
			t.Errorf("%v after %v; want %v after %v", err, time.Since(asked), ErrMountInUse, endingTime)
		}
	})
}

func TestTitlesComeWithTheSoundTheyBelongTo(t *testing.T) {
	for _, way := range paths {
		t.Run(way.name, func(t *testing.T) {
			st, _ := newTestStation(t, mountSettings(MountSettings{MetadataInterval: 1000}))
			src := connect(t, st, "/m", numbered.ContentType)
			src.send(2)
			m := st.Mount("/m")
			if !m.SetMetadata("", "early", "") || m.SetMetadata("", "early", "") {
				t.Error("a title is news once")
			}
			src.send(10)
			p := join(t, st, "/m", way.plain, Client{Metadata: true}) // its burst has no title at first
			p.readHead()
			var titles []string
			var audio []byte
			for i := range 12 {
				audio = append(audio, p.read(1000)...)
				if size := 16 * int(p.read(1)[0]); size > 0 {
					titles = append(titles, string(bytes.TrimRight(p.read(size), "\x00")))
				}
				if i == 2 {
					m.SetMetadata("Late", "Riser", "")
				}
				src.send(3)
			}
			check(t, audio)
			want := []string{"StreamTitle='early';", "StreamTitle='Late - Riser';"}
			if fmt.Sprint(titles) != fmt.Sprint(want) {
				t.Errorf("told %q, want %q", titles, want)
			}
		})
	}
}

func TestSourcesMayBringTheirTitlesAlong(t *testing.T) {
	st, _ := newTestStation(t, Settings{})
	src := connect(t, st, "/m", numbered.ContentType, func(s *Source) { s.Interval = 1000 })
	var audio []byte
	for n := range uint64(20) {
		audio = numbered.AppendFrame(audio, n, time.Now())
	}
	block := icy.Block("in the stream", "")
	for i := 0; i+1000 <= len(audio); i += 1000 {
		src.write(audio[i : i+1000])
		src.write(block)
		block = []byte{0}
	}
	p := join(t, st, "/m", true, Client{})
	p.readHead()
	src.end()
	if c := check(t, p.readAll()); c.First != 0 || c.Frames < 18 {
		t.Errorf("heard %d frames from %d on", c.Frames, c.First)
	}
	if got := p.Mount().Status().Metadata.Song(); got != "in the stream" {
		t.Errorf("the title is %q", got)
	}
}

func TestTheTitleModeDecidesHowTitlesReachListeners(t *testing.T) {
	for _, c := range []struct {
		mode        TitleMode
		mp3, ogg    int
		isInTheOggs bool
	}{
		{TitlesInChain, DefaultMetadataInterval, 0, true},
		{TitlesInICY, DefaultMetadataInterval, DefaultMetadataInterval, false},
		{TitlesOff, 0, 0, false},
	} {
		st, _ := newTestStation(t, mountSettings(MountSettings{Titles: c.mode}))
		src := connect(t, st, "/m", "audio/mpeg")
		src.send(someFrames)
		m := st.Await(t.Context(), "/m")
		asks := Client{Metadata: true}
		if mp3, ogg := m.interval("audio/mpeg", asks), m.interval("audio/ogg", asks); mp3 != c.mp3 || ogg != c.ogg || m.interval("audio/ogg", Client{}) != 0 {
			t.Errorf("mode %d: metadata every %d bytes of MP3 and %d of Ogg, want %d and %d", c.mode, mp3, ogg, c.mp3, c.ogg)
		}
		m.SetMetadata("", "title", "")
		if got := m.Source().retitle.Load() != nil; got != c.isInTheOggs {
			t.Errorf("mode %d: the stream is begun anew: %v, want %v", c.mode, got, c.isInTheOggs)
		}
		if m.Status().Metadata.Title != "title" {
			t.Errorf("mode %d: the status lacks the title", c.mode)
		}
		src.end()
	}
}
