package ban

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func parse(t testing.TB, kind Kind, value string) Ban {
	t.Helper()
	b, err := Parse(kind, value)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func add(t testing.TB, l *List, kind Kind, value string, over time.Duration) Ban {
	t.Helper()
	b := parse(t, kind, value)
	if over > 0 {
		b.Until = time.Now().Add(over).UTC()
	}
	b, err := l.Add(b)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhoIsBanned(t *testing.T) {
	type client struct{ ip, agent, user string }
	for _, tt := range []struct {
		kind    Kind
		value   string
		in, out []client
	}{
		{Address, "::ffff:192.0.2.7", []client{{ip: "192.0.2.7"}, {ip: "::ffff:192.0.2.7"}}, []client{{ip: "192.0.2.8"}, {}}},
		{Network, "2001:db8::/32", []client{{ip: "2001:db8:1::1"}}, []client{{ip: "2001:db9::1"}, {ip: "192.0.2.7"}}},
		{Network, "192.0.2.*", []client{{ip: "192.0.2.9"}}, []client{{ip: "192.0.3.9"}}},
		{Agent, "Bad*", []client{{agent: "badbot/1"}}, []client{{agent: "a bad one"}, {}}},
		{User, "anna", []client{{user: "anna"}}, []client{{user: "Anna"}, {}}},
	} {
		l := new(List)
		if l.Any() {
			t.Error("an empty list has bans")
		}
		b := add(t, l, tt.kind, tt.value, 0)
		for banned, all := range map[bool][]client{true: tt.in, false: tt.out} {
			for _, c := range all {
				ip, _ := netip.ParseAddr(c.ip)
				got := l.Match(ip, c.agent, c.user)
				if (got != nil) != banned || banned && got.ID != b.ID {
					t.Errorf("%s %s: %+v is banned by %v", tt.kind, tt.value, c, got)
				}
			}
		}
		if _, err := l.Remove(b.ID, "admin", ""); err != nil || l.Any() || len(l.InForce()) != 0 || len(l.Known()) != 1 {
			t.Errorf("%s %s: taken back: %v, %v", tt.kind, tt.value, err, l.Known())
		}
		if _, err := l.Remove(b.ID, "admin", ""); !errors.Is(err, ErrUnknown) {
			t.Errorf("taken back twice: %v", err)
		}
	}
}

func TestWhatIsNoBan(t *testing.T) {
	for _, b := range []struct {
		kind  Kind
		value string
	}{
		{Address, "example.org"},
		{Address, ""},
		{Network, "192.0.2.0/33"},
		{Agent, ""},
		{Agent, "a\nb"},
		{User, "a\x00"},
		{"name", "x"},
		{User, string(make([]byte, MaxText+1))},
	} {
		if got, err := Parse(b.kind, b.value); err == nil {
			t.Errorf("%s %q is taken as %+v", b.kind, b.value, got)
		}
	}
}

func TestABanEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(List)
		add(t, l, Network, "192.0.2.0/24", 0)
		b := add(t, l, Address, "192.0.2.7", time.Minute)
		ip := netip.MustParseAddr("192.0.2.7")
		if got := l.Match(ip, "", ""); got == nil || got.ID != b.ID {
			t.Errorf("the most specific one is %v", got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := l.Match(ip, "", ""); got == nil || got.Kind != Network {
			t.Errorf("then the other one is in force, but it is %v", got)
		}
		if n := len(l.InForce()); n != 1 {
			t.Errorf("%d are in force", n)
		}
	})
}

// Nodes get the same bans in any order.
func TestListsThatAreMergedAreTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := new(List), new(List)
		defer a.Close()
		defer b.Close()
		add(t, a, User, "anna", 0)
		one := add(t, a, User, "bert", time.Hour)
		if fresh, err := b.Merge(a.Known()); err != nil || len(fresh) != 2 {
			t.Errorf("merged %v, %v", fresh, err)
		}
		time.Sleep(time.Second)
		if _, err := b.Remove(one.ID, "admin", "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		add(t, a, User, "carl", time.Minute)
		if a.Digest(time.Now()) == b.Digest(time.Now()) {
			t.Error("lists that differ have one digest")
		}
		before := a.Known()
		if _, err := a.Merge(b.Known()); err != nil {
			t.Error(err)
		}
		if fresh, _ := b.Merge(before); len(fresh) != 1 {
			t.Errorf("the later change is replaced by the earlier one: %v", fresh)
		}
		now := time.Now()
		if len(a.InForce()) != 2 || a.Digest(now) != b.Digest(now) {
			t.Errorf("the lists differ: %v, %v", a.Known(), b.Known())
		}
		if fresh, _ := a.Merge(b.Known()); len(fresh) != 0 {
			t.Errorf("merged again: %v", fresh)
		}
		later := now.Add(2 * time.Minute) // one has forgotten what has ended
		time.Sleep(time.Hour)
		add(t, a, User, "dora", 0)
		if a.Digest(later) == b.Digest(later) || len(b.InForce()) != 1 {
			t.Errorf("in force are %v", b.InForce())
		}
	})
}

func TestWhatNoListHasIsNotMerged(t *testing.T) {
	now := time.Now().UTC()
	good := parse(t, User, "anna")
	good.At = now
	for name, change := range map[string]func(*Ban){
		"another id":     func(b *Ban) { b.ID = "x" },
		"another form":   func(b *Ban) { b.Kind, b.Value = Address, "::ffff:192.0.2.7" },
		"no kind":        func(b *Ban) { b.Kind = "" },
		"of the future":  func(b *Ban) { b.At = now.Add(time.Hour) },
		"no time":        func(b *Ban) { b.At = time.Time{} },
		"a long reason":  func(b *Ban) { b.Reason = string(make([]byte, MaxText+1)) },
		"control codes":  func(b *Ban) { b.By = "a\x1b[0m" },
		"without an end": func(b *Ban) { b.Until = now.Add(2 * MaxTime) },
	} {
		b, l := good, new(List)
		change(&b)
		if fresh, err := l.Merge([]Ban{b, good}); err == nil || len(fresh) != 1 {
			t.Errorf("%s: merged %v, %v", name, fresh, err)
		}
	}
}

func TestBansAreBounded(t *testing.T) {
	l := new(List)
	var all []Ban
	for i := range maxBans {
		b := parse(t, Address, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).String())
		b.At = time.Now().UTC().Truncate(time.Millisecond)
		all = append(all, b)
	}
	if _, err := l.Merge(all); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Add(parse(t, User, "anna")); err == nil {
		t.Error("there is no end of bans")
	}
	if _, err := l.Add(all[0]); err != nil {
		t.Errorf("a ban is not replaced: %v", err)
	}
}

func BenchmarkMatch(b *testing.B) {
	ip := netip.MustParseAddr("198.51.100.1")
	for name, n := range map[string]int{"none": 0, "10000": maxBans} {
		l := new(List)
		var all []Ban
		for i := range n {
			ban := parse(b, Address, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).String())
			ban.At = time.Now()
			all = append(all, ban)
		}
		_, _ = l.Merge(all)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				l.Match(ip, "player/1", "anna")
			}
		})
	}
}
