package streaming

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
)

func TestTheMoreSourcesTheLongerTheirBytesGather(t *testing.T) {
	for _, tt := range []struct {
		sources int
		want    time.Duration
	}{{1, 260 * time.Microsecond}, {100, 26 * time.Millisecond}, {10000, maxReadBatch}} {
		if got := readBatchTime(tt.sources); got != tt.want {
			t.Errorf("of %d sources: %v, want %v", tt.sources, got, tt.want)
		}
	}
}

// What has gathered is read at the latest when the source has stopped sending.
func TestASourceAmongManyIsReadInLargePieces(t *testing.T) {
	st, _ := newTestStation(t, Settings{})
	st.sourceCount.Store(1000)
	defer st.sourceCount.Store(0)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	far, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	near, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	s := &Source{BatchReads: ReadBatcher(near)}
	if err := st.NewSource("/m", s, Info{}, func() { _ = near.SetReadDeadline(time.Unix(1, 0)) }); err != nil {
		t.Fatal(err)
	}
	done := make(chan Reason)
	go func() { r := s.Run(near); s.End(); done <- r }()

	sent := 0
	lowat := func() (n int) {
		raw, err := near.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		_ = raw.Control(func(fd uintptr) { n, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT) })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventually.True(t, patience, "its reads wait for more", func() bool {
		n, err := far.Write(numbered.AppendFrame(nil, uint64(sent/numbered.MaxFrame), time.Now()))
		if err != nil {
			t.Fatal(err)
		}
		sent += n
		return lowat() > 1000
	})
	eventually.True(t, patience, "the last bytes are read", func() bool { return s.Mount().bytesRead.Load() == uint64(sent) })
	if n := lowat(); n != 1 {
		if _, err := far.Write([]byte{0}); err != nil { // it may have been read by chance: the next may not wait
			t.Fatal(err)
		}
		eventually.True(t, patience, "a single byte is read", func() bool { return s.Mount().bytesRead.Load() == uint64(sent+1) })
	}
	_ = far.Close()
	if r := <-done; r != Finished {
		t.Errorf("it ended as %v", r)
	}
}
