package origin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/streaming"
)

// hls.js takes what has a number that it knows for what it has played, and is silent for as long.
func TestDiscontinuitiesHaveOtherNumbersAfterARestart(t *testing.T) {
	for name, lists := range map[string]int{"of one list": 1, "of more lists than numbers are reserved": 2 * reservedNumbers} {
		t.Run(name, func(t *testing.T) {
			play(t, streaming.MountSettings{}, func(t *testing.T, s *scene) {
				var last uint64
				for range lists {
					last = s.firstList()
				}
				if err := s.m.Close(t.Context()); err != nil { // it has nothing to store then
					t.Fatal(err)
				}
				s.manage()
				if first := s.firstList(); first <= last {
					t.Errorf("the list begins with discontinuity %d; one before the restart had %d", first, last)
				}
			})
		})
	}
}

// firstList returns the number of the first discontinuity of a list that begins now.
func (s *scene) firstList() (n uint64) {
	s.t.Helper()
	e := s.source(live, numbered.ContentType, nil)
	defer func() {
		e.end()
		eventually.Advance(5 * time.Minute) // nobody asks for the list any more
	}()
	m, id := s.begin()
	eventually.Advance(30 * time.Second)
	text := string(s.poll(m, id).Full().Text)
	_, after, _ := strings.Cut(text, "#EXT-X-DISCONTINUITY-SEQUENCE:")
	if _, err := fmt.Sscan(after, &n); err != nil {
		s.t.Fatalf("%v:\n%s", err, text)
	}
	return n
}
