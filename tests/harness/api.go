package harness

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// API sends a request to /icecast/ of the admin endpoint, and returns status and body.
func (s *Server) API(method, path, body string) (int, string) {
	s.T.Helper()
	req, err := http.NewRequest(method, "http://"+s.AdminAddress+"/icecast/"+path, strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// APIList returns a list of the admin endpoint.
func (s *Server) APIList(path string) (all []map[string]any) {
	s.T.Helper()
	status, body := s.API(http.MethodGet, path, "")
	if err := json.Unmarshal([]byte(body), &all); err != nil || status != http.StatusOK || all == nil {
		s.T.Fatalf("/icecast/%s is answered %d, %s: %v", path, status, body, err)
	}
	return all
}
