package cluster

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// node is a station in a process of its own, which may be stopped, killed and started again.
type node struct{ harness.Restartable }

// newNode starts a station with more settings.
func newNode(t *testing.T, settings string) *node {
	t.Helper()
	n := &node{harness.Restartable{
		Server: &harness.Server{T: t, Plain: harness.FreeAddress(t), AdminAddress: harness.FreeAddress(t)}, Home: t.TempDir(),
	}}
	n.configure(settings)
	n.Start()
	return n
}

// configure sets the settings for the next start.
func (n *node) configure(settings string) {
	n.Config = fmt.Sprintf(`{
		admin %s
		auto_https off
		icecast {
			source_password hackme
			relay_password pullme
			%s
		}
	}
	http://:%s {
		bind 127.0.0.1
		icecast
	}`, n.AdminAddress, settings, harness.Port(n.Plain))
}

// stop stops the process, so that it says nothing any more, and resume lets it continue.
func (n *node) stop() { n.Signal(syscall.SIGSTOP) }

func (n *node) resume() { n.Signal(syscall.SIGCONT) }

// slaveSettings returns the settings of a slave with a public URL, if that is not empty.
func slaveSettings(public string, masters ...*node) string {
	var urls []string
	for _, m := range masters {
		urls = append(urls, "http://"+m.Plain)
	}
	text := "role slave {\n password pullme\n master " + strings.Join(urls, " ")
	if public != "" {
		text += "\n public " + public
	}
	return text + "\n}"
}

// sends reports whether a master sends a new listener of a mount to a slave.
func (n *node) sends(mount string) bool {
	n.T.Helper()
	resp, conn := harness.MustAsk(n.T, n.Plain, mount)
	defer conn.Close()
	return resp.StatusCode/100 == 3
}

// waitToSend waits until a master sends new listeners to a slave.
func (n *node) waitToSend(mount string) {
	n.T.Helper()
	harness.Eventually(n.T, "the master sends listeners to its slave", func() error {
		if !n.sends(mount) {
			return errors.New("it does not")
		}
		return nil
	})
}
