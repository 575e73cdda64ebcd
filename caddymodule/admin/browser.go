package admin

import (
	"net/http"
	"strings"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
)

// A browser adds the administrator's login to the requests of every page, and commands of Icecast
// are GETs, which pages of other sites can cause. So commands that change something need the
// token of our page, if a browser sends them.

// tokenHeader is the field with the token of the page. Pages of other sites cannot send it
// without a preflight request, and that is refused.
const tokenHeader = "X-Page-Token"

// checkPage refuses a browser's request without a valid token of the administrator's page.
func (c *Commands) checkPage(r *request.Facts) error {
	if !isOfBrowser(r) || c.station.Gate.Admin.IsPageToken(r.Header.Get(tokenHeader)) {
		return nil
	}
	return response.Refuse(http.StatusForbidden, "Cross-site request rejected; in a browser use the page /admin/, and reload it")
}

// isOfBrowser reports whether a request is a browser's. Over plain HTTP browsers send no
// Sec-Fetch-Site. A page may empty Accept-Language, but it cannot remove the field.
func isOfBrowser(r *request.Facts) bool {
	_, hasLanguage := r.Header["Accept-Language"]
	return r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != "" ||
		hasLanguage && strings.HasPrefix(r.UserAgent(), "Mozilla/")
}

// otherSites finds the requests of pages of other sites.
var otherSites = http.NewCrossOriginProtection()

// checkSite refuses a request of a page of another site, as far as the browser tells which page it
// is of.
func checkSite(r *request.Facts) error {
	changing := r.WithContext(r.Context())
	changing.Method = http.MethodPost // GETs change something here
	if otherSites.Check(changing) != nil {
		return response.Refuse(http.StatusForbidden, "Cross-site request rejected")
	}
	return nil
}
