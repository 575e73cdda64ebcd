// Package enginetest holds what every cluster.Engine promises. A plugin with an engine of its own
// calls Run in a test.
package enginetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/caddycast/caddycast/cluster"
	"github.com/caddycast/caddycast/internal/eventually"
)

// patience is how long a test waits for a message.
const patience = 30 * time.Second

// Setup makes what the tests need; each call returns another cluster.
type Setup struct {
	// Connect returns a new engine of the cluster, which ends with the test.
	Connect func(t *testing.T) cluster.Engine

	// Cut takes the system away from all engines, and returns a function that brings it back.
	Cut func(t *testing.T) (restore func())
}

// Run runs the suite. setup is called for each test.
func Run(t *testing.T, setup func(t *testing.T) Setup) {
	for _, one := range []struct {
		name string
		test func(*testing.T, Setup)
	}{
		{"messages reach all subscribers in order", testOrder},
		{"subjects are apart", testSubjects},
		{"a subscription that was cancelled receives nothing", testCancel},
		{"an engine that is away says so, and comes back", testCut},
		{"a payload may be changed after it was published", testPayload},
		{"a key has its last value at all engines", testKeys},
		{"of those who set a key at the same time one succeeds", testCompareAndSet},
		{"an engine that is away has no keys, and answers soon", testKeysCut},
	} {
		t.Run(one.name, func(t *testing.T) { one.test(t, setup(t)) })
	}
}

// inbox collects messages.
type inbox struct {
	mu  sync.Mutex
	all []string
}

func (i *inbox) receive(payload []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.all = append(i.all, string(payload))
}

func (i *inbox) texts() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.all)
}

func (i *inbox) waitFor(t *testing.T, want ...string) {
	t.Helper()
	await(t, func() error {
		if got := i.texts(); !slices.Equal(got, want) {
			return fmt.Errorf("received %.200q; want %.200q", got, want)
		}
		return nil
	})
}

func await(t *testing.T, try func() error) {
	t.Helper()
	if err := eventually.Within(patience, time.Millisecond, try); err != nil {
		t.Fatal(err)
	}
}

// connect returns an engine that is connected.
func connect(t *testing.T, s Setup) cluster.Engine {
	t.Helper()
	e := s.Connect(t)
	await(t, func() error {
		if !e.IsConnected() {
			return cluster.ErrDisconnected
		}
		return nil
	})
	return e
}

// subscribe returns what arrives at a subject, once the subscription is in force.
func subscribe(t *testing.T, e cluster.Engine, subject string) (*inbox, func()) {
	t.Helper()
	in := new(inbox)
	cancel, err := e.Subscribe(subject, in.receive)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cancel)
	return in, cancel
}

func publish(t *testing.T, e cluster.Engine, subject, text string) {
	t.Helper()
	if err := e.Publish(subject, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func testOrder(t *testing.T, s Setup) {
	sender, other := connect(t, s), connect(t, s)
	own, _ := subscribe(t, sender, "words")
	there, _ := subscribe(t, other, "words")
	settle(t, sender, other)
	var want []string
	for i := range 500 {
		want = append(want, fmt.Sprint("message ", i))
		publish(t, sender, "words", want[i])
	}
	own.waitFor(t, want...)
	there.waitFor(t, want...)
}

// settle waits until the subscriptions of some engines are in force.
func settle(t *testing.T, all ...cluster.Engine) {
	t.Helper()
	for _, from := range all {
		for _, to := range all {
			in, cancel := subscribe(t, to, "settle")
			await(t, func() error {
				publish(t, from, "settle", "?")
				if len(in.texts()) == 0 {
					return errors.New("nothing has arrived")
				}
				return nil
			})
			cancel()
		}
	}
}

func testSubjects(t *testing.T, s Setup) {
	e := connect(t, s)
	first, _ := subscribe(t, e, "first")
	second, _ := subscribe(t, e, "second")
	settle(t, e)
	publish(t, e, "first", "1")
	publish(t, e, "second", "2")
	first.waitFor(t, "1")
	second.waitFor(t, "2")
}

func testCancel(t *testing.T, s Setup) {
	e := connect(t, s)
	in, cancel := subscribe(t, e, "words")
	more, _ := subscribe(t, e, "words")
	settle(t, e)
	publish(t, e, "words", "before")
	in.waitFor(t, "before")
	cancel()
	publish(t, e, "words", "after")
	more.waitFor(t, "before", "after")
	in.waitFor(t, "before")
}

func testCut(t *testing.T, s Setup) {
	e := connect(t, s)
	in, _ := subscribe(t, e, "words")
	changed := make(chan struct{}, 100)
	defer e.OnConnection(func() { changed <- struct{}{} })()
	restore := s.Cut(t)
	await(t, func() error {
		if e.IsConnected() {
			return errors.New("it is connected")
		}
		return nil
	})
	if err := e.Publish("words", []byte("lost")); !errors.Is(err, cluster.ErrDisconnected) {
		t.Errorf("published without a connection: %v", err)
	}
	restore()
	await(t, func() error {
		_ = e.Publish("words", []byte("back"))
		if !slices.Contains(in.texts(), "back") {
			return errors.New("nothing has arrived")
		}
		return nil
	})
	if slices.Contains(in.texts(), "lost") {
		t.Error("a message of before has arrived")
	}
	if len(changed) < 2 {
		t.Errorf("told of %d changes; want two", len(changed))
	}
}

func testPayload(t *testing.T, s Setup) {
	e := connect(t, s)
	in, _ := subscribe(t, e, "words")
	settle(t, e)
	payload := []byte("once")
	if err := e.Publish("words", payload); err != nil {
		t.Fatal(err)
	}
	copy(payload, "XXXX")
	in.waitFor(t, "once")
}
