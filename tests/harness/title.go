package harness

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// SetTitleAsAdmin sets a title as the admin does.
func (s *Server) SetTitleAsAdmin(mount, song string) {
	s.T.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+s.Plain+"/admin/metadata?mode=updinfo&mount="+mount+"&song="+strings.ReplaceAll(song, " ", "%20"), nil)
	if err != nil {
		s.T.Fatal(err)
	}
	req.SetBasicAuth("admin", "letmein")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.T.Fatalf("setting a title is answered %s", resp.Status)
	}
}

// WaitForTitle waits until a mount has a title.
func (s *Server) WaitForTitle(mount, want string) {
	s.T.Helper()
	Eventually(s.T, fmt.Sprintf("%s is titled %s", mount, want), func() error {
		if _, title := s.Title(mount); title != want {
			return fmt.Errorf("it is %q", title)
		}
		return nil
	})
}

// Status asks the status page for what it says of a mount.
func (s *Server) Status(mount string) map[string]any {
	s.T.Helper()
	resp, err := http.Get("http://" + s.Plain + "/status-json.xsl")
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	var status struct{ Icestats struct{ Source any } }
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		if s.AdminAddress == "" {
			return nil // icecast2, whose status is no JSON at times
		}
		s.T.Fatal(err)
	}
	all, ok := status.Icestats.Source.([]any)
	if !ok {
		all = []any{status.Icestats.Source} // a single one is no list
	}
	for _, src := range all {
		if src, ok := src.(map[string]any); ok && strings.HasSuffix(fmt.Sprint(src["listenurl"]), mount) {
			return src
		}
	}
	return nil
}

// Title returns what a mount is said to play.
func (s *Server) Title(mount string) (artist, title string) {
	src := s.Status(mount)
	artist, _ = src["artist"].(string)
	title, _ = src["title"].(string)
	return artist, title
}

// SetTitle tells a new title, as encoders do.
func (s *Server) SetTitle(mount, song string) {
	s.T.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+s.Plain+"/admin/metadata?mode=updinfo&mount="+mount+"&song="+url.QueryEscape(song), nil)
	if err != nil {
		s.T.Fatal(err)
	}
	req.SetBasicAuth("source", "hackme")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.T.Errorf("answered %s", resp.Status)
	}
}
