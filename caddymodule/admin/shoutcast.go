package admin

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming/icy"
)

// serveShoutcastMetadata sets the title of a SHOUTcast v1 source: /admin.cgi. The password is the
// source's or the administrator's.
func (c *Commands) serveShoutcastMetadata(w http.ResponseWriter, r *request.Facts) error {
	q, err := titleParameters(r)
	if err != nil {
		return err
	}
	if !q.Has("pass") {
		return response.Refuse(http.StatusBadRequest, "missing pass parameter")
	}
	path, password := c.shoutcastLogin(r, q)
	if path == "" {
		return response.Refuse(http.StatusBadRequest, "Missing parameter: mount")
	}
	if err := c.authorizeTitle(r, path, password); err != nil {
		return err
	}
	return c.retitleShoutcast(w, r, path, q)
}

// authorizeTitle checks the password of a title, which comes without a user name.
func (c *Commands) authorizeTitle(r *request.Facts, path, password string) error {
	if err := c.checkTitleTLS(r, path); err != nil {
		return err
	}
	gate, policy := &c.station.Gate, c.station.Policy(path)
	if _, handled, err := gate.AuthorizePassword(r, path, password, true); handled {
		return err
	}
	switch v, err := auth.Verify(r.Context(), r.Addr, password, c.station.ShoutcastVerifier(path), policy.Source, gate.Admin); {
	case err != nil:
		return auth.Busy(err)
	case v != nil:
		return nil
	}
	return auth.Failed(path, "", auth.KindMount)
}

// shoutcastLogin returns the mount of a title, empty if it is unknown, and the password.
func (c *Commands) shoutcastLogin(r *request.Facts, q url.Values) (mount, password string) {
	mount, password = icy.ParseLogin(request.Text(q.Get("pass")))
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
	one, _ := c.station.ShoutcastPortOf(port)
	return one.Mount, password
}

// retitleShoutcast sets the title and answers as SHOUTcast does.
func (c *Commands) retitleShoutcast(w http.ResponseWriter, r *request.Facts, path string, q url.Values) error {
	mount := c.station.Mount(path)
	sent := false
	if q.Get("mode") == "updinfo" {
		var err error
		if sent, err = c.retitleElsewhere(r, q, path); err != nil {
			return err
		}
	}
	switch {
	case sent:
	case mount == nil:
		return response.Refuse(http.StatusBadRequest, "Source does not exist")
	case q.Get("mode") != "updinfo":
		return response.Refuse(http.StatusBadRequest, "No such action")
	case !setMetadata(mount, q):
		return response.Refuse(http.StatusBadRequest, "Missing parameter: song")
	}
	return response.Answer(w, r.Request, http.StatusOK, "text/html; charset=utf-8",
		"<html><head><title>Admin request successful</title></head><body><p>Metadata update successful</p></body></html>\n")
}
