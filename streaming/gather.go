package streaming

import (
	"sync"
	"sync/atomic"
)

const (
	// gatheredSize is how much is gathered: no more goes to the network at once.
	gatheredSize = 64 << 10

	// maxGathering bounds how many connections gather, and so the memory for slow ones: 20 MiB.
	maxGathering = 256
)

// gathering counts the connections that gather; their memory is reused.
var (
	gathering   atomic.Int32
	gatherSpace = sync.Pool{New: func() any {
		b := make([]byte, 0, gatheredSize+recordRoom)
		return &b
	}}
)

// recordRoom is as long as a record of TLS is at most, with its head.
const recordRoom = 17 << 10

// Gather makes Write gather what is encrypted, so that several records go to the network at once, until
// the returned function sends the rest: the encrypting side writes each record by itself. The peer may not be
// waited for meanwhile. If too many connections gather already, nothing changes.
func (b *CipherBuffer) Gather() (send func() error) {
	if gathering.Add(1) > maxGathering {
		gathering.Add(-1)
		return func() error { return nil }
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gathered = gatherSpace.Get().(*[]byte)
	return b.endGather
}

func (b *CipherBuffer) endGather() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	err := b.sendGathered()
	gatherSpace.Put(b.gathered)
	b.gathered = nil
	gathering.Add(-1)
	return err
}

// sendGathered sends what was gathered. mu is held.
func (b *CipherBuffer) sendGathered() error {
	rest := *b.gathered
	*b.gathered = rest[:0]
	if len(rest) == 0 {
		return nil
	}
	_, err := b.TCPConn.Write(rest)
	return err
}
