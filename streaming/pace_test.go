package streaming

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
)

// paced is a source in virtual time, with a listener that takes all it gets.
func paced(t *testing.T, settings MountSettings, listens bool, then func(src *encoder, l *Listener, n *notices)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		st := NewStation(func(*Listener) {}, func(FeedChange) {})
		n := new(notices)
		st.Notify(n.add)
		s := mountSettings(settings)
		st.Apply(&s)
		src := connect(t, st, "/m", numbered.ContentType)
		src.send(someFrames)
		m := st.Await(t.Context(), "/m")
		var l *Listener
		if listens {
			var err error
			if l, err = m.Admit(Client{}); err != nil {
				t.Fatal(err)
			}
			l.Go(newMemoryConn(nil), nil)
		}
		then(src, l, n)
		if err := st.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestASourceFasterThanRealTimeKeepsItsListeners(t *testing.T) {
	const frames = 13000 // 5.4 MB
	sound := frames * 1152 * time.Second / 44100
	paced(t, MountSettings{SourceTimeout: 50 * time.Millisecond}, true, func(src *encoder, l *Listener, n *notices) {
		began := time.Now()
		src.send(frames)
		src.settle()
		free := DefaultQueue / 2 * 8 * time.Second / 128000
		if took := time.Since(began); took < (sound-2*free)/paceFactor || took > sound/paceFactor+time.Second {
			t.Errorf("%v of sound are read in %v, want about an eighth", sound, took)
		}
		if l.Reason() != Running || src.Reason() != Running {
			t.Errorf("the listener is %v, the source is %v", l.Reason(), src.Reason())
		}
		n.want(t, "connected /m", "added /m", "too fast /m")
		began = time.Now()
		go func() { _, _ = src.pipe.Write(make([]byte, 1<<20)) }()
		synctest.Wait()
		src.Stop(Removed) // while it waits
		if r := src.reasonOf(); r != Removed || time.Since(began) > 0 {
			t.Errorf("it ended as %v after %v", r, time.Since(began))
		}
	})
}

func TestABurstIsNotSlowed(t *testing.T) {
	paced(t, MountSettings{}, true, func(src *encoder, _ *Listener, n *notices) {
		began := time.Now()
		src.send(DefaultQueue/2/418 - 2*someFrames)
		src.settle()
		if took := time.Since(began); took > 0 {
			t.Errorf("a burst of half the queue takes %v", took)
		}
		for range 20 { // in real time, after a break too
			eventually.Advance(time.Second)
			src.send(38)
			src.settle()
		}
		eventually.Advance(5 * time.Second)
		began = time.Now()
		src.send(5 * 38)
		src.settle()
		if took := time.Since(began); took > 0 {
			t.Errorf("what was held back takes %v", took)
		}
		n.want(t, "connected /m", "added /m")
	})
}

func TestASourceWithoutListenersIsNotSlowed(t *testing.T) {
	paced(t, MountSettings{}, false, func(src *encoder, _ *Listener, n *notices) {
		began := time.Now()
		src.send(13000)
		src.settle()
		if took := time.Since(began); took > 0 {
			t.Errorf("it takes %v", took)
		}
		n.want(t, "connected /m")
	})
}

// A format that does not tell how long it sounds may be a video of many Mbit/s.
func TestAStreamOfUnknownDurationIsPacedByItsQueue(t *testing.T) {
	var p pace
	now, waited := time.Now(), time.Duration(0)
	for range 1000 {
		p.note(1<<10, 0)
		wait := p.spend(1<<10, 64<<10, now)
		waited += wait
		now = now.Add(wait)
	}
	if want := (1000 - 32) * time.Second / (paceQueues * 64); waited < want-time.Millisecond || waited > want+time.Millisecond {
		t.Errorf("1000 KiB wait for %v, want %v", waited, want)
	}
}

func TestTheBitrateOfAPaceFollowsTheStream(t *testing.T) {
	var p pace
	for _, kbps := range []int{128, 320, 64} {
		for range 2000 {
			p.note(kbps*125/10, time.Second/10)
		}
		if got, want := p.rate(1<<20), float64(paceFactor*125*kbps); got < 0.99*want || got > 1.01*want {
			t.Errorf("at %d kbit/s: %.0f bytes a second, want %.0f", kbps, got, want)
		}
	}
}
