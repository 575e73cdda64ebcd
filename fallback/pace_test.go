package fallback

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
)

func TestHoursOfSoundTakeHours(t *testing.T) {
	const frames, length = 1000, 3 * time.Hour
	stream := mp3(frames)
	p, clock := timed(t, NewPlayer([]string{write(t, t.TempDir(), "a.mp3", stream)}, Options{}))
	var heard int64
	buf := make([]byte, 16<<10)
	for clock.passed() < length {
		n, err := p.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		heard += int64(n)
		// The playing time so far, by the frames and not by the player.
		sound := time.Duration(float64(heard) / float64(len(stream)) * frames * float64(numbered.Duration))
		early := sound - clock.passed()
		if early < headStart-5*time.Millisecond && sound > time.Second || early > headStart+batch+2*numbered.Duration {
			t.Fatalf("after %v there were %v of sound", clock.passed(), sound)
		}
	}
	perRead := float64(length) / float64(clock.slept)
	if got := time.Duration(perRead); got < 50*time.Millisecond || got > 110*time.Millisecond {
		t.Errorf("it waited every %v, want every 50 ms to 110 ms", got)
	}
}

func TestSoundIsThereAtOnceAndThenNotTooEarly(t *testing.T) {
	p, clock := timed(t, NewPlayer([]string{write(t, t.TempDir(), "a.mp3", mp3(100))}, Options{}))
	buf := make([]byte, 16<<10)
	var sound time.Duration
	for clock.slept == 0 {
		sound = p.pace.position()
		if _, err := p.Read(buf); err != nil {
			t.Fatal(err)
		}
	}
	if sound < headStart || sound > headStart+batch+numbered.Duration {
		t.Errorf("%v of sound came before the first wait, want about %v", sound, headStart)
	}
}

func TestAPlayerThatWasAsleep(t *testing.T) {
	for _, c := range []struct {
		name        string
		asleep      time.Duration
		least, most time.Duration // of sound that comes at once afterwards
	}{
		{"makes up for a moment", time.Second, time.Second - 2*batch, time.Second + 2*batch},
		{"makes up for what is just not late", maxLag - 10*time.Millisecond, maxLag - 2*batch, maxLag + 2*batch},
		{"begins anew after a long time, without a flood", time.Hour, headStart, headStart + 2*batch},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, clock := timed(t, NewPlayer([]string{write(t, t.TempDir(), "a.mp3", mp3(1000))}, Options{}))
			buf := make([]byte, 16<<10)
			read := func() {
				if _, err := p.Read(buf); err != nil {
					t.Fatal(err)
				}
			}
			for clock.passed() < time.Minute {
				read()
			}
			// The head start is added, so that the delay is that of the case.
			clock.at = clock.at.Add(c.asleep)
			slept, before := clock.slept, p.pace.position()
			var sound time.Duration
			for clock.slept == slept {
				sound = p.pace.position() - before
				read()
			}
			if sound < c.least || sound > c.most {
				t.Errorf("%v of sound came at once, want %v to %v", sound, c.least, c.most)
			}
		})
	}
}

func TestCloseEndsAReadThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPlayer([]string{write(t, t.TempDir(), "a.mp3", mp3(1000))}, Options{})
		begun := time.Now()
		ended := make(chan error)
		go func() {
			_, err := io.Copy(io.Discard, p)
			ended <- err
		}()
		eventually.Advance(time.Minute) // the bubble's: the player plays, and waits again and again
		p.Close()
		if err := <-ended; err != nil {
			t.Errorf("reading ended with %v, want the end of the stream", err)
		}
		if passed := time.Since(begun); passed != time.Minute {
			t.Errorf("it ended after %v, want at once", passed)
		}
		if p.track != nil {
			t.Error("the file is still open")
		}
	})
}

func TestAClosedPlayerIsAtItsEnd(t *testing.T) {
	path := write(t, t.TempDir(), "a.mp3", mp3(10))
	buf := make([]byte, 100) // less than a frame: a rest is left
	for name, use := range map[string]func(*Player){
		"before it was read": func(*Player) {},
		"after it was opened": func(p *Player) {
			if _, err := p.Open(); err != nil {
				t.Fatal(err)
			}
		},
		"with a frame read in part": func(p *Player) {
			if _, err := p.Read(buf); err != nil {
				t.Fatal(err)
			}
		},
	} {
		p := NewPlayer([]string{path}, Options{})
		use(p)
		p.Close()
		p.Close()
		if n, err := p.Read(buf); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("%s: read %d bytes, %v; want the end", name, n, err)
		}
		if _, err := p.Open(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: opening it says %v, want the end", name, err)
		}
		if p.track != nil {
			t.Errorf("%s: the file is still open", name)
		}
	}
}

func TestCloseWhileManyReadsComeAndGo(t *testing.T) {
	path := write(t, t.TempDir(), "a.mp3", mp3(5))
	for range 50 {
		p := NewPlayer([]string{path}, Options{})
		p.pace.sleep = func(time.Duration, <-chan struct{}) {}
		ended := make(chan struct{})
		begun := make(chan struct{})
		go func() {
			defer close(ended)
			buf := make([]byte, 500)
			_, err := p.Read(buf)
			close(begun)
			for err == nil {
				_, err = p.Read(buf)
			}
		}()
		<-begun
		p.Close()
		<-ended
		if p.track != nil {
			t.Fatal("the file is still open")
		}
	}
}
