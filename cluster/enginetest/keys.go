package enginetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddycast/caddycast/cluster"
)

// get returns a key, as soon as the engine keeps keys.
func get(t *testing.T, e cluster.Engine, key string) (value string, revision uint64) {
	t.Helper()
	await(t, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		text, r, err := e.Get(ctx, key)
		value, revision = string(text), r
		return err
	})
	return value, revision
}

func testKeys(t *testing.T, s Setup) {
	one, other := connect(t, s), connect(t, s)
	if value, revision := get(t, one, "places"); value != "" || revision != 0 {
		t.Fatalf("a key that nobody has set is %q, revision %d", value, revision)
	}
	get(t, other, "places") // it keeps keys, too
	var last uint64
	for i, e := range []cluster.Engine{one, other, one} {
		text := fmt.Append(nil, "value ", i)
		next, err := e.CompareAndSet(t.Context(), "places", text, last)
		if err != nil || next == last || next == 0 {
			t.Fatalf("set %d: revision %d after %d, %v", i, next, last, err)
		}
		for name, revision := range map[string]uint64{"an older": last, "no": 0, "a later": next + 1} {
			if _, err := other.CompareAndSet(t.Context(), "places", []byte("wrong"), revision); !errors.Is(err, cluster.ErrConflict) && revision != next {
				t.Errorf("set with %s revision: %v; want a conflict", name, err)
			}
		}
		copy(text, "XXXXX") // it may be changed after the call
		for _, e := range []cluster.Engine{one, other} {
			if value, revision := get(t, e, "places"); value != fmt.Sprint("value ", i) || revision != next {
				t.Errorf("value %q, revision %d; want value %d, revision %d", value, revision, i, next)
			}
		}
		last = next
	}
	if next, err := one.CompareAndSet(t.Context(), "places", nil, last); err != nil {
		t.Error(err)
	} else if value, revision := get(t, other, "places"); value != "" || revision != next {
		t.Errorf("an empty value is %q, revision %d; want none, revision %d", value, revision, next)
	}
	if value, revision := get(t, other, "others"); value != "" || revision != 0 {
		t.Errorf("another key has %q, revision %d", value, revision)
	}
}

func testCompareAndSet(t *testing.T, s Setup) {
	const engines, times = 4, 25
	var all sync.WaitGroup
	var failed atomic.Value
	for range engines {
		e := connect(t, s)
		get(t, e, "sum")
		all.Go(func() {
			for done := 0; done < times; {
				value, revision, err := e.Get(t.Context(), "sum")
				var sum int
				_, _ = fmt.Sscan(string(value), &sum)
				if err == nil {
					_, err = e.CompareAndSet(t.Context(), "sum", fmt.Append(nil, sum+1), revision)
				}
				switch {
				case err == nil:
					done++
				case !errors.Is(err, cluster.ErrConflict):
					failed.Store(err)
					return
				}
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		t.Fatal(err)
	}
	if value, _ := get(t, connect(t, s), "sum"); value != fmt.Sprint(engines*times) {
		t.Errorf("counted to %s; want %d", value, engines*times)
	}
}

func testKeysCut(t *testing.T, s Setup) {
	e := connect(t, s)
	get(t, e, "places")
	restore := s.Cut(t)
	await(t, func() error {
		if e.IsConnected() {
			return errors.New("it is connected")
		}
		return nil
	})
	for range 100 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		_, _, read := e.Get(ctx, "places")
		_, set := e.CompareAndSet(ctx, "places", []byte("lost"), 0)
		cancel()
		if read == nil || set == nil || errors.Is(set, cluster.ErrConflict) {
			t.Fatalf("without a connection: %v, %v; want errors", read, set)
		}
	}
	restore()
	if value, _ := get(t, e, "places"); value == "lost" {
		t.Error("a value of before was set")
	}
	_, revision := get(t, e, "places")
	if _, err := e.CompareAndSet(t.Context(), "places", []byte("back"), revision); err != nil {
		t.Errorf("set after it is back: %v", err)
	}
}
