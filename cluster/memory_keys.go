package cluster

import (
	"bytes"
	"context"
	"maps"
	"time"
)

// memoryKeys are the keys of a bus, whose lock guards them. The zero value has none.
type memoryKeys struct {
	values map[string]memoryValue
	last   uint64 // revision
	sweep  int    // how many there are when old ones are removed
}

type memoryValue struct {
	text     []byte
	revision uint64
	set      time.Time
}

// get returns a value that is not too old; the zero value if there is none.
func (k *memoryKeys) get(key string, now time.Time) memoryValue {
	if v := k.values[key]; now.Sub(v.set) < KeyAge {
		return v
	}
	return memoryValue{}
}

func (k *memoryKeys) set(key string, value []byte, now time.Time) uint64 {
	if k.values == nil {
		k.values = make(map[string]memoryValue)
	}
	if len(k.values) >= k.sweep {
		maps.DeleteFunc(k.values, func(_ string, v memoryValue) bool { return now.Sub(v.set) >= KeyAge })
		k.sweep = max(64, 2*len(k.values))
	}
	k.last++
	k.values[key] = memoryValue{bytes.Clone(value), k.last, now}
	return k.last
}

// Get implements Engine.
func (m *Memory) Get(ctx context.Context, key string) (value []byte, revision uint64, err error) {
	if err := m.reach(ctx); err != nil {
		return nil, 0, err
	}
	m.bus.mu.Lock()
	defer m.bus.mu.Unlock()
	v := m.bus.keys.get(key, time.Now())
	return bytes.Clone(v.text), v.revision, nil
}

// CompareAndSet implements Engine.
func (m *Memory) CompareAndSet(ctx context.Context, key string, value []byte, revision uint64) (next uint64, err error) {
	if err := m.reach(ctx); err != nil {
		return 0, err
	}
	m.bus.mu.Lock()
	defer m.bus.mu.Unlock()
	now := time.Now()
	if m.bus.keys.get(key, now).revision != revision {
		return 0, ErrConflict
	}
	return m.bus.keys.set(key, value, now), nil
}

// reach returns an error if the bus cannot be reached.
func (m *Memory) reach(ctx context.Context) error {
	if !m.IsConnected() {
		return ErrDisconnected
	}
	return ctx.Err()
}
