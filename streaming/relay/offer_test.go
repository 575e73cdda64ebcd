package relay

import (
	"slices"
	"strconv"
	"testing"
)

// offersOf returns the offers of some lists, with none before.
func offersOf(settings *SlaveConfig, lists ...[]listedUpstream) []Config {
	return offers(settings, lists, requiredProtections(lists, nil))
}

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
		for _, c := range offersOf(&SlaveConfig{MayServe: tt.mayServe}, list) {
			got = append(got, c.Mount)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q; want %q", name, got, tt.want)
		}
	}
}

// A mount of which two masters differ is as protected as both demand together.
func TestAMountIsProtectedIfOneOfItsMastersProtectsIt(t *testing.T) {
	lists := func(marks ...[]Protection) (all [][]listedUpstream) {
		for i, p := range marks {
			all = append(all, []listedUpstream{{mount: "/m", upstream: Upstream{URL: strconv.Itoa(i + 1)}, protections: p}})
		}
		return all
	}
	auth, tls := []Protection{ProtectedByAuth}, []Protection{ProtectedByTLS}
	for _, tt := range []struct {
		name  string
		lists [][]listedUpstream
		here  []Protection
		want  string
	}{
		{"the first does", lists(auth, nil), nil, ""},
		{"the second does", lists(nil, auth), nil, ""},
		{"the second does, as this node", lists(nil, auth), auth, "/m=12 "},
		{"both do, each in its way", lists(auth, tls), auth, ""},
		{"both do, and so does this node", lists(auth, tls), []Protection{ProtectedByAuth, ProtectedByTLS}, "/m=12 "},
		{"none does", lists(nil, nil), nil, "/m=12 "},
		{"by an unknown mark", lists(nil, []Protection{"later"}), auth, ""},
	} {
		mayServe := func(_ string, required []Protection) bool {
			return !slices.ContainsFunc(required, func(p Protection) bool { return !slices.Contains(tt.here, p) })
		}
		if got := offersText(offersOf(&SlaveConfig{MayServe: mayServe}, tt.lists...)); got != tt.want {
			t.Errorf("%s: %q; want %q", tt.name, got, tt.want)
		}
	}
}

// Until all masters have answered, offers made before are kept, but not without protection.
func TestOffersAreKeptOnlyWithTheirProtection(t *testing.T) {
	s := new(slave)
	s.settings.Store(new(SlaveConfig))
	answered, silent := newWatcher(s, Upstream{URL: "http://first"}), newWatcher(s, Upstream{URL: "http://second"})
	s.watchers = []*watcher{answered, silent}
	before := []Config{
		{Mount: "/m"},
		{Mount: "/pay", protections: []Protection{ProtectedByAuth}}, // this node had that, too
		{Mount: "/closed"},
	}
	answered.settled = true
	answered.list = []listed{{mount: "/pay", url: "http://first/pay"}, {"/closed", "http://first/closed", []Protection{ProtectedByTLS}}}
	if got := offersText(s.offer(before)); got != "/m= " {
		t.Errorf("the offers are %q; want /m", got)
	}
	silent.settled = true
	if got := offersText(s.offer(before)); got != "/pay=http://first/pay " {
		t.Errorf("the offers are %q; want /pay, as the master says now", got)
	}
}
