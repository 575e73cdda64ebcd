package admin

import (
	"net/http"
	"net/url"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
	"github.com/caddycast/caddycast/streaming/blocklog"
)

// orderOf returns an order of the administrator who has sent a request.
func orderOf(r *request.Facts, q url.Values, kind string) *state.Order {
	user, _, _ := r.BasicAuth()
	o := &state.Order{Kind: kind, By: response.Printable(user), From: r.ClientIP, Node: q.Get("node")}
	o.Mount = q.Get("mount")
	return o
}

// sendElsewhere sends an order to the node of the cluster that it is for. It reports false if that is this one.
func (c *Commands) sendElsewhere(o *state.Order) (sent bool, err error) {
	to, err := c.station.Target(o)
	if err != nil {
		return false, response.Refuse(http.StatusBadRequest, "node: "+err.Error())
	}
	if to == "" {
		return false, nil
	}
	if _, err := c.station.Send(o, to); err != nil {
		return false, response.Refuse(http.StatusServiceUnavailable, err.Error())
	}
	return true, nil
}

// retitleElsewhere sends a title to the node that has the source of a mount. It reports false if that is this one.
func (c *Commands) retitleElsewhere(r *request.Facts, q url.Values, path string) (bool, error) {
	charset := q.Get("charset")
	if charset == "" {
		charset = c.station.Policy(path).Engine.Charset
	}
	o := orderOf(r, q, state.OrderTitle)
	o.Node, o.Mount = "", path
	var ok bool
	if o.Artist, o.Title, o.URL, ok = titleOf(q, charset); !ok {
		return false, nil // it is refused as a title for this node is
	}
	return c.sendElsewhere(o)
}

// titleOf returns the title in some parameters. It reports false if there is none.
func titleOf(q url.Values, charset string) (artist, title, address string, ok bool) {
	artist, title = q.Get("artist"), q.Get("title")
	switch {
	case q.Has("song"):
		artist, title = "", q.Get("song")
	case !q.Has("title") && !q.Has("artist"):
		return "", "", "", false
	}
	return blocklog.DecodeText(artist, charset), blocklog.DecodeText(title, charset), blocklog.DecodeText(q.Get("url"), charset), true
}
