package harness

import (
	"math/rand/v2"
	"net"
	"time"
)

// Shape is the quality of a link. The zero value is that of this machine.
type Shape struct {
	Delay time.Duration // of each direction
	Loss  float64       // share of the segments that are lost, and sent again after a round trip
	Rate  int           // bytes per second; 0: unlimited
}

const (
	segment  = 1448 // bytes
	inFlight = 64   // segments in each direction
	// retransmission is how long a sender waits for an acknowledgement, besides the round trip.
	retransmission = 200 * time.Millisecond
)

// SetShape sets the quality of the link for what is sent from now on.
func (p *Proxy) SetShape(s Shape) { p.shape.Store(&s) }

// delivery is when a segment arrives.
type delivery struct {
	data []byte
	due  time.Time
}

// carryOneWay carries what one side sends until a side is gone. A lost segment holds up those after
// it, as TCP delivers in order.
func (p *Proxy) carryOneWay(to, from net.Conn) {
	queue, done := make(chan delivery, inFlight), make(chan struct{})
	p.all.Go(func() {
		defer close(done)
		for d := range queue {
			time.Sleep(time.Until(d.due)) // this is the link
			p.await()
			if _, err := to.Write(d.data); err != nil {
				_ = from.Close()
				return
			}
		}
	})
	var last delivery
	for {
		buf := make([]byte, segment)
		n, err := from.Read(buf)
		if n > 0 {
			last = delivery{buf[:n], p.arrival(last.due, n)}
			select {
			case queue <- last:
			case <-done:
				return
			}
		}
		if err != nil {
			close(queue)
			<-done
			return
		}
	}
}

// arrival returns when a segment of a size arrives, after the one before.
func (p *Proxy) arrival(before time.Time, size int) time.Time {
	s := p.shape.Load()
	if s == nil {
		return before
	}
	due := time.Now().Add(s.Delay)
	if rand.Float64() < s.Loss {
		due = due.Add(2*s.Delay + retransmission)
	}
	if s.Rate > 0 {
		due = due.Add(time.Duration(size) * time.Second / time.Duration(s.Rate))
		before = before.Add(time.Duration(size) * time.Second / time.Duration(s.Rate))
	}
	if due.Before(before) {
		return before
	}
	return due
}
