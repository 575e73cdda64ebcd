package tests

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"
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
	loop := music(t, "loop.mp3", 3, mp3[1:]...)
	s := start(t, fallbacks(filepath.Join(filepath.Dir(loop), "*.mp3")))
	live, backup, third := s.numberedSource("/live.mp3", 1), s.numberedSource("/backup.mp3", 2), s.numberedSource("/third.mp3", 3)
	var at, direct []*witness
	for range 20 {
		for _, way := range waysOut {
			at = append(at, s.witness("/live.mp3", way.kind, way.encrypted))
		}
	}
	for _, way := range waysOut {
		direct = append(direct, s.witness("/backup.mp3", way.kind, way.encrypted))
	}
	hear := func(what string, all []*witness, id uint64) {
		t.Helper()
		eventually(t, fmt.Sprintf("%s: all hear %d", what, id), func() error {
			for _, w := range all {
				if got := w.heard.Load(); got != id {
					return fmt.Errorf("%s hears %d", w.kind, got)
				}
			}
			return nil
		})
	}
	for range 5 {
		hear("at home", at, 1)
		hear("at home", direct, 2)
		live.down()
		hear("without the source", at, 2)
		backup.down()
		hear("without the fallback", at, 3)
		hear("without the source", direct, 3)
		third.down()
		hear("without all mounts", at, otherSource)
		third.up()
		hear("with the last fallback again", at, 3)
		backup.up()
		hear("with the fallback again", at, 2)
		hear("at home again", direct, 2)
		live.up()
	}
	hear("at home again", at, 1)
	hear("those who asked for the fallback", direct, 2)
	defer third.down()
	defer backup.down()
	defer live.down()
	for _, w := range append(at, direct...) {
		w.stop()
		<-w.ended
		w.verify(t)
	}
	var longest time.Duration
	for _, w := range at {
		longest = max(longest, time.Duration(w.longest.Load()))
	}
	t.Logf("the longest pause in delivery was %v", longest)
}

// A station with nothing but its standby loop sounds.
func TestAMountThatIsDownIsServedByItsFallback(t *testing.T) {
	s := start(t, `icecast {
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
	resp, err := http.Get("http://" + s.plain + "/live.mp3")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "audio/mpeg" {
		t.Fatalf("answered %s, %s", resp.Status, resp.Header.Get("Content-Type"))
	}
	sound := make([]byte, 8000)
	if _, err := io.ReadFull(resp.Body, sound); err != nil || len(frames(t, sound, "audio/mpeg")) < 10 {
		t.Errorf("it does not sound: %v", err)
	}

	full, overflow := s.numberedSource("/full.mp3", 1), s.numberedSource("/overflow.mp3", 2)
	defer overflow.down()
	defer full.down()
	s.listening("/full.mp3")
	s.listening("/overflow.mp3")
	first, second := s.witness("/full.mp3", http1, false), s.witness("/full.mp3", http1, false)
	stay := s.numberedSource("/stay.mp3", 3)
	s.listening("/stay.mp3")
	third := s.witness("/stay.mp3", http1, true)
	hears := func(w *witness, id uint64) {
		t.Helper()
		eventually(t, fmt.Sprintf("%d is heard", id), func() error {
			if got := w.heard.Load(); got != id {
				return fmt.Errorf("%d is heard", got)
			}
			return nil
		})
	}
	hears(first, 1)
	hears(second, 2)
	hears(third, 3)
	stay.down()
	hears(third, 2)
	stay.up()
	defer stay.down()
	var fourth *witness
	eventually(t, "who comes new hears the source", func() error {
		if fourth != nil {
			fourth.stop()
			<-fourth.ended
		}
		fourth = s.witness("/stay.mp3", http1, false)
		eventually(t, "it hears somebody", func() error {
			if fourth.heard.Load() == 0 {
				return errors.New("nobody yet")
			}
			return nil
		})
		if got := fourth.heard.Load(); got != 3 {
			return fmt.Errorf("%d is heard", got)
		}
		return nil
	})
	hears(third, 2)
	for _, w := range []*witness{first, second, third, fourth} {
		w.stop()
		<-w.ended
		w.verify(t)
	}
}

// A source that is connected and says nothing, as when its line is cut, is as good
// as none.
func TestASourceThatFallsSilentIsReplaced(t *testing.T) {
	s := start(t, `icecast {
		source_password hackme
		mount /live.mp3 {
			fallback /backup.mp3
			source_timeout 1s
			return_after 2s
		}
	}`)
	live, backup := s.numberedSource("/live.mp3", 1), s.numberedSource("/backup.mp3", 2)
	defer backup.down()
	w := s.witness("/live.mp3", http1ic, false)
	hears := func(id uint64) {
		t.Helper()
		eventually(t, fmt.Sprintf("%d is heard", id), func() error {
			if got := w.heard.Load(); got != id {
				return fmt.Errorf("%d is heard", got)
			}
			return nil
		})
	}
	hears(1)
	close(live.stop)
	<-live.done
	hears(2)
	began := time.Now()
	live.up()
	defer live.down()
	hears(1)
	if after := time.Since(began); after < 2*time.Second {
		t.Errorf("it came home after %v, want 2s of steady sound first", after)
	}
	w.stop()
	<-w.ended
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
	s := start(t, config("before"))
	live, backup := s.numberedSource("/live.mp3", 1), s.numberedSource("/backup.mp3", 2)
	defer backup.down()
	byFFmpegFor(30, "application/ogg", "-f", "lavfi", "-i", sound, "-c:a", "libopus", "-f", "ogg")(t, s, "/voices.ogg")
	s.listening("/voices.ogg")
	var all []*witness
	for _, way := range waysOut {
		all = append(all, s.witness("/live.mp3", way.kind, way.encrypted))
	}
	live.down()
	for i := range 5 {
		if err := s.reload(config(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		for _, w := range all {
			eventually(t, "the second fallback is heard", func() error {
				if got := w.heard.Load(); got != 2 {
					return fmt.Errorf("%d is heard", got)
				}
				return nil
			})
		}
	}
	for _, w := range all {
		w.stop()
		<-w.ended
		w.verify(t)
	}
}
