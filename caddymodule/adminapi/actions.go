package adminapi

import (
	"errors"
	"net/http"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming"
)

// kick disconnects a listener.
func kick(st *state.Station, req *actionBody) (any, error) {
	if req.ID == nil {
		return nil, errorf(http.StatusBadRequest, "id: missing; expected the number of a listener, such as 7")
	}
	who, err := listenerOf(st, req)
	if err != nil {
		return nil, err
	}
	who.Remove(streaming.Removed)
	return map[string]any{"kicked": who.ID, "mount": who.Mount().Path}, nil
}

// listenerOf returns the listener that a request names by its number and perhaps its
// mount.
func listenerOf(st *state.Station, req *actionBody) (*streaming.Listener, error) {
	who := st.Listener(*req.ID)
	if who == nil || req.Mount != "" && who.Mount().Path != req.Mount {
		return nil, errorf(http.StatusNotFound, "listener %d: unknown; expected one of the list of listeners", *req.ID)
	}
	return who, nil
}

// move moves the listeners of a mount, or one of them, to another mount.
func move(st *state.Station, req *actionBody) (any, error) {
	if req.ID != nil {
		return moveOne(st, req)
	}
	m, err := mountOf(st, req.Mount)
	if err != nil {
		return nil, err
	}
	to, err := mountOf(st, req.To)
	if err != nil {
		return nil, err
	}
	n, err := st.Move(m.Path, to.Path, req.Slaves)
	if err != nil {
		return nil, errorf(http.StatusConflict, "move to %s: no stream; expected a mount that is heard", to.Path)
	}
	return map[string]any{"moved": n.Listeners, "slaves": n.Slaves, "mount": m.Path, "to": to.Path}, nil
}

func moveOne(st *state.Station, req *actionBody) (any, error) {
	who, err := listenerOf(st, req)
	if err != nil {
		return nil, err
	}
	to, err := mountOf(st, req.To)
	if err != nil {
		return nil, err
	}
	switch err := st.MoveListener(who, to.Path); {
	case errors.Is(err, streaming.ErrNoSuchListener):
		return nil, errorf(http.StatusNotFound, "listener %d: unknown; expected one of the list of listeners", who.ID)
	case err != nil:
		return nil, errorf(http.StatusConflict, "listener %d: not moved to %s: %w", who.ID, to.Path, err)
	}
	return map[string]any{"moved": 1, "mount": who.Mount().Path, "to": to.Path, "id": who.ID}, nil
}

// kill ends the source of a mount.
func kill(st *state.Station, req *actionBody) (any, error) {
	m, err := mountOf(st, req.Mount)
	if err != nil {
		return nil, err
	}
	src := m.Source()
	if src == nil {
		return nil, errorf(http.StatusNotFound, "mount %s: no source; expected a mount with one", m.Path)
	}
	src.Stop(streaming.Removed)
	return map[string]any{"killed": m.Path}, nil
}

// retitle sets the title of a mount.
func retitle(st *state.Station, req *actionBody) (any, error) {
	m, err := mountOf(st, req.Mount)
	if err != nil {
		return nil, err
	}
	artist, title, err := titleOf(req)
	if err != nil {
		return nil, err
	}
	if m.Source() == nil {
		return nil, errorf(http.StatusNotFound, "mount %s: no source; expected a mount with one", m.Path)
	}
	changed := m.SetMetadata(artist, title, req.URL)
	return map[string]any{"changed": changed, "mount": m.Path}, nil
}

// titleOf returns the title in a request.
func titleOf(req *actionBody) (artist, title string, err error) {
	switch {
	case req.Song != nil && req.Artist == nil && req.Title == nil:
		title = *req.Song
	case req.Song == nil && req.Title != nil:
		title = *req.Title
		if req.Artist != nil {
			artist = *req.Artist
		}
	default:
		err = errorf(http.StatusBadRequest, "song: missing; expected song, or title with or without artist")
	}
	return artist, title, err
}

// mountOf returns a mount that has a source or listeners.
func mountOf(st *state.Station, path string) (*streaming.Mount, error) {
	if err := mountpath.Check(path); err != nil {
		return nil, errorf(http.StatusBadRequest, "mount %.300q: %w", path, err)
	}
	m := st.Mount(path)
	if m == nil {
		return nil, errorf(http.StatusNotFound, "mount %s: unknown; expected one with a source or listeners", path)
	}
	return m, nil
}
