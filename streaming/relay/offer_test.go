package relay

import (
	"slices"
	"testing"
)

func TestAProtectedMountIsPulledOnlyIfItIsProtectedHere(t *testing.T) {
	list := []listedUpstream{
		{mount: "/open"},
		{mount: "/pay", protections: []Protection{ProtectedByAuth}},
		{mount: "/secure", protections: []Protection{ProtectedByTLS}},
	}
	onlyTLS := func(_ string, required []Protection) bool {
		return slices.Equal(required, []Protection{ProtectedByTLS})
	}
	for name, tt := range map[string]struct {
		mayServe func(string, []Protection) bool
		want     []string
	}{
		"nothing is protected here": {nil, []string{"/open"}},
		"one protection is":         {onlyTLS, []string{"/open", "/secure"}},
	} {
		var got []string
		for _, c := range offers(&SlaveConfig{MayServe: tt.mayServe}, [][]listedUpstream{list}) {
			got = append(got, c.Mount)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q; want %q", name, got, tt.want)
		}
	}
}
