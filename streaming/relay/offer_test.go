package relay

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
)

// offersOf returns the offers of some lists, with none before.
func offersOf(settings *SlaveConfig, lists ...[]listedUpstream) []Config {
	return offers(settings, lists, requiredProtections(lists, nil))
}

// without returns the function Missing of a node that has some protections.
func without(here ...Protection) func(string, []Protection) []Protection {
	return func(_ string, required []Protection) []Protection {
		return slices.DeleteFunc(slices.Clone(required), func(p Protection) bool { return slices.Contains(here, p) })
	}
}

func TestAProtectedMountIsPulledOnlyIfItIsProtectedHere(t *testing.T) {
	list := []listedUpstream{
		{mount: "/open"},
		{mount: "/pay", protections: []Protection{ProtectedByAuth}},
		{mount: "/secure", protections: []Protection{ProtectedByTLS}},
	}
	for name, tt := range map[string]struct {
		missing func(string, []Protection) []Protection
		want    []string
	}{
		"nothing is protected here": {nil, []string{"/open"}},
		"one protection is":         {without(ProtectedByTLS), []string{"/open", "/secure"}},
	} {
		var got []string
		for _, c := range offersOf(&SlaveConfig{Missing: tt.missing}, list) {
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
		if got := offersText(offersOf(&SlaveConfig{Missing: without(tt.here...)}, tt.lists...)); got != tt.want {
			t.Errorf("%s: %q; want %q", tt.name, got, tt.want)
		}
	}
}

// Until all masters have answered, offers made before are kept, but not without protection.
func TestOffersAreKeptOnlyWithTheirProtection(t *testing.T) {
	s := new(slave)
	s.settings.Store(new(SlaveConfig))
	answered, silent := newWatcher(s, 0, Upstream{URL: "http://first"}), newWatcher(s, 1, Upstream{URL: "http://second"})
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

// A mount that is not pulled is announced once, and forgotten with the list that has it.
func TestMountsThatAreNotPulledAreThoseOfTheLists(t *testing.T) {
	s := new(slave)
	s.settings.Store(&SlaveConfig{Mounts: []string{"/p*"}, Missing: without(ProtectedByAuth)})
	w := newWatcher(s, 0, Upstream{URL: "http://master"})
	s.watchers, w.settled = []*watcher{w}, true
	m := &Manager{slave: s}
	both := []Protection{ProtectedByAuth, ProtectedByTLS}
	for _, tt := range []struct {
		name     string
		list     []listed
		events   []string
		withheld string
	}{
		{"listed", []listed{{"/pay", "http://master/pay", both}, {"/other", "http://master/other", both}}, []string{"/pay tls"}, "map[/pay:[tls]]"},
		{"still listed", []listed{{"/pay", "http://master/pay", both}}, nil, "map[/pay:[tls]]"},
		{"another", []listed{{"/pay", "http://master/pay", []Protection{ProtectedByAuth}}, {"/play", "http://master/play", []Protection{"x"}}}, []string{"/play x"}, "map[/play:[x]]"},
		{"no longer listed", nil, nil, "map[]"},
	} {
		w.list = tt.list
		var events []string
		for _, e := range m.takeOffers() {
			events = append(events, e.Mount+" "+e.Cause)
		}
		if got := fmt.Sprint(m.Withheld()); !slices.Equal(events, tt.events) || got != tt.withheld {
			t.Errorf("%s: the events are %q, withheld %s; want %q and %s", tt.name, events, got, tt.events, tt.withheld)
		}
	}
	for i := range 2 * maxWithheldEvents {
		w.list = append(w.list, listed{"/p" + strconv.Itoa(i), "http://master/p", both})
	}
	if events, all := m.takeOffers(), m.Withheld(); len(events) != maxWithheldEvents || len(all) != len(w.list) {
		t.Errorf("%d events for %d mounts; want %d for %d", len(events), len(all), maxWithheldEvents, len(w.list))
	}
}
