package streaming

import "errors"

// ErrNoSuchStream says that listeners can't be moved to where nothing sounds.
var ErrNoSuchStream = errors.New("Source is not available")

// Move makes the listeners of a mount hear another one, until that falls silent. They
// stay the first one's: then they hear what its fallbacks say. Those who were promised
// another content type stay where they are. It returns how many were moved.
func (st *Station) Move(from, to string) (moved int, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	m := st.mounts[from]
	if m == nil || !st.state(to).Live {
		return 0, ErrNoSuchStream
	}
	for l := range m.lanes {
		if l.typ == st.state(to).Type {
			if l.moved = to; to == from {
				l.moved = "" // home again
			}
			moved += l.listeners
		}
	}
	st.reconsider()
	return moved, nil
}

// chooseFor asks the director for a lane, unless its listeners were moved. mu is held.
func (st *Station) chooseFor(l *lane) (*Mount, Choice) {
	if l.moved != "" {
		if s := st.state(l.moved); s.Live && s.Usable(l.typ) {
			return st.mounts[l.moved], Choice{Hear: l.moved}
		}
		l.moved = ""
	}
	return st.choose(l.mount, l.typ, l.heard().Path)
}
