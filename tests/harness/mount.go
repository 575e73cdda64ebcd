package harness

import (
	"fmt"
	"net/http"
)

// CheckMount returns an error if a mount does not play. It may be called from any goroutine.
func (s *Server) CheckMount(path string) error {
	resp, err := http.Head("http://" + s.Plain + path)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", resp.Status)
	}
	return nil
}

// WaitForMount waits until a mount plays.
func (s *Server) WaitForMount(path string) {
	s.T.Helper()
	Eventually(s.T, path+" is heard", func() error { return s.CheckMount(path) })
}

// WaitUntilGone waits until a mount is unknown.
func (s *Server) WaitUntilGone(path string) {
	s.T.Helper()
	Eventually(s.T, path+" is off the air", func() error {
		resp, err := http.Get("http://" + s.Plain + path)
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			return fmt.Errorf("answered %s", resp.Status)
		}
		return nil
	})
}
