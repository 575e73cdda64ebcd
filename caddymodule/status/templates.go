package status

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"

	"github.com/caddycast/caddycast/caddymodule/state"
)

//go:embed templates/*.html
var embedded embed.FS

// LoadTemplates reads the templates of a folder. The embedded ones replace those that are
// missing. Each is executed once, so that an unknown name is an error now.
func LoadTemplates(folder string) (state.Templates, error) {
	var p state.Templates
	if folder != "" {
		if _, err := os.ReadDir(folder); err != nil {
			return p, fmt.Errorf("templates: unreadable folder; expected a folder with status.html or admin.html: %w", err)
		}
	}
	for name, to := range map[string]**template.Template{"status.html": &p.Status, "admin.html": &p.Admin} {
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

// parsePage parses a template and executes it once.
func parsePage(name string, text []byte) (*template.Template, error) {
	t, err := template.New(name).Parse(string(text))
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, errors.New("empty page; expected a template, or no file")
	}
	return t, t.Execute(io.Discard, anyView)
}

// anyView has a value for each part of a page.
var anyView = stationView{
	Title: "Radio", Location: "Berlin", Contact: "ops@example.org", Nonce: "nonce", Player: "./hls.js", Token: "token", ListenerCount: state.ListenerCount{Listeners: 1},
	Mounts: []mountView{{
		Mount: "/live.mp3", Path: "./live.mp3", URL: "./live.mp3", HLS: "./live.mp3.m3u8", Rewind: 60, Name: "Live", Description: "What plays", Genre: "various",
		Type: "audio/mpeg", Bitrate: "128", Song: "Artist - Title", ListenerCount: state.ListenerCount{Listeners: 1}, Mounts: []string{"/live.mp3"},
	}},
}
