package streaming

import (
	"errors"
	"testing"

	"github.com/caddycast/caddycast/internal/numbered"
)

// heard returns the mount that the listener's group hears.
func (p *player) heard() string {
	st := p.Mount().station
	l := p.shard.groupOf(p.Listener)
	if l == nil {
		return ""
	}
	st.mu.RLock()
	defer st.mu.RUnlock()
	if m := l.heard(); m != nil {
		return m.Path
	}
	return ""
}

func TestListenersAreMovedUntilThatFallsSilent(t *testing.T) {
	st, _ := newTestStation(t, Settings{})
	a, b := connect(t, st, "/a", numbered.ContentType), connect(t, st, "/b", numbered.ContentType)
	a.send(5)
	b.send(5)
	newMount(st, "/c").goLive("audio/aac")
	p, direct := join(t, st, "/a", true, Client{}), join(t, st, "/b", true, Client{})
	if n, err := st.Move("/a", "/b", false); n.Listeners != 1 || err != nil || p.heard() != "/b" {
		t.Fatalf("%+v are moved, %v; heard is %s", n, err, p.heard())
	}
	if late := join(t, st, "/a", true, Client{}); late.heard() != "/a" {
		t.Errorf("a new listener hears %s", late.heard())
	}
	if n, err := st.Move("/a", "/a", false); n.Listeners != 2 || err != nil || p.heard() != "/a" {
		t.Errorf("%+v are moved back, %v; heard is %s", n, err, p.heard())
	}
	for _, to := range []string{"/nothing", "/c"} {
		n, err := st.Move("/a", to, true)
		if n != (Moved{}) || p.heard() != "/a" || (to == "/nothing") != errors.Is(err, ErrNoSuchStream) {
			t.Errorf("%+v are moved to %s, %v", n, to, err)
		}
	}
	if _, err := st.Move("/a", "/b", false); err != nil {
		t.Fatal(err)
	}
	b.end()
	if p.heard() != "/a" || direct.heard() != "" {
		t.Errorf("after that has ended they hear %s, and those who asked for it %q", p.heard(), direct.heard())
	}
}

// All listeners of a slave would hear the other mount under the name of the first.
func TestSlavesAreMovedOnlyWhenThatIsAskedFor(t *testing.T) {
	st, _ := newTestStation(t, Settings{})
	a, b := connect(t, st, "/a", numbered.ContentType), connect(t, st, "/b", numbered.ContentType)
	a.send(5)
	b.send(5)
	slave, p := join(t, st, "/a", true, Client{Slave: true}), join(t, st, "/a", true, Client{})
	if n, err := st.Move("/a", "/b", false); n != (Moved{Listeners: 1}) || err != nil || p.heard() != "/b" || slave.heard() != "/a" {
		t.Errorf("%+v are moved, %v; they hear %s, the slave %s", n, err, p.heard(), slave.heard())
	}
	if n, err := st.Move("/a", "/b", true); n != (Moved{1, 1}) || err != nil || slave.heard() != "/b" {
		t.Errorf("%+v are moved, %v; the slave hears %s", n, err, slave.heard())
	}
	if n, err := st.Move("/a", "/a", false); n != (Moved{Listeners: 1}) || err != nil || p.heard() != "/a" || slave.heard() != "/b" {
		t.Errorf("%+v are moved back, %v; they hear %s, the slave %s", n, err, p.heard(), slave.heard())
	}
}

func TestOneListenerIsMovedAndNoOther(t *testing.T) {
	for _, way := range paths {
		t.Run(way.name, func(t *testing.T) {
			st, ended := newTestStation(t, Settings{})
			a, b := connect(t, st, "/a", numbered.ContentType), connect(t, st, "/b", numbered.ContentType)
			a.send(5)
			b.send(5)
			newMount(st, "/c").goLive("audio/aac")
			p, stays := join(t, st, "/a", way.plain, Client{}), join(t, st, "/a", way.plain, Client{})
			groups := func() (n int) {
				st.mu.RLock()
				defer st.mu.RUnlock()
				return len(st.mounts["/a"].groups)
			}
			if err := st.MoveListener(p.Listener, "/b"); err != nil || p.heard() != "/b" || stays.heard() != "/a" || p.Mount().Path != "/a" {
				t.Fatalf("%v; they hear %s and %s", err, p.heard(), stays.heard())
			}
			for to, want := range map[string]error{"/nothing": ErrNoSuchStream, "/c": ErrOtherType} {
				if err := st.MoveListener(p.Listener, to); !errors.Is(err, want) || p.heard() != "/b" {
					t.Errorf("moved to %s: %v; it hears %s", to, err, p.heard())
				}
			}
			if n := groups(); n != 2 {
				t.Errorf("there are %d groups", n)
			}
			b.end()
			if p.heard() != "/a" {
				t.Errorf("after that has ended it hears %s", p.heard())
			}
			p.Remove(Removed)
			if l := nextEnded(t, ended); l != p.Listener {
				t.Errorf("%d ended", l.ID)
			}
			if err := st.MoveListener(p.Listener, "/a"); !errors.Is(err, ErrNoSuchListener) || groups() != 1 {
				t.Errorf("an ended listener is moved: %v; there are %d groups", err, groups())
			}
		})
	}
}

func TestWhoIsPresent(t *testing.T) {
	st, ended := newTestStation(t, Settings{})
	if n := len(st.Snapshot("")); n != 0 {
		t.Errorf("%d are present before anybody came", n)
	}
	a, b := connect(t, st, "/a", numbered.ContentType), connect(t, st, "/b", numbered.ContentType)
	a.send(5)
	b.send(5)
	for _, way := range paths {
		join(t, st, "/a", way.plain, Client{Agent: way.name})
	}
	slave := join(t, st, "/b", true, Client{Slave: true})
	all := st.Snapshot("")
	if len(all) != 3 || len(st.Snapshot("/a")) != 2 || all[2].Listener != slave.Listener || all[0].Client.Agent != "plain" {
		t.Fatalf("present are %v", all)
	}
	st.Listener(all[1].ID).Remove(Removed)
	if l := nextEnded(t, ended); l != all[1].Listener || l.Reason() != Removed {
		t.Errorf("%d ended as %v", l.ID, l.Reason())
	}
	if st.Listener(12345) != nil {
		t.Error("there is one that never was")
	}
	if st.Listeners() != 1 || st.Mount("/b").Stats().Slaves != 1 {
		t.Errorf("%d listeners, %+v", st.Listeners(), st.Mount("/b").Stats())
	}
}
