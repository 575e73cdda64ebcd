package hooks

import "testing"

func TestTheGroupOfAProcessIsRead(t *testing.T) {
	for stat, want := range map[string]struct {
		state string
		group int
		ok    bool
	}{
		"12 (sh) S 1 11 11 0 -1":      {"S", 11, true},
		"12 (a) Z 9 (b) Z 1 11 11 0 ": {"Z", 11, true},
		"12 (sh) S 1 x 11":            {"S", 0, false},
		"12 (sh) S 1":                 {},
		"":                            {},
	} {
		if state, group, ok := parseStat([]byte(stat)); state != want.state || group != want.group || ok != want.ok {
			t.Errorf("%q is read as %q, %d, %v; want %v", stat, state, group, ok, want)
		}
	}
}
