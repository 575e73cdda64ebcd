package harness

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// SetTitle sets a title as encoders do.
func (s *Server) SetTitle(mount, song string) {
	s.T.Helper()
	if err := s.TrySetTitle("source", "hackme", mount, url.QueryEscape(song)); err != nil {
		s.T.Fatal(err)
	}
}

// SetTitleAsAdmin sets a title as the administrator does.
func (s *Server) SetTitleAsAdmin(mount, song string) {
	s.T.Helper()
	if err := s.TrySetTitle("admin", "letmein", mount, strings.ReplaceAll(song, " ", "%20")); err != nil {
		s.T.Fatal(err)
	}
}

// TrySetTitle sets a title, of which song is the escaped text, on any goroutine.
func (s *Server) TrySetTitle(user, password, mount, song string) error {
	req, err := http.NewRequest(http.MethodGet, "http://"+s.Plain+"/admin/metadata?mode=updinfo&mount="+mount+"&song="+song, nil)
	if err != nil {
		return err
	}
	req.SetBasicAuth(user, password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("setting the title of %s is answered %s", mount, resp.Status)
	}
	return nil
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

// Status returns what the status page shows of a mount, nil if it does not list the mount.
func (s *Server) Status(mount string) map[string]any {
	s.T.Helper()
	status, err := s.TryStatus(mount)
	if err != nil {
		s.T.Fatal(err)
	}
	return status
}

// TryStatus is Status for any goroutine.
func (s *Server) TryStatus(mount string) (map[string]any, error) {
	resp, err := http.Get("http://" + s.Plain + "/status-json.xsl")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var status struct{ Icestats struct{ Source any } }
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		if s.AdminAddress == "" {
			return nil, nil // icecast2, whose status is no JSON at times
		}
		return nil, fmt.Errorf("the status page: %w", err)
	}
	all, ok := status.Icestats.Source.([]any)
	if !ok {
		all = []any{status.Icestats.Source} // a single one is no list
	}
	for _, src := range all {
		if src, ok := src.(map[string]any); ok && strings.HasSuffix(fmt.Sprint(src["listenurl"]), mount) {
			return src, nil
		}
	}
	return nil, nil
}

// Title returns what a mount is said to play.
func (s *Server) Title(mount string) (artist, title string) {
	s.T.Helper()
	return titleOf(s.Status(mount))
}

// CheckTitle returns an error if a mount does not play a song, "title" or "artist - title".
// It may be called from any goroutine.
func (s *Server) CheckTitle(mount, song string) error {
	status, err := s.TryStatus(mount)
	if err != nil {
		return err
	}
	artist, title := titleOf(status)
	if artist != "" {
		title = artist + " - " + title
	}
	if title != song {
		return fmt.Errorf("the title is %q, not %q", title, song)
	}
	return nil
}

func titleOf(status map[string]any) (artist, title string) {
	artist, _ = status["artist"].(string)
	title, _ = status["title"].(string)
	return artist, title
}
