package streaming

import (
	"bytes"
	"io"
	"testing"
	"time"
)

// What is gathered arrives whole, once there is enough of it, or when it is sent.
func TestSeveralWritesGoToTheNetworkAtOnce(t *testing.T) {
	ours, theirs := tcpPair(t)
	b, sent := NewCipherBuffer(ours), new(bytes.Buffer)
	write := func(size int) {
		t.Helper()
		p := bytes.Repeat([]byte{byte(sent.Len())}, size)
		sent.Write(p)
		if n, err := b.Write(p); n != size || err != nil {
			t.Fatalf("%d of %d bytes, %v", n, size, err)
		}
	}
	arrived := new(bytes.Buffer)
	arrive := func(size int) {
		t.Helper()
		_ = theirs.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.CopyN(arrived, theirs, int64(size)); err != nil || !bytes.Equal(arrived.Bytes(), sent.Bytes()[:arrived.Len()]) {
			t.Fatalf("after %d bytes: %v", arrived.Len(), err)
		}
	}
	held := func(what string, want int) {
		t.Helper()
		if got := len(*b.gathered); got != want {
			t.Fatalf("%s: %d bytes are held, want %d", what, got, want)
		}
	}
	write(10)
	arrive(10)
	for range 2 {
		send := b.Gather()
		write(1000)
		write(gatheredSize - 1001)
		held("one byte before the end", gatheredSize-1)
		write(recordRoom)
		held("with one record more", 0)
		arrive(gatheredSize - 1 + recordRoom)
		write(7)
		if err := send(); err != nil {
			t.Fatal(err)
		}
		arrive(7)
		write(3)
		arrive(3)
	}
}

// However many connections are slow, few gather.
func TestFewConnectionsGather(t *testing.T) {
	ours, theirs := tcpPair(t)
	var sends []func() error
	for range maxGathering {
		sends = append(sends, NewCipherBuffer(ours).Gather())
	}
	b := NewCipherBuffer(ours)
	send := b.Gather()
	if _, err := b.Write([]byte("at once")); err != nil || b.gathered != nil {
		t.Errorf("one more gathers: %v", err)
	}
	if _, err := io.ReadFull(theirs, make([]byte, len("at once"))); err != nil {
		t.Error(err)
	}
	for _, send := range append(sends, send) {
		if err := send(); err != nil {
			t.Error(err)
		}
	}
	if n := gathering.Load(); n != 0 {
		t.Errorf("%d gather in the end", n)
	}
}

// A connection that is lost meanwhile is an error of the write, or of the end.
func TestALostConnectionFailsToSend(t *testing.T) {
	ours, _ := tcpPair(t)
	b := NewCipherBuffer(ours)
	send := b.Gather()
	_, _ = b.Write([]byte("some"))
	_ = ours.Close()
	if err := send(); err == nil {
		t.Error("it was sent")
	}
}
