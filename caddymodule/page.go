package caddymodule

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming"
)

//go:embed templates/*.html
var embedded embed.FS

// pages are the templates of a station's pages: those in its folder, else ours.
type pages struct{ status, admin *template.Template }

// loadPages reads the templates, and tries them. A folder needs not have both.
func loadPages(folder string) (pages, error) {
	var p pages
	if folder != "" {
		if _, err := os.ReadDir(folder); err != nil {
			return p, fmt.Errorf("templates: write a folder that can be read: %w", err)
		}
	}
	for name, to := range map[string]**template.Template{"status.html": &p.status, "admin.html": &p.admin} {
		text, err := embedded.ReadFile("templates/" + name)
		if err != nil {
			return p, err
		}
		if folder != "" {
			own, err := os.ReadFile(filepath.Join(folder, name)) //nolint:gosec // G304: the folder is the operator's
			switch {
			case err == nil:
				text = own
			case !os.IsNotExist(err):
				return p, fmt.Errorf("templates: %w", err)
			}
		}
		if *to, err = parsePage(name, text); err != nil {
			return p, fmt.Errorf("templates: %s: %w", filepath.Join(folder, name), err)
		}
	}
	return p, nil
}

// parsePage makes a template, and tries it: it may name what there isn't.
func parsePage(name string, text []byte) (*template.Template, error) {
	t, err := template.New(name).Parse(string(text))
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, errors.New("the page is empty; write one, or remove the file")
	}
	return t, t.Execute(io.Discard, anyView)
}

// anyView has something for each part of a page.
var anyView = stationView{
	Title: "Radio", Location: "Berlin", Contact: "ops@example.org", Nonce: "nonce", Listeners: 1,
	Mounts: []mountView{{
		Mount: "/live.mp3", Path: "./live.mp3", Name: "Live", Description: "What plays", Genre: "various",
		Type: "audio/mpeg", Bitrate: "128", Song: "Artist - Title", Listeners: 1,
	}},
}

// mountView is what the pages and their events tell of a mount.
type mountView struct {
	Mount       string `json:"mount"`
	Path        string `json:"-"` // as it stands in a link of the page
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Genre       string `json:"genre,omitempty"`
	Type        string `json:"type"`
	Bitrate     string `json:"bitrate,omitempty"`
	Song        string `json:"song"`
	Listeners   int64  `json:"listeners"`
}

// stationView is what the pages and their events tell of a station.
type stationView struct {
	Title     string `json:"-"`
	Location  string `json:"-"`
	Contact   string `json:"-"`
	Nonce     string `json:"-"`
	Listeners int64  `json:"listeners"`

	Mounts []mountView `json:"mounts"`
}

// view returns what is public of the station now.
func (s *Station) view() stationView {
	v := stationView{
		Title: cmp.Or(s.Name, "Radio"), Location: s.Location, Contact: s.Contact,
		Listeners: s.live.Listeners(), Mounts: []mountView{},
	}
	seen := make(map[string]bool)
	for _, m := range s.live.Mounts() {
		seen[m.Path] = true
		if stream, ok := m.Stream(); ok && isPublic(m) {
			v.Mounts = append(v.Mounts, s.viewMount(m, stream))
		} else {
			seen[m.Path] = false
		}
	}
	for _, path := range slices.Concat(s.reign.named, s.live.relays.Mounts()) {
		set := s.live.SettingsOf(path)
		if !seen[path] && !set.Hidden && !set.NoDirect && s.live.Offers(path) { // its fallback plays when somebody comes
			seen[path] = true
			v.Mounts = append(v.Mounts, viewInfo(path, set.StreamInfo, set.StreamInfo.ContentType))
		}
	}
	slices.SortStableFunc(v.Mounts, func(a, b mountView) int { return cmp.Compare(a.Mount, b.Mount) })
	return v
}

// isPublic tells whether the public is told of a mount: not if it is made up, since anybody
// could write names there.
func isPublic(m *streaming.Mount) bool { return !m.Settings().Hidden && !m.IsAdHoc() }

// viewInfo is what there is to say of a mount by what it says of itself.
func viewInfo(path string, info streaming.Info, contentType string) mountView {
	return mountView{
		Mount:       path,
		Path:        "." + mountpath.Escape(path),
		Name:        cmp.Or(info.Name, path[1:]),
		Description: info.Description,
		Genre:       info.Genre,
		Type:        contentType,
		Bitrate:     info.Bitrate,
	}
}

func (s *Station) viewMount(m *streaming.Mount, stream streaming.Stream) mountView {
	v := viewInfo(m.Path, stream.Info, stream.Type)
	v.Song = m.Metadata().Song()
	v.Listeners = m.Stats().Listeners + int64(s.live.slaves.Listeners(m.Path))
	return v
}

// serveStatusPage answers the page for people.
func (h *Handler) serveStatusPage(w http.ResponseWriter, r *http.Request) error {
	return h.servePage(w, r, h.station.pages.status)
}

// serveAdminPage answers the page for the administrator.
func (h *Handler) serveAdminPage(w http.ResponseWriter, r *http.Request) error {
	if ok, err := admit(w, r, h.station.logins.admin); !ok {
		return err
	}
	return h.servePage(w, r, h.station.pages.admin)
}

// servePage answers a page, whose scripts are those that stand in it.
func (h *Handler) servePage(w http.ResponseWriter, r *http.Request, t *template.Template) error {
	v := h.station.view()
	v.Nonce = rand.Text()
	var body bytes.Buffer
	if err := t.Execute(&body, v); err != nil {
		return fmt.Errorf("rendering a page: %w", err)
	}
	// What plays may come from elsewhere: a master sends listeners to slaves.
	response.SetDefault(w.Header(), "Content-Security-Policy", "default-src 'none'; connect-src 'self'; media-src *; img-src 'self' data:; "+
		"style-src 'self' 'unsafe-inline'; script-src 'nonce-"+v.Nonce+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'")
	response.SetDefault(w.Header(), "X-Content-Type-Options", "nosniff")
	return response.Answer(w, r, http.StatusOK, "text/html; charset=utf-8", body.String())
}
