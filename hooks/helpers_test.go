package hooks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
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
	done []string // mount and id, of those that succeeded
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
		r.done = append(r.done, e.Mount+" "+e.ID)
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
	values map[string][]byte
	saves  int
	broken error
}

func (m *memory) Load(_ context.Context, name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return nil, m.broken
	}
	if v, ok := m.values[name]; ok {
		return v, nil
	}
	return nil, fs.ErrNotExist
}

func (m *memory) Save(_ context.Context, name string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.saves++
	if m.broken != nil {
		return m.broken
	}
	if m.values == nil {
		m.values = make(map[string][]byte)
	}
	if m.values[name] = value; value == nil {
		delete(m.values, name)
	}
	return nil
}

func (m *memory) Tidy(context.Context, []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.broken
}

// repair makes the store work.
func (m *memory) repair() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = nil
}

func (m *memory) value(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return string(m.values[name])
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
	e.ID = fmt.Sprint(n)
	return e
}

var errDown = errors.New("it is down")
