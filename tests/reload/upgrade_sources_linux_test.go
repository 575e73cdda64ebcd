package reload

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
	"github.com/caddycast/caddycast/tests/harness/binary"
)

// blink connects a source of a mount again and again until stop is closed, each time with another number,
// and disconnects it after some tenths of a second. It returns how often the source was accepted.
func blink(s *harness.Server, mount string, stop <-chan struct{}) (accepted uint64) {
	for {
		select {
		case <-stop:
			return accepted
		default:
		}
		if blinkOnce(s, mount, 2+accepted) == nil {
			accepted++
		} else {
			time.Sleep(10 * time.Millisecond) // the mount may still have its last source
		}
	}
}

// blinkOnce is one connection of such a source.
func blinkOnce(s *harness.Server, mount string, id uint64) error {
	conn, err := net.Dial("tcp", s.Plain)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(harness.Patience))
	if _, err := io.WriteString(conn, "SOURCE "+mount+" HTTP/1.0\r\n"+harness.BasicAuth("source", "hackme")+"Content-Type: audio/mpeg\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", resp.Status)
	}
	tick := time.NewTicker(numbered.Duration)
	defer tick.Stop()
	for n := range 4 + rand.Uint64N(8) {
		if _, err := conn.Write(numbered.AppendFrame(nil, id*harness.SourceSpan+n, time.Now())); err != nil {
			return nil // it was accepted
		}
		<-tick.C
	}
	return nil
}

// Listeners keep their connections through upgrades while the encoder connects and disconnects all the
// time, and hear it once it stays.
func TestASourceBlinksThroughUpgrades(t *testing.T) {
	programs := []string{binary.Caddycast(t), binary.Caddy(t)}
	s := harness.NewServer(t)
	harness.RunProgram(t, programs[1], t.TempDir(), s.WrappedCaddyfile(strings.Replace(harness.Station, "{", `{
	mount /live.mp3 {
		linger 10m
	}`, 1)))
	harness.Eventually(t, "the sites answer", s.AllAnswer)
	before := s.NumberedSource("/live.mp3", 1)
	var all []*harness.VerifyingListener
	for _, way := range harness.Ways {
		if way.Kind != harness.HTTP3 {
			all = append(all, s.ListenVerifying("/live.mp3", way.Kind, way.Encrypted))
		}
	}
	before.Abandon()
	stop := make(chan struct{})
	var blinking sync.WaitGroup
	var accepted uint64
	blinking.Go(func() { accepted = blink(s, "/live.mp3", stop) })
	end := sync.OnceFunc(func() {
		close(stop)
		blinking.Wait()
	})
	t.Cleanup(end)
	for i := range upgrades {
		heard := all[0].HeardSource.Load()
		s.UpgradeTo(programs[i%len(programs)])
		harness.Eventually(t, "all hear further sources", func() error {
			for _, l := range all {
				select {
				case err := <-l.Ended:
					t.Fatalf("%s was disconnected: %v", l.Kind, err)
				default:
				}
				if now := l.HeardSource.Load(); now < heard+3 {
					return fmt.Errorf("%s hears %d, after %d", l.Kind, now, heard)
				}
			}
			return nil
		})
	}
	end()
	if accepted < 2*upgrades {
		t.Errorf("the source came %d times", accepted)
	}
	after := s.NumberedSource("/live.mp3", 1<<17)
	harness.WaitForSource(t, "when the source stays", 1<<17, all...)
	after.Abandon()
	harness.CheckAll(t, all...)
}

// Encoders that connect in the moment of an upgrade are admitted by one of the processes.
func TestEncodersConnectThroughUpgrades(t *testing.T) {
	programs := []string{binary.Caddycast(t), binary.Caddy(t)}
	s := harness.NewServer(t)
	harness.RunProgram(t, programs[1], t.TempDir(), s.WrappedCaddyfile(harness.Station))
	harness.Eventually(t, "the sites answer", s.AllAnswer)
	stop := make(chan struct{})
	var encoders sync.WaitGroup
	var accepted atomic.Uint64
	end := sync.OnceFunc(func() {
		close(stop)
		encoders.Wait()
	})
	t.Cleanup(end)
	for i := range 4 {
		encoders.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := blinkOnce(s, fmt.Sprintf("/%d-%d.mp3", i, n), 1); err != nil {
					t.Errorf("encoder %d: %v", n, err)
				}
				accepted.Add(1)
			}
		})
	}
	for i := range upgrades {
		before := accepted.Load()
		s.UpgradeTo(programs[i%len(programs)])
		harness.Eventually(t, "encoders connect", func() error {
			if n := accepted.Load() - before; n < 20 {
				return fmt.Errorf("%d since the upgrade", n)
			}
			return nil
		})
	}
	end()
}

// Listeners of a slave hear each frame of the master once, through upgrades of either.
func TestSlavesPlayOnThroughUpgradesOfThemAndOfTheirMaster(t *testing.T) {
	programs := []string{binary.Caddycast(t), binary.Caddy(t)}
	master, slave := harness.NewServer(t), harness.NewServer(t)
	harness.RunProgram(t, programs[1], t.TempDir(), master.WrappedCaddyfile(strings.Replace(harness.Station, "{", "{\n role master", 1)))
	harness.RunProgram(t, programs[1], t.TempDir(), slave.WrappedCaddyfile(strings.Replace(harness.Station, "{", `{
	role slave {
		master   http://`+master.Plain+`
		password pullme
	}`, 1)))
	harness.Eventually(t, "the master answers", master.AllAnswer)
	harness.Eventually(t, "the slave answers", slave.AllAnswer)
	src := master.Source("/live.mp3")
	src.Send(100)
	stop := make(chan struct{})
	done := src.Run(numbered.Duration, stop)
	slave.WaitForMount("/live.mp3")
	var listeners []*harness.Listener
	for _, at := range []*harness.Server{master, slave} {
		for _, way := range harness.Ways {
			if way.Kind != harness.HTTP3 {
				listeners = append(listeners, at.Listen("/live.mp3", way.Kind, way.Encrypted))
			}
		}
	}
	for i := range 2 {
		for _, s := range []*harness.Server{master, slave} {
			s.UpgradeTo(programs[i%len(programs)])
			harness.WaitForMoreBytes(listeners, 100*numbered.MaxFrame) // the slave is back
		}
	}
	close(stop)
	<-done
	src.Finish()
	for i, l := range listeners {
		if c := l.WaitForEnd(); c.Last != src.Next.Load()-1 || c.Rest() != 0 {
			t.Errorf("listener %d by %s: heard %d to %d of %d, and %d bytes", i, l.Kind, c.First, c.Last, src.Next.Load()-1, c.Rest())
		}
	}
}
