package streaming

import (
	"crypto/tls"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/selfsigned"
)

// tlsPair returns the ends of a connection over TLS whose near end is over a CipherBuffer.
// With narrow its sockets take little at a time.
func tlsPair(t testing.TB, version uint16, narrow bool) (near *tls.Conn, b *CipherBuffer, far *tls.Conn) {
	t.Helper()
	certificate, key, err := selfsigned.Make()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := tcpPair(t)
	if narrow {
		_, _ = ours.SetWriteBuffer(4096), theirs.SetReadBuffer(4096)
	}
	b = NewCipherBuffer(ours)
	near = tls.Server(b, &tls.Config{Certificates: []tls.Certificate{pair}})
	far = tls.Client(theirs, &tls.Config{InsecureSkipVerify: true, MaxVersion: version})
	done := make(chan error, 1)
	go func() { done <- near.Handshake() }()
	if err := far.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return near, b, far
}

// Listeners over TLS, fast and slow, hear what was sent; a listener that is ended while it is
// behind may miss the end, but what it got until then is in order.
func TestListenersOverTLSHearWhatWasSent(t *testing.T) {
	const period = 251
	pattern := make([]byte, 64*period)
	for i := range pattern {
		pattern[i] = byte(i % period)
	}
	st, _ := newTestStation(t, mountSettings(MountSettings{Queue: 64 << 20}))
	e := connect(t, st, "/m", "application/octet-stream")
	e.write(pattern)
	e.write(pattern) // enough to be sure that it is nothing known
	eventually.True(t, patience, "that is known", func() bool { return st.Mount("/m").Heard() != "" })
	stop := make(chan struct{})
	var sending, hearing sync.WaitGroup
	sending.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond): // a stream's pace
				e.write(pattern)
			}
		}
	})
	for i := range 24 {
		version := uint16(tls.VersionTLS13)
		if i%3 == 0 {
			version = tls.VersionTLS12
		}
		narrow, enough := i%2 == 0, 1<<20
		if narrow {
			enough = 64 << 10
		}
		near, b, far := tlsPair(t, version, narrow)
		l, err := st.Mount("/m").Admit(Client{})
		if err != nil {
			t.Fatal(err)
		}
		l.AttachTLS(near, b, nil)
		hearing.Go(func() {
			_ = far.SetReadDeadline(time.Now().Add(patience))
			buf := make([]byte, 100+1000*i)
			next, heard := -1, 0
			for {
				n, err := far.Read(buf)
				for _, b := range buf[:n] {
					if next >= 0 && int(b) != next {
						t.Errorf("listener %d: byte %d, want %d", i, b, next)
					}
					next = (int(b) + 1) % period
				}
				if err != nil {
					if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("listener %d ends with %v", i, err)
					}
					return
				}
				if before := heard; before < enough && before+n >= enough {
					l.Remove(Removed)
				}
				if heard += n; i%4 < 2 {
					time.Sleep(time.Millisecond) // it is slow
				}
			}
		})
	}
	hearing.Wait()
	close(stop)
	sending.Wait()
}
