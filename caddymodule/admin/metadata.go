package admin

import (
	"net/http"
	"net/url"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming"
)

// serveMetadata sets the title of a mount: /admin/metadata, as every encoder sends it. The
// parameter song replaces artist and title.
func (c *Commands) serveMetadata(w http.ResponseWriter, r *request.Facts) error {
	q, err := titleParameters(r)
	if err != nil {
		return err
	}
	path := q.Get("mount")
	if err := c.checkTitleTLS(r, path); err != nil {
		return err
	}
	if path == "" { // no mount whose source this could be
		err = auth.Authorize(r, c.station.Gate.Admin)
	} else {
		_, err = c.station.Gate.AuthorizeSource(r, path, true, c.station.Policy(path).Source, c.station.Gate.Admin)
	}
	if err != nil {
		return err
	}
	if err := checkSite(r); err != nil {
		return err
	}
	if path == "" {
		return response.Refuse(http.StatusBadRequest, "Missing parameter: mount")
	}
	mode := q.Get("mode")
	if mode == "" || mode == "updinfo" {
		if sent, err := c.retitleElsewhere(r, q, path); err != nil {
			return err
		} else if sent {
			return iceResponse(w, r, "Metadata update successful", true)
		}
	}
	mount := c.station.Mount(path)
	if mount == nil {
		return response.Refuse(http.StatusBadRequest, "Source does not exist")
	}
	if mode != "" && mode != "updinfo" {
		return iceResponse(w, r, "No such action", false)
	}
	if !setMetadata(mount, q) {
		return response.Refuse(http.StatusBadRequest, "Missing parameter: song, or artist and title")
	}
	return iceResponse(w, r, "Metadata update successful", true)
}

// titleParameters returns the parameters of a request that sets a title.
func titleParameters(r *request.Facts) (url.Values, error) {
	if r.Method == http.MethodHead {
		return nil, errHead()
	}
	return parameters(r)
}

// checkTitleTLS refuses a title over plain HTTP where source_tls is required.
func (c *Commands) checkTitleTLS(r *request.Facts, path string) error {
	if c.station.Policy(path).SourceTLS && !r.IsEncrypted() {
		return response.Refuse(http.StatusForbidden, "Titles of this mount must use TLS").
			Warned("title rejected: source_tls is required", zap.String("mount", response.Printable(path)))
	}
	return nil
}

// setMetadata sets the title of a mount from parameters. It reports false if there is none.
func setMetadata(mount *streaming.Mount, q url.Values) bool {
	charset := q.Get("charset")
	if charset == "" {
		charset = mount.Settings().Charset
	}
	artist, title, address, ok := titleOf(q, charset)
	if ok {
		mount.SetMetadata(artist, title, address)
	}
	return ok
}
