package state

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
)

func TestTheListenersOfSlavesEndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l RemoteListeners
		ends := make(map[string][]time.Duration)
		begin := func(node, name string) string {
			session, ok := l.Begin(node, func(heard time.Duration) { ends[name] = append(ends[name], heard) })
			if !ok {
				t.Fatal("too many")
			}
			return session
		}
		first, _, third := begin("a", "first"), begin("a", "second"), begin("b", "third")
		eventually.Advance(5 * time.Minute)
		l.End("b", first, time.Minute) // not its own
		l.End("a", "unknown", time.Minute)
		l.End("a", first, time.Minute)
		l.End("a", first, time.Minute)
		l.End("b", third, time.Hour) // longer than it was there
		l.EndNode("a")
		l.EndNode("a")
		begin("c", "fourth")
		l.Close()
		l.Close()
		for name, want := range map[string]time.Duration{"first": time.Minute, "second": 5 * time.Minute, "third": 6 * time.Minute, "fourth": 0} {
			if got := ends[name]; len(got) != 1 || got[0] != want {
				t.Errorf("the ends of the %s are %v; want one after %v", name, got, want)
			}
		}
		if _, ok := l.Begin("a", nil); ok || l.count != 0 || len(l.byNode) != 0 {
			t.Errorf("after Close one begins (%t); %d are left", ok, l.count)
		}
	})
}

func TestTheListenersOfSlavesAreBounded(t *testing.T) {
	l := RemoteListeners{count: maxRemoteListeners - 1}
	if _, ok := l.Begin("a", nil); !ok {
		t.Error("the last is refused")
	}
	if _, ok := l.Begin("a", nil); ok {
		t.Error("one too many is admitted")
	}
}

func TestOneSlaveDoesNotTakeThePlacesOfAllOthers(t *testing.T) {
	var l RemoteListeners
	for range maxNodeListeners {
		if _, ok := l.Begin("a", nil); !ok {
			t.Fatal("one of its own is refused")
		}
	}
	if _, ok := l.Begin("a", nil); ok {
		t.Error("one too many is admitted")
	}
	if _, ok := l.Begin("b", nil); !ok {
		t.Error("one of another slave is refused")
	}
}
