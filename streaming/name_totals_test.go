package streaming

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/numbered"
)

// totalsNamed returns the totals of a name.
func totalsNamed(t testing.TB, st *Station, path string) MountTotals {
	t.Helper()
	all := st.Totals()
	i := slices.IndexFunc(all, func(t MountTotals) bool { return t.Path == path })
	if i < 0 {
		t.Fatalf("%q is not counted; there are %d names", path, len(all))
	}
	return all[i]
}

func TestWhatAMountCountedOutlivesIt(t *testing.T) {
	for _, way := range paths {
		t.Run(way.name, func(t *testing.T) {
			st, ended := newTestStation(t, Settings{})
			var read, sent uint64
			for round := uint64(1); round <= 3; round++ {
				src := connect(t, st, "/m", numbered.ContentType)
				src.send(2)
				p := join(t, st, "/m", way.plain, Client{Protocol: "HTTP/1.1", Encrypted: true})
				slave := join(t, st, "/m", way.plain, Client{Protocol: "HTTP/1.1", Slave: true})
				aside, mirrored := p.readAside(), slave.readAside()
				if now := totalsNamed(t, st, "/m"); now.Listeners[5] != 1 || now.Slaves != 1 || now.Status == nil || Transports[5] != (Transport{"HTTP/1.1", true}) {
					t.Errorf("round %d: %+v", round, now)
				}
				read += uint64(len(numbered.AppendFrame(nil, 0, time.Now())) + len(numbered.AppendFrame(nil, 1, time.Now())))
				src.end()
				sent += uint64(len(<-aside) + len(<-mirrored))
				nextEnded(t, ended)
				nextEnded(t, ended)
				got := totalsNamed(t, st, "/m")
				want := Counts{Sources: round, BytesRead: read, BytesSent: sent}
				want.Came[5], want.Left[SourceEnded] = round, round
				if got.Counts != want || got.Listeners != [len(Transports)]int64{} || got.Slaves != 0 || got.Status != nil {
					t.Errorf("round %d: counted %+v; want %+v", round, got, want)
				}
			}
			if m := st.byName["/m"]; len(m.parts) != 0 {
				t.Errorf("%d mounts that are no more are kept", len(m.parts))
			}
		})
	}
}

// A listener may be at the door of a mount that is dropped, and takes it back.
func TestAMountThatIsTakenBackIsNotCountedTwice(t *testing.T) {
	st, _ := newTestStation(t, Settings{})
	m := newMount(st, "/m")
	m.sources.Add(1)
	m.bytesRead.Add(7)
	for range 2 {
		st.mu.Lock()
		st.mounts["/m"] = m
		st.startCounting(m)
		st.dropUnused()
		st.mu.Unlock()
		m.bytesRead.Add(1)
	}
	st.mu.Lock()
	st.mounts["/m"] = m
	st.startCounting(m)
	st.mu.Unlock()
	if got := totalsNamed(t, st, "/m").BytesRead; got != 9 {
		t.Errorf("%d bytes are counted; want 9", got)
	}
}

func TestNamesAreCountedAsFarAsThereIsRoom(t *testing.T) {
	st, _ := newTestStation(t, Settings{})
	mount := func(path string) *Mount {
		m := newMount(st, path)
		m.sources.Add(1)
		st.mu.Lock()
		defer st.mu.Unlock()
		st.mounts[path] = m
		st.startCounting(m)
		return m
	}
	drop := func(m *Mount) {
		st.mu.Lock()
		defer st.mu.Unlock()
		delete(st.mounts, m.Path)
		st.stopCounting(m)
	}
	first := mount("/0")
	for i := 1; i < maxNames; i++ {
		mount(fmt.Sprintf("/%d", i))
	}
	for _, path := range []string{"/over", "/bad\xff", "/long" + string(make([]byte, maxNameLength))} {
		mount(path).bytesRead.Add(1)
	}
	if got := totalsNamed(t, st, "").BytesRead; got != 3 {
		t.Errorf("%d bytes are counted without a name; want 3", got)
	}
	drop(first)
	mount("/next").bytesRead.Add(5)
	if got := totalsNamed(t, st, "/next").BytesRead; got != 5 {
		t.Errorf("%d bytes are counted; want 5", got)
	}
	all := st.Totals()
	if slices.ContainsFunc(all, func(t MountTotals) bool { return t.Path == "/0" }) {
		t.Error("the name is counted still that made room")
	}
	if len(all) != maxNames+1 {
		t.Errorf("%d names; want %d and the rest", len(all), maxNames)
	}
}

// Where a pattern has a fallback anybody can make mounts up. They have no name in the
// counts until a source takes it.
func TestMountsThatAreMadeUpAreCountedAmongTheOthers(t *testing.T) {
	st, _ := newTestStation(t, Settings{Director: backup{path: "/backup"}, Mount: func(path string) MountSettings { return MountSettings{Named: path == "/named"} }})
	b := connect(t, st, "/backup", numbered.ContentType)
	b.send(5)
	for _, path := range []string{"/made-up", "/made-up-too", "/named"} {
		join(t, st, path, true, Client{Protocol: "HTTP/1.1"})
	}
	names := func() (all []string) {
		for _, t := range st.Totals() {
			all = append(all, fmt.Sprint(t.Path, " ", t.Listeners[1], "/", t.Came[1]))
		}
		return all
	}
	if got := fmt.Sprint(names()); got != "[ 2/2 /backup 0/0 /named 1/1]" {
		t.Errorf("counted are %s", got)
	}
	connect(t, st, "/made-up", numbered.ContentType).send(5)
	join(t, st, "/made-up", true, Client{Protocol: "HTTP/1.1"})
	if got := fmt.Sprint(names()); got != "[ 1/2 /backup 0/0 /made-up 2/1 /named 1/1]" {
		t.Errorf("once it has a source, counted are %s", got)
	}
}

func TestEveryClientCameInSomeWay(t *testing.T) {
	for c, want := range map[Client]Transport{
		{Protocol: "HTTP/1.0"}:                  {"HTTP/1.0", false},
		{Protocol: "HTTP/2.0", Encrypted: true}: {"HTTP/2.0", true},
		{Protocol: "HTTP/3.0", Encrypted: true}: {"HTTP/3.0", true},
		{Protocol: "HTTP/1.7"}:                  {"", false},
		{Protocol: "", Encrypted: true}:         {"", true},
	} {
		if got := Transports[c.transport()]; got != want {
			t.Errorf("%+v came by %+v; want %+v", c, got, want)
		}
	}
}

func TestPassesAndDelaysAreMeasured(t *testing.T) {
	st, _ := newTestStation(t, Settings{})
	src := connect(t, st, "/m", numbered.ContentType)
	src.send(2)
	if n := st.CycleTimes().Count; n != 0 {
		t.Errorf("%d passes without a listener", n)
	}
	p := join(t, st, "/m", true, Client{})
	p.readHead()
	eventually.True(t, patience, "a delay is known", func() bool {
		src.send(1)
		return st.Delays().Count > 0
	})
	d := st.Delays()
	if d.Sum <= 0 || d.Sum > patience || st.CycleTimes().Count < d.Count {
		t.Errorf("delays %+v, passes %+v", d, st.CycleTimes())
	}
}

func TestAHistogramCountsUpToItsBounds(t *testing.T) {
	var h histogram
	for _, d := range []time.Duration{0, bounds[0], bounds[0] + 1, bounds[len(bounds)-1], bounds[len(bounds)-1] + 1, -1} {
		h.observe(d)
	}
	d := h.distribution()
	if d.Counts[0] != 3 || d.Counts[1] != 4 || d.Counts[len(bounds)-1] != 5 || d.Count != 6 {
		t.Errorf("%+v", d)
	}
	if want := 2*bounds[0] + 2*bounds[len(bounds)-1] + 1; d.Sum != want {
		t.Errorf("the sum is %v; want %v", d.Sum, want)
	}
}
