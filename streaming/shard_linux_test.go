package streaming

import (
	"fmt"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming/format"
)

// rig is a shard that is turned by hand, with listeners of one mount.
type rig struct {
	shard *shard
	mount *Mount
	far   []int // descriptors of the listeners' ends
	next  uint64
	buf   []byte
}

func newRig(t testing.TB, listeners int, client Client) *rig {
	t.Helper()
	st := NewStation(func(*Listener) {}, nil)
	r := &rig{shard: newShard(st), mount: newMount(st, "/m"), buf: make([]byte, 64<<10)}
	r.mount.goLive(numbered.ContentType)
	st.start.Do(func() {})
	st.shards.Store(&[]*shard{r.shard, newShard(st)})
	r.append(2)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for range listeners {
		l, err := r.mount.Admit(client)
		if err != nil {
			t.Fatal(err)
		}
		far, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		near, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = far.Close(), near.Close() })
		l.Attach(near.(*net.TCPConn), []byte("head\n"))
		raw, err := far.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		_ = raw.Control(func(fd uintptr) { r.far = append(r.far, int(fd)) })
	}
	r.turn()
	r.drain()
	return r
}

// append appends frames, each as if it had come alone.
func (r *rig) append(frames int) {
	for range frames {
		f := numbered.AppendFrame(nil, r.next, time.Time{})
		r.mount.log.Add(format.Unit{Data: f, Start: true, Duration: numbered.Duration}, r.mount.meta.Load())
		r.mount.appended(time.Now())
		r.next++
	}
}

func (r *rig) turn() { r.shard.cycle(time.Now(), false) }

// drain reads away what the listeners have got, and returns how much it was.
func (r *rig) drain() (n int) {
	for _, fd := range r.far {
		for {
			got, err := unix.Read(fd, r.buf) // it never blocks: net sees to that
			if err != nil || got == 0 {
				break
			}
			n += got
		}
	}
	return n
}

func TestATurnAllocatesNothingForItsListeners(t *testing.T) {
	for _, client := range []Client{{}, {Metadata: true}} {
		const listeners = 200
		r := newRig(t, listeners, client)
		allocs := testing.AllocsPerRun(50, func() {
			r.turn()
			r.drain()
		})
		r.append(1000)
		busy := testing.AllocsPerRun(1, func() {
			r.turn()
			r.drain()
		})
		// The map of groups is walked once a turn; that may cost a little.
		if allocs > 2 || busy > 2 {
			t.Errorf("metadata %v: %v allocations in an idle turn, %v in a busy one, for %d listeners", client.Metadata, allocs, busy, listeners)
		}
	}
}

func TestATurnCarriesAllThatIsDueInOneWrite(t *testing.T) {
	r := newRig(t, 3, Client{})
	r.append(30)
	r.turn()
	want := 0
	for n := r.next - 30; n < r.next; n++ {
		want += len(numbered.AppendFrame(nil, n, time.Time{}))
	}
	if got := r.drain(); got != 3*want {
		t.Errorf("a turn wrote %d bytes, want %d", got, 3*want)
	}
	if c := r.shard.vector.count; c > 2 {
		t.Errorf("30 frames went out as %d pieces", c)
	}
}

func BenchmarkShardTurn(b *testing.B) {
	for _, n := range []int{100, 1000, 4000} {
		for _, client := range []Client{{}, {Metadata: true}} {
			b.Run(fmt.Sprintf("listeners=%d/metadata=%v", n, client.Metadata), func(b *testing.B) {
				r := newRig(b, n, client)
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N {
					b.StopTimer()
					r.drain()
					r.append(8) // about 200 ms
					b.StartTimer()
					r.turn()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/listener")
			})
		}
	}
}
