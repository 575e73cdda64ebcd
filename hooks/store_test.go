package hooks

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/internal/eventually"
)

// keeper is a hook whose queue outlives the process.
func keeper(r Runner) *Plan {
	return planOf(&Hook{Name: "h", Label: "it", Runner: r, Policy: Policy{Workers: 4, Retry: 24 * time.Hour, Persist: true}})
}

func TestAQueueOutlivesTheProcess(t *testing.T) {
	for _, ends := range []string{"politely", "by a crash"} {
		t.Run(ends, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, _ := logged()
				store := new(memory)
				down := &runs{do: func(context.Context, *Event) error { return errDown }}
				d := NewDispatcher(log, store)
				d.Apply(keeper(down))
				for n := range 5 {
					d.Dispatch(numberedEvent("/0", n))
					d.Dispatch(numberedEvent("/1", n))
				}
				eventually.Advance(10 * time.Second)
				crashed := store.copy()
				closeNow(d)
				if ends == "by a crash" {
					store = crashed
				}
				if store.value("h") == "" {
					t.Fatal("nothing is stored")
				}
				up := new(runs)
				d = NewDispatcher(log, store)
				d.Apply(keeper(up))
				d.Dispatch(numberedEvent("/0", 5)) // after what was stored
				d.Dispatch(numberedEvent("/1", 5))
				eventually.Advance(10 * time.Second)
				inOrder(t, up.list(), 2, 6)
				if v := store.value("h"); v != "" {
					t.Errorf("there is still stored %s", v)
				}
				d.Close(t.Context())
			})
		})
	}
}

// A reload may make a queue one that is stored.
func TestAQueueThatIsToBeStoredAfterAReloadIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _ := logged()
		store := new(memory)
		down := &runs{do: func(context.Context, *Event) error { return errDown }}
		plan := keeper(down)
		before := *plan.Hooks[0]
		before.Policy.Persist = false
		d := NewDispatcher(log, store)
		d.Apply(planOf(&before))
		d.Dispatch(numberedEvent("/0", 0))
		d.Dispatch(numberedEvent("/0", 1))
		eventually.Advance(time.Minute)
		if v := store.value("h"); v != "" {
			t.Errorf("before, there is stored %s", v)
		}
		d.Apply(plan)
		d.Dispatch(numberedEvent("/0", 2))
		closeNow(d)
		up := new(runs)
		d = NewDispatcher(log, store)
		d.Apply(keeper(up))
		eventually.Advance(time.Second)
		inOrder(t, up.list(), 1, 3)
		d.Close(t.Context())
	})
}

func TestAnEventAfterTheEndIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _ := logged()
		store := new(memory)
		h := keeper(new(runs)).Hooks[0]
		d := NewDispatcher(log, store)
		d.Apply(planOf(h))
		closeNow(d)
		d.Enqueue(h, numberedEvent("/0", 0))
		d.Enqueue(h, numberedEvent("/0", 1))
		d.Enqueue(&Hook{Name: "another", Policy: h.Policy}, numberedEvent("/0", 2))
		eventually.Advance(time.Second)
		if n := strings.Count(store.value("h"), "source_connected"); n != 2 || store.value("another") != "" {
			t.Errorf("stored is %v", store.values)
		}
	})
}

func TestAnEventThatIsDeliveredAtOnceIsNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _ := logged()
		store, r := new(memory), new(runs)
		d := NewDispatcher(log, store)
		d.Apply(keeper(r))
		for n := range 100 {
			d.Dispatch(numberedEvent("/0", n))
			eventually.Advance(1300 * time.Millisecond) // not in step with flushes
		}
		d.Close(t.Context())
		if inOrder(t, r.list(), 1, 100); store.saves != 0 {
			t.Errorf("it was written to %d times", store.saves)
		}
	})
}

func TestABrokenStoreDoesNotStopDelivery(t *testing.T) {
	for name, c := range map[string]struct {
		broken error
		key    string
		value  string
		says   string
	}{
		"it can't be reached":             {errors.New("no disk"), segmentKey(1, "a"), `{"Version":1}`, "stored hook queue not readable, retrying"},
		"it has nonsense":                 {nil, segmentKey(1, "a"), `{"Version":1,"Events":[{"ID":"1","Fields":{"a":{}}}]}`, "stored hook events not decodable, discarded"},
		"it has a later version":          {nil, segmentKey(1, "a"), `{"Version":2}`, "stored hook events not decodable, discarded"},
		"it has nonsense of an older one": {nil, DocumentKey, `[{"Fields":{"a":{}}}]`, "stored hook events not decodable, discarded"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, lines := logged()
				store := &memory{broken: c.broken, values: map[string]map[string][]byte{"h": {c.key: []byte(c.value)}}}
				var works atomic.Bool
				r := &runs{do: func(context.Context, *Event) error {
					if !works.Load() {
						return errDown
					}
					return nil
				}}
				d := NewDispatcher(log, store)
				d.Apply(keeper(r))
				d.Dispatch(numberedEvent("/0", 0))
				eventually.Advance(time.Minute)
				works.Store(true)
				eventually.Advance(2 * time.Minute)
				inOrder(t, r.list(), 1, 1)
				if n := lines.FilterLevelExact(zap.ErrorLevel).Len(); n != 1 || lines.FilterMessage(c.says).Len() != 1 {
					t.Errorf("logged was %v", lines.All())
				}
				if v := store.value("h"); v != c.value && c.broken != nil || v != "" && c.broken == nil {
					t.Errorf("stored is %q", v)
				}
				d.Close(t.Context())
			})
		})
	}
}

func TestAStoreThatWasUnavailableIsReadLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _ := logged()
		store := new(memory)
		d := NewDispatcher(log, store)
		d.Apply(keeper(&runs{do: func(context.Context, *Event) error { return errDown }}))
		for n := range 3 {
			d.Dispatch(numberedEvent("/0", n))
		}
		closeNow(d)
		before := store.value("h")

		store.fail(errors.New("no disk"))
		r := new(runs)
		d = NewDispatcher(log, store)
		d.Apply(keeper(r))
		d.Dispatch(numberedEvent("/1", 3))
		eventually.Advance(5 * time.Minute)
		if got := r.list(); len(got) != 1 || store.value("h") != before {
			t.Fatalf("before the store works, delivered is %v and stored is %q", got, store.value("h"))
		}
		store.fail(nil)
		eventually.Advance(2 * time.Minute)
		if got := r.list(); len(got) != 4 || got[1] != "/0 0" || got[3] != "/0 2" || store.value("h") != "" {
			t.Errorf("delivered is %v, stored is %q", got, store.value("h"))
		}
		d.Close(t.Context())
	})
}

func TestAnEventComesBackAsItWas(t *testing.T) {
	log, _ := logged()
	store := new(memory)
	e := NewEvent(ListenerRemoved, "/m\n", Text("agent", "a\x00\"<b>\r\n\u2028"), Count("bytes", uint64(1<<62)),
		Seconds("duration", 1500*time.Millisecond), Seconds("whole", 2*time.Second), Flag("tls", true), Field{"pass", "ü: "}, Field{"latin", "\xfc\x00"})
	e.Node, e.Station = "n", "s"
	d := NewDispatcher(log, store)
	d.Apply(keeper(&runs{do: func(context.Context, *Event) error { return errDown }}))
	d.Dispatch(e)
	closeNow(d)
	got := make(chan *Event, 1)
	d = NewDispatcher(log, store)
	d.Apply(keeper(&runs{do: func(_ context.Context, e *Event) error { got <- e; return nil }}))
	back := <-got
	d.Close(t.Context())
	if !back.Time.Equal(e.Time) {
		t.Errorf("its time is %v, want %v", back.Time, e.Time)
	}
	for i, f := range e.All() {
		if b := back.All()[i]; b.Key != f.Key || b.String() != f.String() {
			t.Errorf("%s is %v, was %v", f.Key, b, f)
		}
	}
	if back.Time = e.Time; reflect.TypeOf(back.Fields[1].Value) != reflect.TypeFor[int64]() {
		t.Errorf("a count came back as %T", back.Fields[1].Value)
	}
}

func FuzzFieldsTakeAnything(f *testing.F) {
	f.Add(`{"a":1,"b":"x","c":true,"d":1.5,"e":null}`)
	f.Add(`{"a":[]}`)
	f.Add(`{"a":["_A=="]}`)
	f.Add(`{"a":["/A=="]}`)
	f.Add(`{"a":1e999}`)
	f.Fuzz(func(t *testing.T, text string) {
		var fields Fields
		if fields.UnmarshalJSON([]byte(text)) != nil {
			return
		}
		out, err := fields.MarshalJSON()
		if err != nil {
			t.Fatalf("%q was read as %v, which can't be written: %v", text, fields, err)
		}
		var again Fields
		if err := again.UnmarshalJSON(out); err != nil || len(again) != len(fields) {
			t.Fatalf("%q: %v, %v", out, again, err)
		}
	})
}

func TestATextFitsIntoALine(t *testing.T) {
	e := NewEvent(MetadataUpdated, "/m", Text("title", "a\r\nX-Evil: 1\x00"+strings.Repeat("ü", maxText)))
	got := e.Get("title")
	if strings.ContainsAny(got, "\r\n\x00") || len(got) > maxText || !strings.HasPrefix(got, "a") {
		t.Errorf("it is %q", got)
	}
}
