package listeners

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
)

// introFile writes numbered frames into a file, with a tag before them.
func introFile(t *testing.T, path string, from, to uint64) {
	t.Helper()
	sound := []byte("ID3\x04\x00\x00\x00\x00\x00\x0aTIT2\x00\x00\x00\x00\x00\x00")
	for n := from; n < to; n++ {
		sound = numbered.AppendFrame(sound, n, time.Now())
	}
	if err := os.WriteFile(path+".new", sound, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestEachListenerHearsTheIntroThenTheBurst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "intro.mp3")
	const frames = 120 // 3.1 s
	introFile(t, path, 0, frames)
	config := func(intro string) string {
		return fmt.Sprintf(`icecast {
			source_password hackme
			mount /*.mp3 {
				burst 1MiB
				intro %s
			}
			mount /plain.mp3 {
				intro off
			}
		}`, intro)
	}
	s := harness.Start(t, config(path))
	src, plain := s.Source("/live.mp3"), s.Source("/plain.mp3")
	src.Next.Store(frames)
	src.Send(50)
	plain.Send(50)
	type audience struct {
		*harness.Listener
		last atomic.Uint64
	}
	var all []*audience
	for _, way := range harness.Ways {
		a := new(audience)
		ready := make(chan struct{})
		a.Listener = s.Open("/live.mp3", way.Kind, way.Encrypted, func(body io.Reader) {
			<-ready
			defer close(a.Done)
			buf := make([]byte, 4096)
			for {
				n, err := body.Read(buf)
				if _, wrong := a.Checker.Write(buf[:n]); wrong != nil {
					a.Err = wrong
				}
				if a.last.Store(a.Checker.Last); err != nil {
					return
				}
			}
		})
		close(ready)
		all = append(all, a)
	}
	direct := s.Listen("/plain.mp3", harness.HTTP1, false)
	stop := make(chan struct{})
	done := src.Run(20*time.Millisecond, stop)
	for _, a := range all {
		harness.Eventually(t, "the stream is heard by "+string(a.Kind), func() error {
			if last := a.last.Load(); last < frames+50 {
				return fmt.Errorf("frame %d is", last)
			}
			return nil
		})
	}
	close(stop)
	<-done
	src.Finish()
	plain.Finish()
	for _, a := range all { // the burst holds all that was sent, so nothing is missing
		if c := a.WaitForEnd(); c.First != 0 || c.Last != src.Next.Load()-1 {
			t.Errorf("by %s: heard %d to %d, want 0 to %d", a.Kind, c.First, c.Last, src.Next.Load()-1)
		}
	}
	if c := direct.WaitForEnd(); c.First != 0 || c.Last != 49 {
		t.Errorf("without an intro: heard %d to %d", c.First, c.Last)
	}

	// The next listener hears the file as it is then.
	introFile(t, path, 980, 1000)
	src = s.Source("/live.mp3")
	src.Next.Store(1000)
	src.Send(50)
	harness.Eventually(t, "the new file is heard", func() error {
		result := make(chan error, 1)
		l := s.Open("/live.mp3", harness.HTTP1, false, func(body io.Reader) {
			c := new(numbered.Checker)
			_, err := io.CopyN(c, body, 21*numbered.MaxFrame)
			if err == nil && c.First != 980 {
				err = fmt.Errorf("it begins with frame %d", c.First)
			}
			result <- err
		})
		defer l.Stop()
		return <-result
	})
}
