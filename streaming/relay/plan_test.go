package relay

import (
	"reflect"
	"testing"
)

func TestThePlanIsTheDifference(t *testing.T) {
	own := []Config{{Mount: "/a", Upstreams: []Upstream{{URL: "own"}}}, {Mount: "/b"}}
	offered := []Config{{Mount: "/a", mirrored: true}, {Mount: "/c", mirrored: true}}
	configs := merge(own, offered)
	if c := configs["/a"]; len(configs) != 3 || c.mirrored || !configs["/c"].mirrored {
		t.Errorf("the configurations are %v", configs)
	}
	for _, tt := range []struct {
		name    string
		running map[string]bool
		want    plan
	}{
		{"nothing runs", nil, plan{start: []string{"/a", "/b", "/c"}}},
		{"all run", map[string]bool{"/a": true, "/b": true, "/c": true}, plan{update: []string{"/a", "/b", "/c"}}},
		{"another one runs", map[string]bool{"/b": true, "/d": true}, plan{remove: []string{"/d"}, update: []string{"/b"}, start: []string{"/a", "/c"}}},
	} {
		if got := newPlan(tt.running, configs); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v; want %+v", tt.name, got, tt.want)
		}
	}
	if got := newPlan(map[string]bool{"/x": true}, map[string]bool{}); !reflect.DeepEqual(got, plan{remove: []string{"/x"}}) {
		t.Errorf("nothing is configured: %+v", got)
	}
}

// offersText writes offers as mount=upstreams.
func offersText(all []Config) (text string) {
	for _, c := range all {
		text += c.Mount + "="
		for _, u := range c.Upstreams {
			text += u.URL
		}
		text += " "
	}
	return text
}

func TestOffersOfSeveralMasters(t *testing.T) {
	list := func(master string, mounts ...string) (all []listedUpstream) {
		for _, m := range mounts {
			all = append(all, listedUpstream{mount: m, upstream: Upstream{URL: master}})
		}
		return all
	}
	before := []Config{{Mount: "/a", Upstreams: []Upstream{{URL: "2"}}}, {Mount: "/old", Upstreams: []Upstream{{URL: "2"}}}}
	for _, tt := range []struct {
		name     string
		patterns []string
		lists    [][]listedUpstream
		want     string
		kept     string
	}{
		{"no list has arrived", nil, nil, "", "/a=2 /old=2 "},
		{"one list", nil, [][]listedUpstream{list("1", "/a", "/b"), nil}, "/a=1 /b=1 ", "/a=12 /b=1 /old=2 "},
		{"both lists", nil, [][]listedUpstream{list("1", "/a"), list("2", "/b", "/a")}, "/a=12 /b=2 ", "/a=12 /b=2 /old=2 "},
		{"some mounts", []string{"/b*"}, [][]listedUpstream{list("1", "/a", "/bb")}, "/bb=1 ", "/bb=1 "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			settings := &SlaveConfig{Mounts: tt.patterns, OnDemand: true}
			got := offersOf(settings, tt.lists...)
			if offersText(got) != tt.want {
				t.Errorf("the offers are %s; want %s", offersText(got), tt.want)
			}
			for _, c := range got {
				if !c.mirrored || !c.OnDemand {
					t.Errorf("%s is %+v", c.Mount, c)
				}
			}
			kept := keepOffers(got, before, func(m string) bool { return matches(tt.patterns, m) })
			if offersText(kept) != tt.kept {
				t.Errorf("with those before they are %s; want %s", offersText(kept), tt.kept)
			}
		})
	}
}
