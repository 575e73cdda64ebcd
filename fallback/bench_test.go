package fallback

import (
	"testing"
	"time"
)

// BenchmarkPlayer measures a second of audio, without the waiting time.
func BenchmarkPlayer(b *testing.B) {
	for _, c := range []struct {
		name, file string
		data       []byte
	}{
		{"MP3 128 kbit per s", "a.mp3", mp3(2000)},
		{"MP3 32 kbit per s, looped every 4 s", "a.mp3", standbyFile(b, "mono-44100.mp3")},
		{"AAC, looped every 4 s", "a.aac", standbyFile(b, "mono-44100.aac")},
		{"Opus, looped every 4 s", "a.opus", standbyFile(b, "mono-48000.opus")},
	} {
		b.Run(c.name, func(b *testing.B) {
			p, clock := timed(b, NewPlayer([]string{write(b, b.TempDir(), c.file, c.data)}, Options{}))
			buf := make([]byte, 16<<10)
			b.ReportAllocs()
			var until time.Duration
			for b.Loop() {
				for until += time.Second; p.pace.position() < until; {
					if _, err := p.Read(buf); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(clock.slept)/float64(b.N), "waits/op")
		})
	}
}

// Within a file a read allocates nothing, so that many mounts cost no garbage collection.
func TestAReadCostsNoAllocation(t *testing.T) {
	for file, data := range map[string][]byte{"a.mp3": mp3(20_000)} {
		p, _ := timed(t, NewPlayer([]string{write(t, t.TempDir(), file, data)}, Options{}))
		buf := make([]byte, 16<<10)
		read := func() {
			if _, err := p.Read(buf); err != nil {
				t.Fatal(err)
			}
		}
		for range 100 {
			read()
		}
		if got := testing.AllocsPerRun(1000, read); got > 0 {
			t.Errorf("%s: %v allocations for a read, want none", file, got)
		}
	}
}
