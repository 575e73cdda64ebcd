package transport

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// deaf is a connection whose client stops reading on command, as a phone
// out of reach does.
type deaf struct {
	net.Conn
	is   atomic.Bool
	over chan struct{}
}

func (d *deaf) Read(p []byte) (int, error) {
	if d.is.Load() {
		<-d.over
	}
	return d.Conn.Read(p)
}

// A listener over HTTP/2 whose connection took nothing was never dropped: its reset could
// not be written. It kept its place, and all that the mount got from then on.
func TestAConnectionThatTakesNotEvenAResetIsClosed(t *testing.T) {
	failed := make(chan error, 1)
	silent := make(chan struct{})
	site := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn := NewStream(w, ConnOf(r.Context()))
		conn.watchdog.After = 100 * time.Millisecond
		defer conn.Close()
		_ = conn.Flush()
		<-silent
		for {
			_ = conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			if _, err := conn.Write(make([]byte, 64<<10)); err != nil {
				failed <- err
				return
			}
		}
	}))
	site.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, c)
	}
	site.EnableHTTP2 = true
	site.StartTLS()
	defer site.Close()
	client := &deaf{over: make(chan struct{})}
	defer close(client.over)
	transport := site.Client().Transport.(*http.Transport)
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		_ = c.(*net.TCPConn).SetReadBuffer(4096) // the streams' window is larger than all buffers
		client.Conn = c
		return client, nil
	}
	resp, err := site.Client().Get(site.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 {
		t.Fatalf("it came by %s", resp.Proto)
	}
	client.is.Store(true)
	close(silent)
	select {
	case <-failed:
	case <-time.After(20 * time.Second):
		_ = client.Close() // or the site would never close
		t.Error("it still writes")
	}
}
