package streaming

import (
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
)

// Sources that the older process ends for itself, such as relays, leave nothing to wait for.
func TestAHandoverWaitsForNoSourceThatHasEnded(t *testing.T) {
	old, _ := newTestStation(t, Settings{})
	next, _ := newTestStation(t, Settings{})
	relayed, kept := connect(t, old, "/relayed.mp3", "audio/mpeg", fromUpstream), connect(t, old, "/kept.mp3", "audio/mpeg", fromUpstream)
	for _, e := range []*encoder{relayed, kept} {
		e.send(50)
		e.settle()
	}
	h, err := old.Hold(unixPair)
	if err != nil {
		t.Fatal(err)
	}
	relayed.Stop(ShuttingDown)
	relayed.reasonOf()
	a := adoptMounts(t, h, next)
	h.Commit()
	a.Finish()
	kept.end()
	h.Wait()
	if !next.Offers("/relayed.mp3") {
		t.Error("the other process does not wait for the relay")
	}
}

// A source that ends in the moment of a handover keeps neither process waiting, and its mount is free.
func TestASourceEndsWhileItsStationIsHandedOver(t *testing.T) {
	linger := mountSettings(MountSettings{Linger: time.Hour})
	old, _ := newTestStation(t, linger)
	next, _ := newTestStation(t, linger)
	gone := make(chan struct{})
	old.Notify(func(n Notice) {
		if n.Kind == SourceDisconnected {
			close(gone)
		}
	})
	e := connect(t, old, "/live.mp3", "audio/mpeg")
	e.send(50)
	e.settle()
	held := make(chan *Handover)
	old.mu.RLock()
	go func() {
		h, _ := old.Hold(unixPair)
		held <- h
	}()
	eventually.True(t, patience, "the handover waits", func() bool {
		if old.mu.TryRLock() {
			old.mu.RUnlock()
			return false
		}
		return true
	})
	_ = e.pipe.Close()
	<-gone // all but the end of its mount
	old.mu.RUnlock()
	h := <-held
	a := adoptMounts(t, h, next)
	h.Commit()
	a.Finish()
	over := make(chan struct{})
	go func() {
		h.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-time.After(patience):
		t.Error("the older process waits for a source that has ended")
	}
	again := connect(t, next, "/live.mp3", "audio/mpeg")
	again.send(50)
	again.end()
}

// An encoder that has sent nothing yet is told to come again: nobody would hear it.
func TestAnEncoderThatHasSentNothingEndsWithAHandover(t *testing.T) {
	old, _ := newTestStation(t, mountSettings(MountSettings{Linger: time.Hour}))
	next, _ := newTestStation(t, Settings{})
	waited := connect(t, old, "/waited.mp3", "audio/mpeg")
	waited.send(50)
	waited.end()
	silent := []*encoder{connect(t, old, "/waited.mp3", "audio/mpeg"), connect(t, old, "/new.mp3", "audio/mpeg")}
	h, err := old.Hold(unixPair)
	if err != nil {
		t.Fatal(err)
	}
	h.Release()
	for _, e := range silent {
		if r := e.Reason(); r != Running {
			t.Errorf("it ends as %v, though nothing was handed over", r)
		}
	}
	h = handOver(t, old, next)
	for _, e := range silent {
		e.reasonOf()
	}
	h.Wait()
}

// Listeners who wait for their source wait on in the other process, also when the source has connected and
// sent nothing yet.
func TestListenersWaitForTheirSourceInTheOtherProcess(t *testing.T) {
	for name, silent := range map[string]bool{"no source": false, "a source that has sent nothing": true} {
		t.Run(name, func(t *testing.T) {
			linger := mountSettings(MountSettings{Linger: time.Hour})
			old, _ := newTestStation(t, linger)
			next, _ := newTestStation(t, linger)
			e := connect(t, old, "/live.mp3", "audio/mpeg")
			e.send(50)
			e.settle()
			p := join(t, old, "/live.mp3", true, Client{})
			p.readHead()
			heard := p.readAside()
			e.end()
			if silent {
				connect(t, old, "/live.mp3", "audio/mpeg")
			}
			handOver(t, old, next).Wait()
			if !next.Offers("/live.mp3") {
				t.Error("the other process does not wait")
			}
			again := connect(t, next, "/live.mp3", "audio/mpeg")
			again.next = e.next
			again.send(20)
			again.settle()
			next.Mount("/live.mp3").source.Stop(Removed) // which ends the listeners
			if c := check(t, <-heard); c.Last != again.next-1 {
				t.Errorf("heard %d to %d; want to %d", c.First, c.Last, again.next-1)
			}
		})
	}
}
