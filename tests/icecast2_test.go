package tests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// publicDir is a folder that any user may write to: icecast2 does not run as root.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "caddycast-icecast-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// icecast2 runs Debian's, and returns it as a server whose plain site it is.
func icecast2(t *testing.T, xml, dir string) *server {
	t.Helper()
	s := &server{t: t, plain: freeAddress(t)}
	runIcecast2(s, xml, dir)
	return s
}

// runIcecast2 runs Debian's on the plain port of a server.
func runIcecast2(s *server, xml, dir string) {
	s.t.Helper()
	path := writeXML(s, xml, dir)
	var said *bytes.Buffer
	s.t.Cleanup(func() { // when it has ended
		if s.t.Failed() {
			s.t.Logf("icecast2 said\n%s", said)
		}
	})
	_, said = launch(s.t, "icecast2", "-c", path)
	was := false // there, and took what it was asked
	eventually(s.t, "icecast2 answers", func() error {
		err := s.answers()
		gone := errors.Is(err, syscall.ECONNREFUSED)
		if was && gone { // 2.4.4 falls over a question that comes before its statistics are there
			s.t.Log("icecast2 fell over, and is started again")
			_, said = launch(s.t, "icecast2", "-c", path)
		}
		was = !gone
		return err
	})
}

// writeXML writes a configuration of Icecast, with the port, a folder and the user to run as
// in place of PORT, DIR and OWNER.
func writeXML(s *server, xml, dir string) (path string) {
	s.t.Helper()
	owner := ""
	if os.Getuid() == 0 {
		owner = "<changeowner><user>nobody</user><group>nogroup</group></changeowner>"
	}
	path = filepath.Join(dir, "icecast.xml")
	write(s.t, path, strings.NewReplacer("PORT", port(s.plain), "DIR", dir, "OWNER", owner).Replace(xml))
	return path
}

// answers tells whether a server is there, and has its statistics if it has a page for them:
// it knows when it began.
func (s *server) answers() error {
	resp, err := http.Get("http://" + s.plain + "/status-json.xsl")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode == http.StatusOK && !bytes.Contains(body, []byte("server_start")) {
		err = fmt.Errorf("it says %s", body)
	}
	return err
}
