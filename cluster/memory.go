package cluster

import "sync"

// memoryQueue is how many messages a subscriber may be behind.
const memoryQueue = 4096

// Bus connects the engines of one process.
type Bus struct {
	mu          sync.Mutex
	subscribers map[string]map[*subscriber]bool // by subject
	keys        memoryKeys
}

// NewBus returns a bus without subscribers.
func NewBus() *Bus { return &Bus{subscribers: make(map[string]map[*subscriber]bool)} }

// Engine returns a new engine of the bus. It need not be closed.
func (b *Bus) Engine() *Memory {
	return &Memory{bus: b, connected: true, watchers: make(map[*func()]bool)}
}

// Memory is the engine of nodes of one process.
type Memory struct {
	bus *Bus

	mu        sync.Mutex
	connected bool
	watchers  map[*func()]bool
}

// subscriber is one subscription; one goroutine calls its function.
type subscriber struct {
	engine   *Memory
	messages chan []byte
	done     chan struct{}
}

// Publish implements Engine.
func (m *Memory) Publish(subject string, payload []byte) error {
	if !m.IsConnected() {
		return ErrDisconnected
	}
	if len(payload) > maxMessage {
		return ErrTooLong
	}
	m.bus.mu.Lock()
	defer m.bus.mu.Unlock()
	for s := range m.bus.subscribers[subject] {
		if !s.engine.IsConnected() {
			continue
		}
		select {
		case s.messages <- append([]byte(nil), payload...):
		default: // it is too slow
		}
	}
	return nil
}

// Subscribe implements Engine.
func (m *Memory) Subscribe(subject string, receive func(payload []byte)) (cancel func(), err error) {
	s := &subscriber{m, make(chan []byte, memoryQueue), make(chan struct{})}
	m.bus.mu.Lock()
	if m.bus.subscribers[subject] == nil {
		m.bus.subscribers[subject] = make(map[*subscriber]bool)
	}
	m.bus.subscribers[subject][s] = true
	m.bus.mu.Unlock()
	var ended sync.WaitGroup
	ended.Go(func() {
		for {
			select {
			case payload := <-s.messages:
				receive(payload)
			case <-s.done:
				return
			}
		}
	})
	return sync.OnceFunc(func() {
		m.bus.mu.Lock()
		delete(m.bus.subscribers[subject], s)
		m.bus.mu.Unlock()
		close(s.done)
		ended.Wait()
	}), nil
}

// IsConnected implements Engine.
func (m *Memory) IsConnected() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.connected
}

// OnConnection implements Engine.
func (m *Memory) OnConnection(changed func()) (cancel func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watchers[&changed] = true
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.watchers, &changed)
	}
}

// SetConnected cuts the engine off from the bus, or connects it again.
func (m *Memory) SetConnected(connected bool) {
	m.mu.Lock()
	m.connected = connected
	var all []func()
	for w := range m.watchers {
		all = append(all, *w)
	}
	m.mu.Unlock()
	for _, changed := range all {
		changed()
	}
}
