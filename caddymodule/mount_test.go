package caddymodule

import (
	"path"
	"testing"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
)

func TestCheckInterval(t *testing.T) {
	for n, ok := range map[int]bool{0: true, 256: true, 16000: true, 1 << 20: true, -1: false, 1: false, 255: false, 1<<20 + 1: false} {
		if err := checkInterval(n); (err == nil) != ok {
			t.Errorf("%d: %v", n, err)
		}
	}
}

// FuzzCheckPath: any path is accepted or refused, and a pattern that is accepted is one.
func FuzzCheckPath(f *testing.F) {
	for _, seed := range []string{"/live.mp3", "/", "//", "/\xff\xfe", "/a b", "/*[", "/[a-]", `/*\`, "/?"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		err := (&Mount{Path: p}).checkPath()
		if _, bad := path.Match(p, "/"); err == nil && bad != nil && mountpath.IsPattern(p) {
			t.Errorf("%q is accepted, though it is no pattern", p)
		}
	})
}
