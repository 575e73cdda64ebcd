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
	closed   chan struct{}
	once     sync.Once
	running  sync.WaitGroup // the watcher, and the recorders
}

// NewManager returns a manager that records nothing yet. told is called from several
// goroutines; it must not block for long.
func NewManager(st *streaming.Station, told func(Event)) *Manager {
	return &Manager{station: st, told: told, applied: make(chan struct{}), closed: make(chan struct{})}
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

// watch has a recorder for each source that is to be recorded, until the manager is closed.
func (m *Manager) watch() {
	recorders := make(map[*streaming.Source]*recorder)
	for {
		changed := m.station.Changed()
		m.mu.Lock()
		settings, applied := m.settings, m.applied
		m.mu.Unlock()
		if m.isClosed() {
			settings = nil
		}
		m.adjust(recorders, settings)
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

// adjust starts and stops recorders.
func (m *Manager) adjust(recorders map[*streaming.Source]*recorder, settings Settings) {
	here := make(map[*streaming.Source]bool)
	for _, mount := range m.station.Mounts() {
		source := mount.Source()
		if source == nil || settings == nil {
			continue
		}
		options := settings(mount.Path)
		r := recorders[source]
		if options == nil || r != nil && *r.options.Load() == *options {
			here[source] = options != nil
			continue
		}
		here[source] = true
		if r != nil {
			r.set(options)
			continue
		}
		r = &recorder{mount: mount.Path, source: source, told: m.told, wake: make(chan struct{}, 1)}
		r.options.Store(options)
		recorders[source] = r
		m.running.Go(r.run)
	}
	for source, r := range recorders {
		if here[source] {
			continue
		}
		delete(recorders, source)
		select {
		case <-source.Ended(): // it writes what is left, and ends by itself
		default:
			r.set(nil)
		}
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
