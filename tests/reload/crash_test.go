package reload

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
)

// crashes is how often the process is killed.
const crashes = 10

// A process is killed while it records, and again and again; each recording is whole.
func TestRecordingsOfAKilledProcessAreWhole(t *testing.T) {
	s, home := harness.NewServer(t), t.TempDir()
	config := fmt.Sprintf(`{
	admin %s
	icecast {
		source_password hackme
		mount /m {
			dump %s/rec/live.mp3
		}
	}
}
http://:%s {
	bind 127.0.0.1
	icecast
}
`, s.AdminAddress, home, harness.Port(s.Plain))
	for i := range crashes {
		process, _ := harness.RunProcess(t, home, config)
		harness.Eventually(t, "the server answers", s.Answers)
		src := s.Source("/m")
		src.MayEnd = true
		src.Send(10)
		stop := make(chan struct{})
		done := src.Run(numbered.Duration/4, stop)
		harness.Eventually(t, "it is recorded", func() error {
			left, _ := filepath.Glob(home + "/rec/*.part")
			whole, _ := filepath.Glob(home + "/rec/*.mp3")
			if len(left) != 1 || len(whole) != i {
				return fmt.Errorf("%d files in progress and %d whole ones", len(left), len(whole))
			}
			info, err := os.Stat(left[0])
			if err == nil && info.Size() == 0 {
				return errors.New("it is empty")
			}
			return err
		})
		if err := process.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_, _ = process.Process.Wait()
		close(stop)
		<-done
	}
	all, _ := filepath.Glob(home + "/rec/*.mp3")
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var c numbered.Checker
		_, _ = c.Write(text)
		if c.Frames == 0 || c.Rest() != 0 {
			t.Errorf("%s has %d frames and %d bytes", filepath.Base(path), c.Frames, c.Rest())
		}
	}
}
