package cluster

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// limitOfSigns is a limit for what takes a few seconds on a machine that is not busy.
const limitOfSigns = 20 * time.Second

// newPair starts a master that sends its listeners to a slave, and the slave.
func newPair(t *testing.T) (master, edge *node, live *clockedEncoder) {
	t.Helper()
	master = newNode(t, "role master {\n redirect balance\n}")
	live = encodeTo(t, "/live.mp3", master.Plain)
	address := harness.FreeAddress(t)
	edge = &node{harness.Restartable{
		Server: &harness.Server{T: t, Plain: address, AdminAddress: harness.FreeAddress(t)}, Home: t.TempDir(),
	}}
	edge.configure(slaveSettings("http://"+address, master))
	edge.Start()
	edge.WaitForMount("/live.mp3")
	master.waitToSend("/live.mp3")
	return master, edge, live
}

// A slave that ends has signed off before its listeners go: they come back to the master, which
// sends them anywhere else. The last report has a second, so a busy machine may be too slow for
// it: one of some attempts is enough.
func TestASlaveSignsOffBeforeItsListenersGo(t *testing.T) {
	master, edge, _ := newPair(t)
	for attempt := range 5 {
		l := listenCounting(edge.Server, "/live.mp3")
		edge.Signal(syscall.SIGTERM)
		<-l.ended
		sent := master.sends("/live.mp3")
		edge.Wait()
		if !sent {
			return
		}
		t.Logf("attempt %d: the listener went before the master had the last report", attempt)
		edge.Start()
		edge.WaitForMount("/live.mp3")
		master.waitToSend("/live.mp3")
	}
	t.Error("the master sends listeners to a slave that has ended")
}

// A slave that says nothing any more gets no listeners, until it is back.
func TestASilentSlaveIsNoTarget(t *testing.T) {
	master, edge, _ := newPair(t)
	edge.stop()
	began := time.Now()
	err := harness.AwaitWithin(limitOfSigns, func() error {
		if master.sends("/live.mp3") {
			return errors.New("it is sent listeners")
		}
		return nil
	})
	t.Logf("the slave was no target after %v", time.Since(began).Round(100*time.Millisecond))
	if err != nil {
		t.Errorf("a slave that has been silent for %v: %v", limitOfSigns, err)
	}
	edge.resume()
	began = time.Now()
	master.waitToSend("/live.mp3")
	t.Logf("it was one again %v later", time.Since(began).Round(100*time.Millisecond))
}

// When the master that plays falls silent, a listener soon hears the other one.
func TestASilentMasterIsReplacedByTheOther(t *testing.T) {
	first, second := newNode(t, ""), newNode(t, "")
	encodeTo(t, "/live.mp3", first.Plain, second.Plain)
	edge := newNode(t, slaveSettings("", first, second))
	edge.WaitForMount("/live.mp3")
	l := listenCounting(edge.Server, "/live.mp3")
	l.waitForFrames("at first", 200) // a stream that lasts is trusted
	playing := first
	if edge.APIList("relays")[0]["upstream"] == "http://"+second.Plain+"/live.mp3" {
		playing = second
	}
	l.longest.Store(0)
	playing.stop()
	defer playing.resume()
	l.waitForFrames("without one", 300)
	if silence := time.Duration(l.longest.Load()); silence > limitOfSigns {
		t.Errorf("the listener heard nothing for %v", silence)
	} else {
		t.Logf("the listener heard nothing for %v, and has lost %d frames", silence.Round(100*time.Millisecond), l.missing.Load())
	}
	l.Stop()
	<-l.ended
}
