package cluster

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
)

// clockedEncoder sends the same numbered frames to some stations, by the clock: a frame that is due
// while a station is away is lost there, as with a live encoder. It connects anew when a
// connection breaks.
type clockedEncoder struct {
	mount string
	began time.Time
	stop  chan struct{}
	wait  sync.WaitGroup
}

// encodeTo encodes until the test ends.
func encodeTo(t *testing.T, mount string, addresses ...string) *clockedEncoder {
	t.Helper()
	e := &clockedEncoder{mount: mount, began: time.Now(), stop: make(chan struct{})}
	for _, address := range addresses {
		e.wait.Go(func() { e.keepSending(address) })
	}
	t.Cleanup(func() {
		close(e.stop)
		e.wait.Wait()
	})
	return e
}

// due returns the number of the frame that is due next.
func (e *clockedEncoder) due() uint64 {
	return harness.SourceSpan + uint64(time.Since(e.began)/numbered.Duration)
}

func (e *clockedEncoder) keepSending(address string) {
	for {
		e.send(address)
		select {
		case <-time.After(100 * time.Millisecond): // as encoders do that reconnect
		case <-e.stop:
			return
		}
	}
}

// send sends what is due until the connection breaks.
func (e *clockedEncoder) send(address string) {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "SOURCE "+e.mount+" HTTP/1.0\r\n"+harness.BasicAuth("source", "hackme")+"Content-Type: audio/mpeg\r\n\r\n")
	tick := time.NewTicker(numbered.Duration)
	defer tick.Stop()
	for next := e.due(); ; {
		for ; next <= e.due(); next++ {
			made := e.began.Add(time.Duration(next-harness.SourceSpan) * numbered.Duration)
			_ = conn.SetWriteDeadline(time.Now().Add(2 * time.Second))
			if _, err := conn.Write(numbered.AppendFrame(nil, next, made)); err != nil {
				return
			}
		}
		select {
		case <-tick.C:
		case <-e.stop:
			return
		}
	}
}
