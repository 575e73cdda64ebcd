package streaming

import (
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming/blocklog"
)

// introOf makes an intro of numbered frames.
func introOf(t *testing.T, from, to uint64) *blocklog.Intro {
	t.Helper()
	var sound []byte
	for n := from; n < to; n++ {
		sound = numbered.AppendFrame(sound, n, time.Now())
	}
	i, err := blocklog.NewIntro(numbered.ContentType, sound)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestListenersHearTheIntroAsFastAsItSoundsThenTheBurst(t *testing.T) {
	const frames = 150 // 3.9 s
	intro := introOf(t, 0, frames)
	settings := mountSettings(MountSettings{Burst: blocklog.Burst{Bytes: 1 << 20}, Intro: func(string) *blocklog.Intro { return intro }})
	settings.Latency = 50 * time.Millisecond
	st, _ := newTestStation(t, settings)
	e := connect(t, st, "/m", numbered.ContentType)
	e.next = frames
	e.send(100)
	type heard struct {
		stream []byte
		lasted time.Duration
	}
	ends := make(chan heard, 3)
	for i, c := range []Client{{}, {}, {Relay: true}} {
		p := join(t, st, "/m", i == 0, c)
		p.readHead()
		go func() {
			stream := p.read((frames + 100) * (numbered.MaxFrame - 1) * 9 / 10)
			ends <- heard{stream, time.Since(p.Since)}
			_ = p.Close()
		}()
		if c.Relay { // nobody passes an intro on
			e.send(300)
		}
	}
	for range 3 {
		h := <-ends
		var c numbered.Checker
		_, err := c.Write(h.stream)
		switch {
		case err != nil:
			t.Error(err)
		case c.First == frames:
		case c.First != 0:
			t.Errorf("it begins with frame %d", c.First)
		case h.lasted < intro.Duration()-introAhead-settings.Latency-time.Millisecond:
			t.Errorf("an intro of %v and the burst come within %v", intro.Duration(), h.lasted)
		}
	}
}

func TestAnIntroOfAnotherTypeIsLeftOut(t *testing.T) {
	intro := introOf(t, 0, 10)
	m := MountSettings{Intro: func(string) *blocklog.Intro { return intro }}
	if m.intro(Client{}, "audio/aac") != nil || m.intro(Client{Slave: true}, "audio/mpeg") != nil {
		t.Error("somebody gets it who should not")
	}
	if m.intro(Client{}, "audio/mpeg") != intro {
		t.Error("nobody gets it")
	}
}

func TestWhatIsNoIntro(t *testing.T) {
	for name, sound := range map[string][]byte{"nothing": nil, "garbage": make([]byte, 10000), "too much": make([]byte, blocklog.MaxIntro+1)} {
		if _, err := blocklog.NewIntro(numbered.ContentType, sound); err == nil {
			t.Errorf("%s is an intro", name)
		}
	}
}

// A listener that stops reading within the intro is ended, and one that waits is not.
func TestWhoIsStuckInTheIntroIsDropped(t *testing.T) {
	intro := introOf(t, 0, 100)
	now := time.Now()
	after := blocklog.NewFeed(blocklog.New(), nil)
	c := intro.Before(after, 0)
	v := batch{now: now, feed: after, queue: 1}
	late := intro.Duration() + introPatience
	if v.tooSlow(c.Feed(), 0, now.Add(-late)) || !v.tooSlow(c.Feed(), 0, now.Add(-late-1)) {
		t.Error("it is dropped too early, or too late")
	}
}
