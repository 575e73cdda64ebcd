package harness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// PeerXML is a configuration of icecast2; MORE, PORT, DIR and OWNER are to be replaced.
const PeerXML = `<icecast>
	<hostname>127.0.0.1</hostname>
	<limits><clients>100</clients><sources>20</sources><source-timeout>10</source-timeout></limits>
	<authentication>
		<source-password>hackme</source-password>
		<relay-password>pullme</relay-password>
		<admin-user>admin</admin-user><admin-password>letmein</admin-password>
	</authentication>
	<listen-socket><port>PORT</port><bind-address>127.0.0.1</bind-address></listen-socket>
	MORE
	<paths>
		<logdir>DIR</logdir><webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot>
	</paths>
	<logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog><loglevel>4</loglevel></logging>
	<security><chroot>0</chroot>OWNER</security>
</icecast>`

// IcecastPeer runs icecast2 with more lines in PeerXML.
func IcecastPeer(t *testing.T, more string) *Server {
	t.Helper()
	return Icecast2(t, strings.ReplaceAll(PeerXML, "MORE", more), PublicDir(t))
}

// Icecast2 runs Debian's icecast2, and returns it as a server whose plain site it is.
func Icecast2(t *testing.T, xml, dir string) *Server {
	t.Helper()
	s := &Server{T: t, Plain: FreeAddress(t)}
	RunIcecast2(s, xml, dir)
	return s
}

// RunIcecast2 runs Debian's icecast2 on the plain port of a server.
func RunIcecast2(s *Server, xml, dir string) {
	s.T.Helper()
	path := WriteIcecastXML(s, xml, dir)
	var said *bytes.Buffer
	s.T.Cleanup(func() { // when it has ended
		if s.T.Failed() {
			s.T.Logf("icecast2 said\n%s", said)
		}
	})
	_, said = Launch(s.T, "icecast2", "-c", path)
	was := false // there, and took what it was asked
	Eventually(s.T, "icecast2 answers", func() error {
		err := s.Answers()
		gone := errors.Is(err, syscall.ECONNREFUSED)
		if was && gone { // 2.4.4 falls over a question that comes before its statistics are there
			s.T.Log("icecast2 fell over, and is started again")
			_, said = Launch(s.T, "icecast2", "-c", path)
		}
		was = !gone
		return err
	})
}

// WriteIcecastXML writes a configuration of Icecast, with port, folder and user in place of
// PORT, DIR and OWNER.
func WriteIcecastXML(s *Server, xml, dir string) (path string) {
	s.T.Helper()
	owner := ""
	if os.Getuid() == 0 {
		owner = "<changeowner><user>nobody</user><group>nogroup</group></changeowner>"
	}
	path = filepath.Join(dir, "icecast.xml")
	WriteFile(s.T, path, strings.NewReplacer("PORT", Port(s.Plain), "DIR", dir, "OWNER", owner).Replace(xml))
	return path
}

// Answers returns an error if a server does not answer, or has no statistics yet.
func (s *Server) Answers() error {
	resp, err := http.Get("http://" + s.Plain + "/status-json.xsl")
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

// AllAnswer returns an error if one of the sites of Caddyfile does not answer: they come up one after another,
// and before the configuration is loaded to its end, for which the admin endpoint waits.
func (s *Server) AllAnswer() error {
	resp, err := http.Get("http://" + s.AdminAddress + "/config/")
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	for _, at := range []string{s.TLS, s.Wired} {
		c, err := net.Dial("tcp", at)
		if err != nil {
			return err
		}
		_ = c.Close()
	}
	return s.Answers()
}
