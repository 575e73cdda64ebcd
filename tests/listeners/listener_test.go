package listeners

import (
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// All ways to listen at once, with a source that sends faster than it sounds.
func TestAllListenersHearEveryFrameWholeAndInOrder(t *testing.T) {
	s := harness.Start(t, harness.Station)
	src := s.Source("/m")
	src.Send(200)
	var listeners []*harness.Listener
	for range 3 {
		for _, way := range harness.Ways {
			listeners = append(listeners, s.Listen("/m", way.Kind, way.Encrypted))
			src.Send(20)
		}
	}
	stop := make(chan struct{})
	done := src.Run(2*time.Millisecond, stop)
	time.AfterFunc(3*time.Second, func() { close(stop) })
	<-done
	src.Finish()
	last := src.Next.Load() - 1
	for _, l := range listeners {
		if c := l.WaitForEnd(); c.Last != last || c.Rest() != 0 {
			t.Errorf("by %s: heard %d to %d and %d bytes, want to %d", l.Kind, c.First, c.Last, c.Rest(), last)
		}
	}
}

// A mount that is silent for longer than any write may take keeps its listeners;
// a listener that leaves it meanwhile is no longer counted.
func TestListenersOfASilentMountStayAndMayLeave(t *testing.T) {
	s := harness.Start(t, "icecast {\n source_password hackme\n limits {\n source_timeout 2m\n }\n}", "encode gzip zstd")
	src := s.Source("/m")
	src.Send(10)
	var stay []*harness.Listener
	for _, way := range harness.Ways {
		stay = append(stay, s.Listen("/m", way.Kind, way.Encrypted))
		if way.Kind != harness.HTTP3 && (way.Kind == harness.HTTP2 || way.Kind == harness.HTTP1Wired || !way.Encrypted) { // other TLS over HTTP/1 is noticed by the next write
			s.Listen("/m", way.Kind, way.Encrypted).Stop()
		}
	}
	s.WaitForListeners("/m", len(stay)) // without those that left
	src.Send(10)
	src.Finish()
	for _, l := range stay {
		if c := l.WaitForEnd(); c.Last != 19 {
			t.Errorf("by %s: heard to frame %d", l.Kind, c.Last)
		}
	}
}

func TestTheAccessLogHasALineForEachListener(t *testing.T) {
	s := harness.Start(t, harness.Station)
	src := s.Source("/m")
	src.Send(10)
	for _, way := range harness.Ways {
		l := s.Listen("/m", way.Kind, way.Encrypted)
		l.WaitForBytes(4000) // the burst: some are served by another goroutine after the answer
		l.Stop()
	}
	stop := make(chan struct{})
	done := src.Run(time.Millisecond, stop)
	for _, proto := range []string{"HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/3.0"} {
		e := s.WaitForLog(map[string]any{
			"logger": "icecast.access", "mount": "/m", "proto": proto, "reason": "departed",
			"client_ip": "127.0.0.1", "tls": proto != "HTTP/1.0" && proto != "HTTP/1.1",
		})
		if e["bytes"].(float64) < 1000 || e["duration"] == nil {
			t.Errorf("the line says %v", e)
		}
	}
	close(stop)
	<-done
}

func TestAListenersAddressIsTheOneThatATrustedProxySays(t *testing.T) {
	s := &harness.Server{T: t, Plain: harness.FreeAddress(t), TLS: harness.FreeAddress(t), AdminAddress: harness.FreeAddress(t)}
	if err := s.Load(harness.Station + "\nservers {\ntrusted_proxies static 127.0.0.0/8\n}"); err != nil {
		t.Fatal(err)
	}
	src := s.Source("/m")
	src.Send(10)
	conn := s.Dial(false)
	harness.SendHead(t, conn, "GET /m HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n")
	src.Finish()
	s.WaitForLog(map[string]any{"logger": "icecast.access", "client_ip": "192.0.2.7", "reason": "source ended"})
}
