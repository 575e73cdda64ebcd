package state

import (
	"testing"
)

func TestWhichShoutcastTitlesArriveFor(t *testing.T) {
	var all shoutcasts
	if _, ok := all.of(8000); ok {
		t.Error("there is one, though there is none")
	}
	all.add(ShoutcastPort{Mount: "/one", Listen: []string{":8001", "127.0.0.1:9001"}})
	check := func(port uint, want string) {
		t.Helper()
		if one, _ := all.of(port); one.Mount != want {
			t.Errorf("a title on port %d is for %q, want %q", port, one.Mount, want)
		}
	}
	check(8000, "/one")
	check(8001, "/one")
	check(9000, "/one")
	check(80, "/one") // the only one
	all.add(ShoutcastPort{Mount: "/two", Listen: []string{"tcp/:8002-8003", "unix//run/x"}})
	check(8000, "/one")
	check(8001, "/one")
	check(8002, "/two")
	check(8003, "/two")
	check(80, "")
}
