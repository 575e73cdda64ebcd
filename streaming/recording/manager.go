package recording

import (
	"context"
	"sync"

	"github.com/caddycast/caddycast/streaming"
)

// Settings returns the options of a mount's recordings; nil: it is not recorded. It must be
// safe for concurrent use.
type Settings func(mount string) *Options

// Manager records the mounts of a station. Any goroutine may call its methods.
type Manager struct {
	station *streaming.Station
	observe func(Event)

	mu        sync.Mutex
	settings  Settings
	applied   chan struct{} // closed and replaced by Apply
	watching  bool
	recorders map[*streaming.Source]*recorder
	closed    chan struct{}
	once      sync.Once
	running   sync.WaitGroup // watch, and the recorders
}

// NewManager returns a manager without settings, and registers it as the station's OnSource.
// observe is called by several goroutines; it must not block for long.
func NewManager(st *streaming.Station, observe func(Event)) *Manager {
	m := &Manager{
		station: st, observe: observe, applied: make(chan struct{}), closed: make(chan struct{}),
		recorders: make(map[*streaming.Source]*recorder),
	}
	st.OnSource(m.sourceStarted)
	return m
}

// sourceStarted starts the recorder of a source at once, since the source may end before
// watch sees it.
func (m *Manager) sourceStarted(source *streaming.Source) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.settings != nil && !m.isClosed() {
		m.recordSource(source.Mount().Path, source)
	}
}

// Apply takes new settings, also for recordings in progress: a recording whose options have
// changed continues in a new file. Nil ends all recordings.
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

// Close ends all recordings. It waits until their files are complete, or ctx is done.
func (m *Manager) Close(ctx context.Context) error {
	m.once.Do(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		close(m.closed)
	})
	done := make(chan struct{})
	go func() { // ends with the last recorder, which only its disk can delay
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

// watch follows the changes of station and settings until the manager is closed.
func (m *Manager) watch() {
	for {
		changed := m.station.Changed()
		m.mu.Lock()
		applied := m.applied
		m.reconcile()
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

// reconcile starts and stops recorders by the settings. mu is held.
func (m *Manager) reconcile() {
	none := m.settings == nil || m.isClosed()
	if !none {
		for _, mount := range m.station.Mounts() {
			if source := mount.Source(); source != nil {
				m.recordSource(mount.Path, source)
			}
		}
	}
	for source, r := range m.recorders {
		select {
		case <-source.Ended(): // the recorder ends by itself, after the rest of the log
			delete(m.recorders, source)
			continue
		default:
		}
		if none || m.settings(r.mount) == nil {
			delete(m.recorders, source)
			r.set(nil)
		}
	}
}

// recordSource starts the recorder of a source, or changes its options, if the settings have
// any. mu is held.
func (m *Manager) recordSource(mount string, source *streaming.Source) {
	options, r := m.settings(mount), m.recorders[source]
	switch {
	case options == nil:
	case r == nil:
		r = newRecorder(mount, source, m.observe, options)
		m.recorders[source] = r
		m.running.Go(r.run)
	case *r.options.Load() != *options:
		r.set(options)
	}
}
