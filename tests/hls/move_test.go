package hls_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// With per_ip 1 a player changes between the mounts of a group, and is moved with all listeners of a
// mount, and remains the one listener of its address.
func TestAMovedPlayerCountsOnceForItsAddress(t *testing.T) {
	s := harness.Start(t, station("limits {\n\t\tper_ip 1\n\t}\n\tmount /*.mp3 {\n\t\t"+short+"\n\t}\n\thls /live.m3u8 {\n\t\tmounts /high.mp3 /low.mp3\n\t}"))
	feed(t, s, "/high.mp3")
	feed(t, s, "/low.mp3")
	feed(t, s, "/other.mp3")
	var lists []string
	harness.Eventually(t, "both mounts are in the entry", func() error {
		if lists, _ = variants(text(t, get(t, s, "/live.m3u8"))); len(lists) != 2 {
			return fmt.Errorf("it has %q", lists)
		}
		return nil
	})
	second, _ := variants(text(t, get(t, s, "/live.m3u8")))
	for range 3 {
		for _, list := range lists {
			load(t, s, list)
			if err := answers(get(t, s, second[0]), http.StatusForbidden); err != nil {
				t.Errorf("another listener of the address: %v", err)
			}
		}
	}
	s.WaitForListeners("/low.mp3", 1)
	s.Admin("moveclients?mount=/low.mp3&destination=/other.mp3")
	for _, list := range []string{lists[1], lists[0], lists[1]} {
		load(t, s, list)
		if err := answers(get(t, s, second[1]), http.StatusForbidden); err != nil {
			t.Errorf("after a move, another listener of the address: %v", err)
		}
	}
	s.WaitForListeners("/low.mp3", 1)
	s.WaitForListeners("/high.mp3", 0)
}
