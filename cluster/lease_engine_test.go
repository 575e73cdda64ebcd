package cluster

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
)

// slow is an engine that keeps keys, but not always.
type slow struct {
	*Memory
	isSlow atomic.Bool
}

func (s *slow) Get(ctx context.Context, key string) (value []byte, revision uint64, err error) {
	if s.isSlow.Load() {
		<-ctx.Done()
	}
	return s.Memory.Get(ctx, key)
}

func (s *slow) CompareAndSet(ctx context.Context, key string, value []byte, revision uint64) (next uint64, err error) {
	if s.isSlow.Load() {
		<-ctx.Done()
	}
	return s.Memory.CompareAndSet(ctx, key, value, revision)
}

func TestAnEngineThatDoesNotAnswerCostsOneListenerAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slow{Memory: NewBus().Engine()}
		var told []bool
		l := StartLeases(e, NewIdentity().ID, "", func(shared bool, _ error) { told = append(told, shared) })
		defer l.Close()
		eventually.Advance(time.Second)
		e.isSlow.Store(true)
		before := time.Now()
		for range 100 {
			l.Take("mount", "/live", 1000)
		}
		if took := time.Since(before); took > askTime {
			t.Errorf("100 listeners waited %v; want %v", took, askTime)
		}
		if l.AreShared() {
			t.Error("the limits are said to be shared")
		}
		eventually.Advance(5 * time.Second)
		e.isSlow.Store(false)
		eventually.Advance(2 * probeTime)
		if !l.AreShared() || len(told) != 2 || told[0] || !told[1] {
			t.Errorf("shared: %v, told %v; want true, and both", l.AreShared(), told)
		}
		if text, _, err := e.Get(t.Context(), thing{"mount", "/live"}.key()); decodePlaces(text)[l.self] != 100 {
			t.Errorf("the engine has %s, %v; want 100 places", text, err)
		}
	})
}

func TestAnHeirHasThePlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLeasers(t, 2)
		old, other := s.all[0], s.all[1]
		s.takeAll(10, old)
		old.mute() // another process goes on with its listeners
		next := s.add(old.self)
		next.Add("mount", "/live", 10, 10)
		for range int(2 * leaseAge / time.Second) {
			if other.take(10) || next.take(10) {
				t.Fatal("a place was free")
			}
			eventually.Advance(time.Second)
		}
		for range 4 {
			next.Return("mount", "/live")
		}
		eventually.Advance(time.Second)
		for i := range 4 {
			if !other.take(10) {
				t.Fatalf("%d places are free; want 4", i)
			}
		}
		if other.take(10) {
			t.Error("a fifth place was free")
		}
	})
}

// A node that stood still does not go by what it held before.
func TestANodeThatStoodStillAsksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLeasers(t, 2)
		a, b := s.all[0], s.all[1]
		s.takeAll(10, a)
		a.free()
		a.mu.Lock()
		a.signs.own = time.Now().Add(-2 * leaseAge)
		a.things[thing{"mount", "/live"}].held = 10 // it did not come to give it back
		a.mu.Unlock()
		b.Seen(a.self, true)
		for range 10 {
			b.take(10)
		}
		if a.take(10) {
			t.Error("a place of before was used")
		}
	})
}

func TestKeysHaveNoNames(t *testing.T) {
	if a, b := (thing{"address", "192.0.2.1"}).key(), (thing{"mount", "192.0.2.1"}).key(); a == b || len(a) != 32 {
		t.Errorf("keys %s and %s", a, b)
	}
}

func TestAnyValueIsTaken(t *testing.T) {
	for _, text := range []string{"", "null", "[]", `{"x":1}`, `{"0123456789abcdef0123":-1}`, `{"0123456789abcdef0123":1e9}`, "{"} {
		if got := decodePlaces([]byte(text)); len(got) > 0 && got["0123456789abcdef0123"] <= 0 {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func BenchmarkAPlaceInHand(b *testing.B) {
	l := StartLeases(NewBus().Engine(), NewIdentity().ID, "", func(bool, error) {})
	defer l.Close()
	eventually.True(b, time.Minute, "the engine answers", l.AreShared)
	for !l.Take("mount", "/live", 1<<40) {
		b.Fatal(errors.New("no place"))
	}
	b.ReportAllocs()
	for b.Loop() {
		l.Take("mount", "/live", 1<<40)
		l.Return("mount", "/live")
	}
}
