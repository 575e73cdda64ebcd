package listeners

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// fallbacks is a chain of mounts, a file and the standby loop.
func fallbacks(file string) string {
	return fmt.Sprintf(`icecast {
		source_password hackme
		admin_password letmein
		mount /live.mp3 {
			fallback /backup.mp3
		}
		mount /backup.mp3 {
			fallback /third.mp3
		}
		mount /third.mp3 {
			fallback file %s
			fallback standby
		}
	}`, file)
}

func TestListenersNeverHearNothing(t *testing.T) {
	loop := harness.MakeMusic(t, "loop.mp3", 3, harness.MP3[1:]...)
	s := harness.Start(t, fallbacks(filepath.Join(filepath.Dir(loop), "*.mp3")))
	live, backup, third := s.NumberedSource("/live.mp3", 1), s.NumberedSource("/backup.mp3", 2), s.NumberedSource("/third.mp3", 3)
	var at, direct []*harness.VerifyingListener
	for range 20 {
		for _, way := range harness.Ways {
			at = append(at, s.ListenVerifying("/live.mp3", way.Kind, way.Encrypted))
		}
	}
	for _, way := range harness.Ways {
		direct = append(direct, s.ListenVerifying("/backup.mp3", way.Kind, way.Encrypted))
	}
	hear := func(what string, all []*harness.VerifyingListener, id uint64) {
		t.Helper()
		harness.Eventually(t, fmt.Sprintf("%s: all hear %d", what, id), func() error {
			for _, w := range all {
				if got := w.HeardSource.Load(); got != id {
					return fmt.Errorf("%s hears %d", w.Kind, got)
				}
			}
			return nil
		})
	}
	for range 5 {
		hear("at home", at, 1)
		hear("at home", direct, 2)
		live.Down()
		hear("without the source", at, 2)
		backup.Down()
		hear("without the fallback", at, 3)
		hear("without the source", direct, 3)
		third.Down()
		hear("without all mounts", at, harness.OtherSource)
		third.Up()
		hear("with the last fallback again", at, 3)
		backup.Up()
		hear("with the fallback again", at, 2)
		hear("at home again", direct, 2)
		live.Up()
	}
	hear("at home again", at, 1)
	hear("those who asked for the fallback", direct, 2)
	defer third.Down()
	defer backup.Down()
	defer live.Down()
	for _, w := range append(at, direct...) {
		w.Stop()
		<-w.Ended
		w.Check(t)
	}
	var longest time.Duration
	for _, w := range at {
		longest = max(longest, time.Duration(w.LongestPause.Load()))
	}
	t.Logf("the longest pause in delivery was %v", longest)
}

// A station with nothing but its standby loop sounds.
func TestAMountThatIsDownIsServedByItsFallback(t *testing.T) {
	s := harness.Start(t, `icecast {
		source_password hackme
		mount /live.mp3 {
			fallback standby
		}
		mount /full.mp3 {
			max_listeners 1
			fallback /overflow.mp3
			fallback_when_full
		}
		mount /stay.mp3 {
			fallback /overflow.mp3
			override off
		}
	}`)
	resp, err := http.Get("http://" + s.Plain + "/live.mp3")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "audio/mpeg" {
		t.Fatalf("answered %s, %s", resp.Status, resp.Header.Get("Content-Type"))
	}
	sound := make([]byte, 8000)
	if _, err := io.ReadFull(resp.Body, sound); err != nil || len(harness.Frames(t, sound, "audio/mpeg")) < 10 {
		t.Errorf("it does not sound: %v", err)
	}

	full, overflow := s.NumberedSource("/full.mp3", 1), s.NumberedSource("/overflow.mp3", 2)
	defer overflow.Down()
	defer full.Down()
	s.WaitForMount("/full.mp3")
	s.WaitForMount("/overflow.mp3")
	first, second := s.ListenVerifying("/full.mp3", harness.HTTP1, false), s.ListenVerifying("/full.mp3", harness.HTTP1, false)
	stay := s.NumberedSource("/stay.mp3", 3)
	s.WaitForMount("/stay.mp3")
	third := s.ListenVerifying("/stay.mp3", harness.HTTP1, true)
	hears := func(w *harness.VerifyingListener, id uint64) {
		t.Helper()
		harness.Eventually(t, fmt.Sprintf("%d is heard", id), func() error {
			if got := w.HeardSource.Load(); got != id {
				return fmt.Errorf("%d is heard", got)
			}
			return nil
		})
	}
	hears(first, 1)
	hears(second, 2)
	hears(third, 3)
	stay.Down()
	hears(third, 2)
	stay.Up()
	defer stay.Down()
	var fourth *harness.VerifyingListener
	harness.Eventually(t, "a new listener hears the source", func() error {
		if fourth != nil {
			fourth.Stop()
			<-fourth.Ended
		}
		fourth = s.ListenVerifying("/stay.mp3", harness.HTTP1, false)
		harness.Eventually(t, "it hears somebody", func() error {
			if fourth.HeardSource.Load() == 0 {
				return errors.New("nobody yet")
			}
			return nil
		})
		if got := fourth.HeardSource.Load(); got != 3 {
			return fmt.Errorf("%d is heard", got)
		}
		return nil
	})
	hears(third, 2)
	for _, w := range []*harness.VerifyingListener{first, second, third, fourth} {
		w.Stop()
		<-w.Ended
		w.Check(t)
	}
}

// A source that is connected and says nothing, as when its line is cut, is as good
// as none.
func TestASourceThatFallsSilentIsReplaced(t *testing.T) {
	s := harness.Start(t, `icecast {
		source_password hackme
		mount /live.mp3 {
			fallback /backup.mp3
			source_timeout 1s
			return_after 2s
		}
	}`)
	live, backup := s.NumberedSource("/live.mp3", 1), s.NumberedSource("/backup.mp3", 2)
	defer backup.Down()
	w := s.ListenVerifying("/live.mp3", harness.HTTP1Metadata, false)
	hears := func(id uint64) {
		t.Helper()
		harness.Eventually(t, fmt.Sprintf("%d is heard", id), func() error {
			if got := w.HeardSource.Load(); got != id {
				return fmt.Errorf("%d is heard", got)
			}
			return nil
		})
	}
	hears(1)
	close(live.Stop)
	<-live.Done
	hears(2)
	began := time.Now()
	live.Up()
	defer live.Down()
	hears(1)
	if after := time.Since(began); after < 2*time.Second {
		t.Errorf("it came home after %v, want 2s of steady sound first", after)
	}
	w.Stop()
	<-w.Ended
}

// A reload asks anew what is heard, also where a fallback can't stand in.
func TestReloadsKeepThoseWhoHearAFallback(t *testing.T) {
	config := func(name string) string {
		return `icecast {
			source_password hackme
			name "` + name + `"
			mount /live.mp3 {
				fallback /voices.ogg
				fallback /backup.mp3
			}
		}`
	}
	s := harness.Start(t, config("before"))
	live, backup := s.NumberedSource("/live.mp3", 1), s.NumberedSource("/backup.mp3", 2)
	defer backup.Down()
	harness.ByFFmpegFor(30, "application/ogg", "-f", "lavfi", "-i", harness.Tone, "-c:a", "libopus", "-f", "ogg")(t, s, "/voices.ogg")
	s.WaitForMount("/voices.ogg")
	var all []*harness.VerifyingListener
	for _, way := range harness.Ways {
		all = append(all, s.ListenVerifying("/live.mp3", way.Kind, way.Encrypted))
	}
	live.Down()
	for i := range 5 {
		if err := s.Reload(config(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		for _, w := range all {
			harness.Eventually(t, "the second fallback is heard", func() error {
				if got := w.HeardSource.Load(); got != 2 {
					return fmt.Errorf("%d is heard", got)
				}
				return nil
			})
		}
	}
	for _, w := range all {
		w.Stop()
		<-w.Ended
		w.Check(t)
	}
}
