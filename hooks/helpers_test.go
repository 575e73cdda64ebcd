package hooks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddycast/caddycast/internal/leaks"
)

// TestMain fails the package if anything of it still runs after its tests.
func TestMain(m *testing.M) { os.Exit(leaks.Main(m, "caddycast/hooks")) }

// runs is a Runner that remembers what it was run for, and does what do says.
type runs struct {
	do func(ctx context.Context, e *Event) error // nil: it succeeds

	mu   sync.Mutex
	done []string // mount and number, of those that succeeded
	all  int
}

func (r *runs) Run(ctx context.Context, e *Event) error {
	var err error
	if r.do != nil {
		err = r.do(ctx, e)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all++
	if err == nil {
		r.done = append(r.done, e.Mount+" "+e.Get("n"))
	}
	return err
}

func (r *runs) list() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.done)
}

func (r *runs) tries() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all
}

// memory is a Store.
type memory struct {
	mu     sync.Mutex
	values map[string]map[string][]byte // by queue and key
	saves  int
	bytes  int   // saved
	broken error // of all calls
}

func (m *memory) List(_ context.Context, queue string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Keys(m.values[queue])), m.broken
}

func (m *memory) Load(_ context.Context, queue, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return nil, m.broken
	}
	if v, ok := m.values[queue][key]; ok {
		return v, nil
	}
	return nil, fs.ErrNotExist
}

func (m *memory) Save(_ context.Context, queue, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.saves++
	m.bytes += len(value)
	if m.broken != nil {
		return m.broken
	}
	m.set(queue, key, value)
	return nil
}

// set stores a value. mu is held.
func (m *memory) set(queue, key string, value []byte) {
	if m.values == nil {
		m.values = make(map[string]map[string][]byte)
	}
	if m.values[queue] == nil {
		m.values[queue] = make(map[string][]byte)
	}
	m.values[queue][key] = value
}

func (m *memory) Delete(_ context.Context, queue, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken == nil {
		delete(m.values[queue], key)
	}
	return m.broken
}

func (m *memory) DeleteStale(context.Context, []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.broken
}

// fail makes all calls fail; nil repairs the store.
func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = err
}

// copy returns a store with the same values.
func (m *memory) copy() *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := new(memory)
	for queue, values := range m.values {
		for key, value := range values {
			c.set(queue, key, value)
		}
	}
	return c
}

// value returns all that is stored of a queue.
func (m *memory) value(queue string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all strings.Builder
	for _, key := range slices.Sorted(maps.Keys(m.values[queue])) {
		all.Write(m.values[queue][key])
	}
	return all.String()
}

// logged is a log, and what is written to it.
func logged() (func() *zap.Logger, *observer.ObservedLogs) {
	core, lines := observer.New(zap.DebugLevel)
	log := zap.New(core)
	return func() *zap.Logger { return log }, lines
}

// planOf is a plan in which each hook waits for all events.
func planOf(all ...*Hook) *Plan {
	return &Plan{Hooks: all, For: func(Name, string) []*Hook { return all }}
}

// closeNow closes a dispatcher that has nothing to wait for.
func closeNow(d *Dispatcher) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	d.Close(ctx)
}

// numberedEvent is the nth event of a mount.
func numberedEvent(mount string, n int) *Event {
	e := NewEvent(SourceConnected, mount, Count("n", n))
	e.ID = fmt.Sprint(mount, "#", n)
	return e
}

var errDown = errors.New("it is down")
