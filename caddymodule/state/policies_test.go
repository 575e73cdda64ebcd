package state

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
)

// Anybody can ask for paths, and a path may be as long as the head of a request.
func TestPathsThatAreMadeUpTakeLittleMemory(t *testing.T) {
	resolved := 0
	p := policies{resolve: func(string) *MountPolicy { resolved++; return new(MountPolicy) }}
	for i := range maxPolicies + 10 {
		p.get(fmt.Sprintf("/%d", i))
	}
	if n := len(p.byPath); n > maxPolicies {
		t.Errorf("%d policies are remembered; want %d at most", n, maxPolicies)
	}
	before := len(p.byPath)
	p.get("/" + strings.Repeat("x", mountpath.MaxLen))
	if n := len(p.byPath); n != before {
		t.Errorf("a path that no mount has is remembered")
	}
	resolved = 0
	longest := "/" + strings.Repeat("x", mountpath.MaxLen-1)
	if first := p.get(longest); first != p.get(longest) || resolved != 1 {
		t.Errorf("the longest path of a mount is resolved %d times; want once", resolved)
	}
}
