package streaming

import (
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming/blocklog"
)

// recorded are frames as an upstream has them: the same ones each time they are sent.
func recorded(n int) [][]byte {
	var frames [][]byte
	at := time.Unix(1e9, 0)
	for i := range n {
		frames = append(frames, numbered.AppendFrame(nil, uint64(i), at))
	}
	return frames
}

// sendAll sends frames as they are.
func (e *encoder) sendAll(frames [][]byte) {
	e.t.Helper()
	for _, f := range frames {
		e.write(f)
	}
}

func fromUpstream(s *Source) { s.Upstream = "http://master.example/live.mp3" }

func TestARelayGoesOnWhereItWasCutOff(t *testing.T) {
	frames := recorded(400)
	for _, tt := range []struct {
		name        string
		until, from int // frames of the first link, and of the second
		first, last uint64
		whole       bool // without a gap, and none twice
	}{
		{"what was heard comes again", 200, 100, 0, 399, true},
		{"nothing was heard of it", 200, 250, 0, 399, false},
		{"it begins where the other ended", 200, 196, 0, 399, true},
		{"two frames come again", 200, 198, 0, 399, true},
		{"one frame comes again", 200, 199, 0, 399, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st, _ := newTestStation(t, mountSettings(MountSettings{RelayLinger: time.Minute, Burst: blocklog.Burst{Bytes: 1 << 20}, Queue: 4 << 20}))
			src := connect(t, st, "/m", numbered.ContentType, fromUpstream)
			src.sendAll(frames[:tt.until])
			p := join(t, st, "/m", true, Client{})
			p.readHead()
			stream := p.readAside()
			src.end()
			again := connect(t, st, "/m", numbered.ContentType, fromUpstream)
			again.sendAll(frames[tt.from:])
			if !tt.whole {
				// What can't be told from what was heard is held back for a moment.
				for i := 400; st.Mount("/m").Source().held(); i++ {
					again.write(numbered.AppendFrame(nil, uint64(i), time.Unix(1e9, 0)))
					time.Sleep(numbered.Duration) // its pace
				}
			}
			again.end()
			st.Mount("/m").linger.Reset(0)
			got := <-stream
			if tt.whole {
				if c := check(t, got); c.First != tt.first || c.Last != tt.last || c.Rest() != 0 {
					t.Errorf("heard %d to %d and %d bytes", c.First, c.Last, c.Rest())
				}
				return
			}
			var c numbered.Checker
			if _, err := c.Write(got); err == nil || c.Last != uint64(tt.until-1) {
				t.Errorf("heard on to %d, with %v", c.Last, err)
			}
		})
	}
}

// held reports whether what the source sends is held back.
func (s *Source) held() bool {
	m := s.Mount()
	m.station.mu.RLock()
	defer m.station.mu.RUnlock()
	return !m.announced
}

func TestSilenceIsNoPlaceToGoOnFrom(t *testing.T) {
	st, _ := newTestStation(t, mountSettings(MountSettings{RelayLinger: time.Minute, Burst: blocklog.Burst{Bytes: 1 << 20}, Queue: 4 << 20}))
	silence := numbered.AppendFrame(nil, 7, time.Unix(1e9, 0))
	src := connect(t, st, "/m", numbered.ContentType, fromUpstream)
	for range 50 {
		src.write(silence)
	}
	src.end()
	again := connect(t, st, "/m", numbered.ContentType, fromUpstream)
	again.sendAll(recorded(3))
	eventually.True(t, patience, "it is heard at once", func() bool { return !st.Mount("/m").Source().held() })
	again.end()
}

func TestAnEncoderAfterARelayBeginsAnew(t *testing.T) {
	st, _ := newTestStation(t, mountSettings(MountSettings{RelayLinger: time.Minute}))
	src := connect(t, st, "/m", numbered.ContentType, fromUpstream)
	src.sendAll(recorded(200))
	src.end()
	encoder := connect(t, st, "/m", numbered.ContentType)
	encoder.next = 1000
	encoder.send(20)
	p := join(t, st, "/m", true, Client{})
	p.readHead()
	stream := p.readAside()
	encoder.end()
	if c := check(t, <-stream); c.First != 1000 {
		t.Errorf("a new listener hears from frame %d on", c.First)
	}
}
