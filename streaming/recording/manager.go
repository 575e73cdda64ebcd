package recording

import (
	"context"
	"sync"

	"github.com/caddycast/caddycast/streaming"
)

// Settings returns how a mount is to be recorded, nil if it is not. It must be safe for
// concurrent use.
type Settings func(mount string) *Options

// Manager records the mounts of a station as its settings say.
type Manager struct {
	station *streaming.Station
	told    func(Event)

	mu       sync.Mutex
	settings Settings
	applied  chan struct{} // closed, and made anew, by Apply
	watching bool
	busy     map[*streaming.Source]*recorder
	closed   chan struct{}
	once     sync.Once
	running  sync.WaitGroup // the watcher, and the recorders
}

// NewManager returns a manager that records nothing yet; it is the station's OnSource. told is called from several
// goroutines; it must not block for long.
func NewManager(st *streaming.Station, told func(Event)) *Manager {
	m := &Manager{
		station: st, told: told, applied: make(chan struct{}), closed: make(chan struct{}),
		busy: make(map[*streaming.Source]*recorder),
	}
	st.OnSource(m.came)
	return m
}

// came begins to record a source at once: it may be gone before anybody looks.
func (m *Manager) came(source *streaming.Source) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.settings != nil && !m.isClosed() {
		m.adjustOne(source.Mount().Path, source)
	}
}

// Apply puts settings into force, also for what is being recorded: with others than
// before it goes on in a new file. Nil is to record nothing.
func (m *Manager) Apply(s Settings) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settings = s
	close(m.applied)
	m.applied = make(chan struct{})
	if s != nil && !m.watching && !m.isClosed() {
		m.watching = true
		m.running.Go(m.watch)
	}
}

// Close ends all recordings and waits until their files are complete, or ctx is done.
func (m *Manager) Close(ctx context.Context) error {
	m.once.Do(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		close(m.closed)
	})
	done := make(chan struct{})
	go func() { // it ends with the last write
		m.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *Manager) isClosed() bool {
	select {
	case <-m.closed:
		return true
	default:
		return false
	}
}

// watch follows what changes, until the manager is closed.
func (m *Manager) watch() {
	for {
		changed := m.station.Changed()
		m.mu.Lock()
		applied := m.applied
		m.adjust()
		m.mu.Unlock()
		if m.isClosed() {
			return
		}
		select {
		case <-changed:
		case <-applied:
		case <-m.closed:
		}
	}
}

// adjust starts and stops recorders, so that there is one for each source that is to be
// recorded. mu is held.
func (m *Manager) adjust() {
	over := m.settings == nil || m.isClosed()
	if !over {
		for _, mount := range m.station.Mounts() {
			if source := mount.Source(); source != nil {
				m.adjustOne(mount.Path, source)
			}
		}
	}
	for source, r := range m.busy {
		select {
		case <-source.Ended(): // it writes what is left, and ends by itself
			delete(m.busy, source)
			continue
		default:
		}
		if over || m.settings(r.mount) == nil {
			delete(m.busy, source)
			r.set(nil)
		}
	}
}

// adjustOne records a source if the settings say so. mu is held.
func (m *Manager) adjustOne(mount string, source *streaming.Source) {
	options, r := m.settings(mount), m.busy[source]
	switch {
	case options == nil:
	case r == nil:
		r = &recorder{mount: mount, source: source, told: m.told, tap: source.Tap(), wake: make(chan struct{}, 1)}
		r.options.Store(options)
		m.busy[source] = r
		m.running.Go(r.run)
	case *r.options.Load() != *options:
		r.set(options)
	}
}

// set changes how it records.
func (r *recorder) set(o *Options) {
	r.options.Store(o)
	select {
	case r.wake <- struct{}{}:
	default:
	}
}
