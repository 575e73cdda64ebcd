package harness

import (
	"fmt"
	"net/http"
)

// CheckAnswer returns an error if the plain site does not answer a request by a status. It may
// be called from any goroutine.
func (s *Server) CheckAnswer(method, path string, status int) error {
	req, err := http.NewRequest(method, "http://"+s.Plain+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != status {
		return fmt.Errorf("answered %s", resp.Status)
	}
	return nil
}

// CheckMount returns an error if a mount does not play. It may be called from any goroutine.
func (s *Server) CheckMount(path string) error {
	return s.CheckAnswer(http.MethodHead, path, http.StatusOK)
}

// WaitForMount waits until a mount plays.
func (s *Server) WaitForMount(path string) {
	s.T.Helper()
	Eventually(s.T, path+" plays on "+s.Plain, func() error { return s.CheckMount(path) })
}

// WaitUntilGone waits until a mount is unknown.
func (s *Server) WaitUntilGone(path string) {
	s.T.Helper()
	Eventually(s.T, path+" is unknown on "+s.Plain, func() error {
		return s.CheckAnswer(http.MethodGet, path, http.StatusNotFound)
	})
}

// WaitForListeners waits until the status page shows so many listeners of a mount.
func (s *Server) WaitForListeners(mount string, n int) {
	s.T.Helper()
	Eventually(s.T, fmt.Sprintf("%s has %d listeners", mount, n), func() error {
		if got := s.Status(mount)["listeners"]; fmt.Sprint(got) != fmt.Sprint(n) {
			return fmt.Errorf("it has %v", got)
		}
		return nil
	})
}
