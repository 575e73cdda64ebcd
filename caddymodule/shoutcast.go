package caddymodule

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming/icy"
	"github.com/caddyserver/caddy/v2"
)

// shoutcast is where SHOUTcast v1 sources come in: their mount, and where the
// server listens.
type shoutcast struct {
	mount  string
	login  *login // nil: the mount's own
	listen []string
}

// on tells whether it is on a port.
func (s shoutcast) on(port uint) bool {
	return slices.ContainsFunc(s.listen, func(at string) bool {
		addr, err := caddy.ParseNetworkAddress(at)
		return err == nil && addr.StartPort <= port && port <= addr.EndPort
	})
}

// shoutcasts are all of a station.
type shoutcasts struct {
	mu  sync.Mutex
	all []shoutcast
}

func (s *shoutcasts) add(one shoutcast) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, one)
}

// of returns that whose titles come to a port: the one on it, or the one on the
// port above, where encoders that were told a port send their sound to the next.
// Failing that it is the only one there is, if so.
func (s *shoutcasts) of(port uint) (shoutcast, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range []uint{port, port + 1} {
		if i := slices.IndexFunc(s.all, func(one shoutcast) bool { return one.on(p) }); i >= 0 {
			return s.all[i], true
		}
	}
	if len(s.all) == 1 {
		return s.all[0], true
	}
	return shoutcast{}, false
}

// login returns what a source of the mount may say instead of its credentials.
func (s *shoutcasts) login(mount string) *login {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		if one.mount == mount && one.login != nil {
			return one.login
		}
	}
	return nil
}

// serveShoutcastMetadata sets the title of what a SHOUTcast v1 source feeds:
// /admin.cgi. The password is that by which the source came in, or the
// administrator's.
func (h *Handler) serveShoutcastMetadata(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodHead {
		return refuseHead(w, r)
	}
	q, err := response.Parameters(r)
	if err != nil {
		return response.Refuse(w, r, http.StatusRequestEntityTooLarge, "The parameters are too long")
	}
	if !q.Has("pass") {
		return response.Refuse(w, r, http.StatusBadRequest, "missing pass parameter")
	}
	path, password := h.shoutcastLogin(r, q)
	if path == "" {
		return response.Refuse(w, r, http.StatusBadRequest, "Missing parameter: mount")
	}
	if h.station.isInClear(r, path) {
		return response.Refuse(w, r, http.StatusForbidden, "Titles of this mount come over TLS only")
	}
	if module := h.station.auth(path); module != nil {
		ok, handled, err := h.askForTitle(w, r, module, path, password)
		if handled && !ok {
			return err
		}
		if handled {
			return h.retitleShoutcast(w, r, path, q)
		}
	}
	for _, l := range []*login{h.station.reign.shoutcasts.login(path), h.station.source(path), h.station.logins.admin} {
		ok, err := l.takes(r.Context(), password)
		switch {
		case err != nil:
			return busy(w, r, err)
		case ok:
			return h.retitleShoutcast(w, r, path, q)
		}
	}
	return response.Challenge(w, r)
}

// askForTitle asks a mount's module whether who gives a password may set its title. The
// administrator may, without asking.
func (h *Handler) askForTitle(w http.ResponseWriter, r *http.Request, module AuthModule, mount, password string) (ok, handled bool, err error) {
	if ok, err := h.station.logins.admin.takes(r.Context(), password); ok && err == nil {
		return true, true, nil
	}
	asked := r.Clone(r.Context())
	user := "source"
	if l := h.station.source(mount); l != nil {
		user = l.user
	}
	asked.SetBasicAuth(user, password)
	q, err := authRequest(asked, mount, true)
	if err != nil {
		return false, true, h.notAdmitted(w, r, q, err)
	}
	handled, err = module.AdmitSource(asked, q)
	if handled && err != nil {
		return false, true, h.notAdmitted(w, r, q, err)
	}
	return handled, handled, nil
}

// shoutcastLogin returns the mount that a title is for, "" if it is not known, and
// the password that comes with it.
func (h *Handler) shoutcastLogin(r *http.Request, q url.Values) (mount, password string) {
	mount, password = icy.ParseLogin(q.Get("pass"))
	if m := q.Get("mount"); m != "" {
		mount = m
	}
	if mount != "" {
		return mount, password
	}
	var port uint
	if at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		if at, err := netip.ParseAddrPort(at.String()); err == nil {
			port = uint(at.Port())
		}
	}
	one, _ := h.station.reign.shoutcasts.of(port)
	return one.mount, password
}

func (h *Handler) retitleShoutcast(w http.ResponseWriter, r *http.Request, path string, q url.Values) error {
	mount := h.station.live.Mount(path)
	switch {
	case mount == nil:
		return response.Refuse(w, r, http.StatusBadRequest, "Source does not exist")
	case q.Get("mode") != "updinfo":
		return response.Refuse(w, r, http.StatusBadRequest, "No such action")
	case !setMetadata(mount, q):
		return response.Refuse(w, r, http.StatusBadRequest, "Missing parameter: song")
	}
	return response.Answer(w, r, http.StatusOK, "text/html; charset=utf-8",
		"<html><head><title>Admin request successful</title></head><body><p>Metadata update successful</p></body></html>\n")
}
