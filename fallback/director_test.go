package fallback

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/format"
)

const (
	mpegType, oggType = "audio/mpeg", "application/ogg"
	mpegLoop, oggLoop = standbyPrefix + "stereo-44100.mp3", standbyPrefix + "stereo-48000.opus"
)

// world is the input of a director.
type world struct {
	rules  map[string]Rule
	states map[string]streaming.State
	now    time.Time
}

func (w *world) director() *Director {
	return NewDirector(func(path string) Rule { return w.rules[path] }, NewPlayers(nil, nil), nil, func(Mismatch) {})
}

func (w *world) ask(home, typ, heard string) streaming.Decision {
	return w.director().Choose(streaming.Query{
		Home: home, Type: typ, Heard: heard, Now: w.now,
		State: func(path string) streaming.State { return w.states[path] },
	})
}

func live(typ string) streaming.State {
	return streaming.State{Live: true, Type: typ, Since: time.Unix(1000, 0)}
}

// of is a live mount with an audio.
func of(audio format.Audio) streaming.State {
	s := live(mpegType)
	s.Audio = audio
	return s
}

func waits(typ string) streaming.State { return streaming.State{Waits: true, Type: typ} }

func TestWhatListenersHear(t *testing.T) {
	type states = map[string]streaming.State
	chain := map[string]Rule{
		"/live":   {Fallbacks: []string{"/backup", "/other"}},
		"/backup": {Fallbacks: []string{"/third"}},
	}
	each := map[string]Rule{"/a": {Fallbacks: []string{"/b"}}, "/b": {Fallbacks: []string{"/a"}}}
	slow := map[string]Rule{"/live": {Fallbacks: []string{"/backup"}, ReturnAfter: 10 * time.Second}}
	stay := map[string]Rule{"/live": {Fallbacks: []string{"/backup", "/third"}, Stay: true}}
	loop := map[string]Rule{"/live": {Fallbacks: append([]string{"/backup"}, Standby("/live")...)}}
	for _, tt := range []struct {
		name             string
		rules            map[string]Rule
		states           states
		home, typ, heard string
		want             streaming.Decision
	}{
		{"its own source", chain, states{"/live": live(mpegType), "/backup": live(mpegType)}, "/live", mpegType, "/live", streaming.Decision{Hear: "/live"}},
		{"the first fallback", chain, states{"/backup": live(mpegType), "/other": live(mpegType)}, "/live", mpegType, "/live", streaming.Decision{Hear: "/backup"}},
		{"the fallback's own fallback comes before the second", chain, states{"/third": live(mpegType), "/other": live(mpegType)}, "/live", mpegType, "/live", streaming.Decision{Hear: "/third"}},
		{"the second fallback", chain, states{"/other": live(mpegType)}, "/live", mpegType, "/live", streaming.Decision{Hear: "/other"}},
		{"nothing", chain, states{}, "/live", mpegType, "/live", streaming.Decision{}},
		{"listeners wait for a source that reconnects", chain, states{"/live": waits(mpegType), "/backup": live(mpegType)}, "/live", mpegType, "/live", streaming.Decision{Hear: "/live"}},
		{"new listeners hear the fallback meanwhile", chain, states{"/live": waits(mpegType), "/backup": live(mpegType)}, "/live", "", "", streaming.Decision{Hear: "/backup"}},
		{"new listeners without a fallback wait, too", chain, states{"/live": waits(mpegType)}, "/live", "", "", streaming.Decision{Hear: "/live"}},
		{"listeners of a fallback wait for its source", chain, states{"/backup": waits(mpegType), "/third": live(mpegType)}, "/live", mpegType, "/backup", streaming.Decision{Hear: "/backup"}},
		{"home again", chain, states{"/live": live(mpegType), "/backup": live(mpegType)}, "/live", mpegType, "/backup", streaming.Decision{Hear: "/live"}},
		{"home at once from a fallback that ended", slow, states{"/live": live(mpegType)}, "/live", mpegType, "/backup", streaming.Decision{Hear: "/live"}},
		{"not home before return_after", slow, states{"/live": live(mpegType), "/backup": live(mpegType)}, "/live", mpegType, "/backup", streaming.Decision{Hear: "/backup", Again: 7 * time.Second}},
		{"override off keeps them on the fallback", stay, states{"/live": live(mpegType), "/third": live(mpegType)}, "/live", mpegType, "/third", streaming.Decision{Hear: "/third"}},
		{"override off keeps them until the fallback ends", stay, states{"/live": live(mpegType), "/backup": live(mpegType)}, "/live", mpegType, "/third", streaming.Decision{Hear: "/live"}},
		{"the heard mount is no longer a fallback", stay, states{"/third": live(mpegType), "/gone": live(mpegType)}, "/live", mpegType, "/gone", streaming.Decision{Hear: "/third"}},
		{"a file needs no return_after", map[string]Rule{"/live": {Fallbacks: []string{File([]string{"f"}), "/b"}, ReturnAfter: time.Hour}}, states{File([]string{"f"}): live(mpegType), "/b": live(mpegType)}, "/live", mpegType, "/b", streaming.Decision{Hear: File([]string{"f"})}},
		{"the standby loop ends if home comes back as another type", loop, states{"/live": live(oggType), mpegLoop: live(mpegType)}, "/live", mpegType, mpegLoop, streaming.Decision{}},
		{"nor does it play for those that hear home until then", loop, states{"/live": live(oggType)}, "/live", mpegType, "/live", streaming.Decision{}},
		{"but a mount of their type keeps them", loop, states{"/live": live(oggType), "/backup": live(mpegType), mpegLoop: live(mpegType)}, "/live", mpegType, mpegLoop, streaming.Decision{Hear: "/backup"}},
		{"a fallback of another type is skipped", chain, states{"/backup": live(oggType), "/third": live(mpegType)}, "/live", mpegType, "/live", streaming.Decision{Hear: "/third"}},
		{"any type is fine for new listeners", chain, states{"/backup": live(oggType), "/third": live(mpegType)}, "/live", "", "", streaming.Decision{Hear: "/backup"}},
		{"a source of another type", chain, states{"/live": live(oggType)}, "/live", mpegType, "/live", streaming.Decision{}},
		{"mutual fallbacks, first mount", each, states{"/b": live(mpegType)}, "/a", mpegType, "/a", streaming.Decision{Hear: "/b"}},
		{"mutual fallbacks, second mount", each, states{"/a": live(mpegType)}, "/b", mpegType, "/b", streaming.Decision{Hear: "/a"}},
		{"mutual fallbacks without sources", each, states{}, "/a", mpegType, "/b", streaming.Decision{}},
		{"the standby loop is started in the listener's type", loop, states{}, "/live", oggType, "/live", streaming.Decision{StartOnDemand: []string{oggLoop}, Soon: true}},
		{"the standby loop is started in any type for new listeners", loop, states{}, "/live", "", "", streaming.Decision{StartOnDemand: []string{mpegLoop}, Soon: true}},
		{"the standby loop is not started while a better mount is live", loop, states{"/backup": live(mpegType)}, "/live", mpegType, "/backup", streaming.Decision{Hear: "/backup"}},
		{"no standby loop of the listener's type", loop, states{}, "/live", "video/webm", "/live", streaming.Decision{}},
		{"the standby loop plays", loop, states{mpegLoop: live(mpegType)}, "/live", mpegType, "/live", streaming.Decision{Hear: mpegLoop}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := world{tt.rules, tt.states, time.Unix(1003, 0)}
			if got := w.ask(tt.home, tt.typ, tt.heard); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

var (
	stereo44 = format.Audio{Rate: 44100, Channels: 2}
	mono44   = format.Audio{Rate: 44100, Channels: 1}
	mono48   = format.Audio{Rate: 48000, Channels: 1}
)

// Many players stop if sampling rate or channels change, so a fallback that fits is better than one
// that is named before it. One that does not is better than none.
func TestFallbacksThatFitAreBetter(t *testing.T) {
	type states = map[string]streaming.State
	file := File([]string{"f"})
	mounts := map[string]Rule{"/live": {Fallbacks: []string{"/one", "/two"}}}
	stay := map[string]Rule{"/live": {Fallbacks: []string{"/one", "/two"}, Stay: true}}
	loop := map[string]Rule{"/live": {Fallbacks: append([]string{"/one"}, Standby("/live.mp3")...)}}
	files := map[string]Rule{"/live": {Fallbacks: []string{file, "/one"}}}
	start := func(name string) streaming.Decision {
		return streaming.Decision{StartOnDemand: []string{name}, Soon: true}
	}
	for _, tt := range []struct {
		name     string
		rules    map[string]Rule
		states   states
		promised format.Audio
		heard    string
		want     streaming.Decision
		warned   string // the fallback
	}{
		{"the first one fits", mounts, states{"/one": of(mono44), "/two": of(mono44)}, mono44, "/live", streaming.Decision{Hear: "/one"}, ""},
		{"the second one fits", mounts, states{"/one": of(stereo44), "/two": of(mono44)}, mono44, "/live", streaming.Decision{Hear: "/two"}, ""},
		{"none fits", mounts, states{"/one": of(stereo44), "/two": of(mono48)}, mono44, "/live", streaming.Decision{Hear: "/one"}, "/one"},
		{"it is not known whether it fits", mounts, states{"/one": of(format.Audio{}), "/two": of(mono44)}, mono44, "/live", streaming.Decision{Hear: "/one"}, ""},
		{"a better one for listeners of one that does not fit", stay, states{"/one": of(mono44), "/two": of(stereo44)}, mono44, "/two", streaming.Decision{Hear: "/one"}, ""},
		{"they stay if no other fits", stay, states{"/one": of(mono48), "/two": of(stereo44)}, mono44, "/two", streaming.Decision{Hear: "/two"}, "/two"},
		{"home again, whatever it sends now", mounts, states{"/live": of(stereo44), "/one": of(mono44)}, mono44, "/one", streaming.Decision{Hear: "/live"}, ""},
		{"its own source has changed", mounts, states{"/live": of(stereo44), "/one": of(mono44)}, mono44, "/live", streaming.Decision{Hear: "/live"}, ""},
		{"new listeners take any", mounts, states{"/one": of(stereo44)}, format.Audio{}, "", streaming.Decision{Hear: "/one"}, ""},
		{"none fits while its source may come back", mounts, states{"/live": waits(mpegType), "/one": of(stereo44)}, mono44, "/two", streaming.Decision{Hear: "/one"}, "/one"},
		{"the standby loop that fits", loop, states{}, mono48, "/live", start(standbyPrefix + "mono-48000.mp3"), ""},
		{"the standby loop instead of a mount that does not fit", loop, states{"/one": of(stereo44)}, mono48, "/live", start(standbyPrefix + "mono-48000.mp3"), ""},
		{"no standby loop fits", loop, states{}, format.Audio{Rate: 22050, Channels: 1}, "/live", start(mpegLoop), ""},
		{"and one plays", loop, states{mpegLoop: of(stereo44)}, format.Audio{Rate: 22050, Channels: 1}, "/live", streaming.Decision{Hear: mpegLoop}, mpegLoop},
		{"a file that does not fit", files, states{"/one": of(mono44)}, mono44, "/live", streaming.Decision{Hear: "/one"}, ""},
		{"none would fit", mounts, states{"/live": of(mono44), "/one": of(stereo44), "/two": of(mono48)}, mono44, "/live", streaming.Decision{Hear: "/live"}, "would hear /one"},
		{"one would fit", mounts, states{"/live": of(mono44), "/one": of(stereo44), "/two": of(mono44)}, mono44, "/live", streaming.Decision{Hear: "/live"}, ""},
		{"the standby loop would fit", loop, states{"/live": of(mono44), "/one": of(stereo44)}, mono44, "/live", streaming.Decision{Hear: "/live"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, warned := world{tt.rules, tt.states, time.Unix(1003, 0)}, ""
			d := w.director()
			d.players.kinds[file] = streamKind{mpegType, "", mpegType, stereo44}
			d.onMismatch = func(m Mismatch) {
				if warned = m.Fallback; m.Kind == NoneWouldFit {
					warned = "would hear " + warned
				}
			}
			got := d.Choose(streaming.Query{
				Home: "/live", Type: mpegType, Audio: tt.promised, Heard: tt.heard, Now: w.now,
				State: func(path string) streaming.State { return w.states[path] },
			})
			if !reflect.DeepEqual(got, tt.want) || warned != tt.warned {
				t.Errorf("%+v, warned of %q; want %+v, %q", got, warned, tt.want, tt.warned)
			}
		})
	}
}

// With any graph and any change, listeners hear the first live mount of their chain, or nothing
// is live.
func TestListenersHearTheFirstThatIsLive(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		n := 2 + rnd.IntN(6)
		name := func(i int) string { return fmt.Sprintf("/%d", i) }
		w := world{rules: make(map[string]Rule), states: make(map[string]streaming.State), now: time.Unix(2000, 0)}
		for i := range n {
			var r Rule
			for range rnd.IntN(4) {
				r.Fallbacks = append(r.Fallbacks, name(rnd.IntN(n)))
			}
			w.rules[name(i)] = r
		}
		heard := name(0)
		for range 20 {
			delete(w.states, name(rnd.IntN(n)))
			w.states[name(rnd.IntN(n))] = live(mpegType)
			order := w.director().plan(name(0)).order
			if len(slices.Compact(slices.Sorted(slices.Values(order)))) != len(order) {
				t.Fatalf("%v visits a mount twice", order)
			}
			want := ""
			for _, path := range order {
				if w.states[path].Live {
					want = path
					break
				}
			}
			got := w.ask(name(0), mpegType, heard).Hear
			if got != want {
				t.Fatalf("%v, of which %v are live: %q is heard, want %q", order, w.states, got, want)
			}
			if heard = got; heard == "" {
				heard = name(0)
			}
		}
	}
}

// A client can make up a path as long as the head of its request.
func TestALongPathIsNotRemembered(t *testing.T) {
	d := (&world{}).director()
	for path, want := range map[string]int{"/" + strings.Repeat("x", maxHome-1): 1, "/" + strings.Repeat("x", maxHome): 0} {
		d.Forget()
		if d.HasFallback(path) || len(d.plans) != want {
			t.Errorf("of %d bytes: %d plans; want %d", len(path), len(d.plans), want)
		}
	}
}
