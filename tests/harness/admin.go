package harness

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
)

// Node is an element of an XML response to an admin command.
type Node struct {
	XMLName xml.Name
	Mount   string `xml:"mount,attr"`
	Text    string `xml:",chardata"`
	Nodes   []Node `xml:",any"`
}

// Child returns the first child of a name.
func (n Node) Child(name string) (Node, bool) {
	i := slices.IndexFunc(n.Nodes, func(c Node) bool { return c.XMLName.Local == name })
	if i < 0 {
		return Node{}, false
	}
	return n.Nodes[i], true
}

// Source returns what is said of a mount.
func (n Node) Source(mount string) (Node, bool) {
	i := slices.IndexFunc(n.Nodes, func(c Node) bool { return c.XMLName.Local == "source" && c.Mount == mount })
	if i < 0 {
		return Node{}, false
	}
	return n.Nodes[i], true
}

// AdminCommand runs a command under /admin/ as a user, and returns status and body.
func (s *Server) AdminCommand(user, password, path string) (int, string) {
	s.T.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+s.Plain+"/admin/"+path, nil)
	if err != nil {
		s.T.Fatal(err)
	}
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// Admin runs a command under /admin/ as the administrator, and returns the response.
func (s *Server) Admin(path string) Node {
	s.T.Helper()
	status, body := s.AdminCommand("admin", "letmein", path)
	var n Node
	if err := xml.Unmarshal([]byte(body), &n); err != nil || status != http.StatusOK {
		s.T.Fatalf("/admin/%s is answered %d, %q: %v", path, status, body, err)
	}
	return n
}

// WaitForFeed waits until a mount's listeners hear a feed.
func (s *Server) WaitForFeed(mount, want string) {
	s.T.Helper()
	Eventually(s.T, mount+" hears "+want, func() error {
		source, _ := s.Admin("stats").Source(mount)
		if feed, _ := source.Child("feed"); feed.Text != want {
			return fmt.Errorf("it hears %q", feed.Text)
		}
		return nil
	})
}
