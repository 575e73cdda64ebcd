package peers

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
	"github.com/caddycast/caddycast/tests/harness/binary"
)

// section returns the block of the guide after a mark.
func section(t *testing.T, mark, fence string) string {
	t.Helper()
	guide, err := os.ReadFile("../../docs/guides/cluster.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(guide), "<!-- "+mark+" -->\n```"+fence+"\n")
	text, _, found := strings.Cut(rest, "\n```")
	if !found {
		t.Fatalf("the guide has no block after %s", mark)
	}
	return text
}

// engine is a nats-server with the account of the guide. It may be killed, and started again.
type engine struct {
	t               *testing.T
	address, config string
	process         *exec.Cmd
}

func newEngine(t *testing.T, more ...string) *engine {
	t.Helper()
	e := &engine{t: t, address: harness.FreeAddress(t), config: t.TempDir() + "/nats.conf"}
	harness.WriteFile(t, e.config, "listen: "+e.address+"\n"+strings.Join(more, "\n")+section(t, "permissions", ""))
	e.start()
	return e
}

// threeEngines starts three servers that are a cluster of NATS.
func threeEngines(t *testing.T) (all []*engine) {
	t.Helper()
	var routes []string
	for range 3 {
		routes = append(routes, harness.FreeAddress(t))
	}
	for i, at := range routes {
		all = append(all, newEngine(t, fmt.Sprintf("server_name: n%d\ncluster {\n\tname: radio\n\tlisten: %s\n\troutes: [nats://%s]\n}\n",
			i, at, strings.Join(routes, ", nats://"))))
	}
	return all
}

func (e *engine) start() {
	e.t.Helper()
	e.process, _ = harness.Launch(e.t, "nats-server", "-c", e.config)
	harness.Eventually(e.t, "nats-server listens", func() error {
		c, err := net.Dial("tcp", e.address)
		if err != nil {
			return err
		}
		return c.Close()
	})
}

func (e *engine) signal(s syscall.Signal) {
	e.t.Helper()
	if err := e.process.Process.Signal(s); err != nil {
		e.t.Fatal(err)
	}
}

func (e *engine) kill() {
	e.signal(syscall.SIGKILL)
	_ = e.process.Wait()
}

// node is a node in a process of its own, with the Caddyfile of the guide.
type node struct{ harness.Restartable }

func newNode(t *testing.T, e *engine, change func(config string) string) *node {
	t.Helper()
	n := &node{harness.Restartable{
		Server: &harness.Server{T: t, Plain: harness.FreeAddress(t), AdminAddress: harness.FreeAddress(t)}, Home: t.TempDir(),
	}}
	n.Config = change(strings.NewReplacer(
		"{\n\ticecast {", "{\n\tadmin "+n.AdminAddress+"\n\tauto_https off\n\ticecast {",
		"nats://n1.example.org:4222 nats://n2.example.org:4222 nats://n3.example.org:4222", "nats://"+e.address,
		"http://edge1.example.org:8000", "http://"+n.Plain, "http://10.1.2.3:8000", "http://"+n.Plain,
		"http://:8000 {", "http://:"+harness.Port(n.Plain)+" {\n\tbind 127.0.0.1",
	).Replace(section(t, "example", "caddyfile")))
	n.Start()
	return n
}

// knows waits until a node is connected and knows so many others.
func knows(n *harness.Restartable, others int) {
	n.T.Helper()
	harness.Eventually(n.T, fmt.Sprintf("a node knows %d others", others), func() error {
		stations := n.APIList("stations")
		cluster, _ := stations[0]["cluster"].(map[string]any)
		known, _ := cluster["nodes"].([]any)
		if connected, _ := cluster["connected"].(bool); !connected || len(known) != others {
			return fmt.Errorf("connected: %v, it knows %d", connected, len(known))
		}
		return nil
	})
}

// threeNodes starts the nodes of the guide.
func threeNodes(t *testing.T) (*engine, []*node) {
	t.Helper()
	return threeNodesWith(t, func(config string) string { return config })
}

// threeNodesWith starts the nodes of the guide with other settings.
func threeNodesWith(t *testing.T, change func(config string) string) (*engine, []*node) {
	t.Helper()
	t.Setenv("SOURCE_PASSWORD", "hackme")
	t.Setenv("NATS_USER", "edge1")
	t.Setenv("NATS_PASSWORD", "secret1")
	e := newEngine(t, "jetstream { store_dir: \""+t.TempDir()+"\" }\n")
	nodes := []*node{newNode(t, e, change), newNode(t, e, change), newNode(t, e, change)}
	for _, n := range nodes {
		knows(&n.Restartable, 2)
	}
	return e, nodes
}

const mount = "/live.mp3"

// A node with the source is killed; the encoder goes on at another one, while those who listen at the
// third one stay.
func TestAnEncoderGoesOnWhenItsNodeIsKilled(t *testing.T) {
	_, nodes := threeNodes(t)
	src := nodes[0].DescribedSource(mount, 1)
	last := nodes[2]
	last.WaitForMount(mount)
	all := []*harness.VerifyingListener{last.ListenVerifying(mount, harness.HTTP1, false), last.ListenVerifying(mount, harness.HTTP10, false)}
	harness.WaitForSource(t, "both hear the stream", 1, all...)
	for round := range 30 {
		from, to := nodes[round%2], nodes[(round+1)%2]
		from.Kill()
		next := to.DescribedSource(mount, uint64(round+2))
		src.Abandon()
		src = next
		harness.WaitForSource(t, "both hear the encoder at another node", uint64(round+2), all...)
		from.Start()
		knows(&from.Restartable, 2)
	}
	src.Abandon()
	harness.CheckAll(t, all...)
}

// NATS is killed or stands still. Nobody notices; encoders come meanwhile without waiting, and all is
// known afterwards.
func TestStreamsGoOnWithoutNATS(t *testing.T) {
	for _, c := range []struct {
		name       string
		away, back func(*engine)
		rounds     int
	}{
		{"killed", (*engine).kill, (*engine).start, 30},
		{"standing still", func(e *engine) { e.signal(syscall.SIGSTOP) }, func(e *engine) { e.signal(syscall.SIGCONT) }, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, nodes := threeNodes(t)
			src := nodes[0].DescribedSource(mount, 1)
			nodes[1].WaitForMount(mount)
			all := []*harness.VerifyingListener{nodes[0].ListenVerifying(mount, harness.HTTP1, false), nodes[1].ListenVerifying(mount, harness.HTTP1, false)}
			harness.WaitForSource(t, "both hear the stream", 1, all...)
			for round := range c.rounds {
				c.away(e)
				late := nodes[1].ListenVerifying(mount, harness.HTTP1, false)
				harness.WaitForSource(t, "a new listener hears the stream", src.Next.Load()/harness.SourceSpan, late)
				harness.CheckAll(t, late)
				nodes[0].missesNATS(round + 1)
				other := fmt.Sprintf("/during%d.mp3", round)
				during := nodes[2].DescribedSource(other, uint64(100+round))
				c.back(e)
				for _, n := range nodes {
					knows(&n.Restartable, 2)
					n.WaitForMount(other)
				}
				during.Abandon()
				at, id := nodes[(round+1)%2], uint64(round+2)
				next := at.DescribedSource(mount, id)
				harness.WaitForSource(t, "both hear the encoder at another node", id, all...)
				src.Abandon()
				src = next
			}
			src.Abandon()
			harness.CheckAll(t, all...)
		})
	}
}

// missesNATS waits until a node has noticed so often that NATS is away.
func (n *node) missesNATS(times int) {
	n.T.Helper()
	harness.Eventually(n.T, "NATS is missed", func() error {
		text, err := os.ReadFile(n.Home + "/log")
		if strings.Count(string(text), "cluster engine disconnected") < times {
			return errors.Join(errors.New("it is not"), err)
		}
		return nil
	})
}

// The programs of the node with the encoder and of a node with listeners are replaced. Everybody stays.
func TestNodesAreUpgraded(t *testing.T) {
	_, nodes := threeNodes(t)
	src := nodes[0].NumberedSource(mount, 1)
	var all []*harness.VerifyingListener
	for _, n := range nodes {
		n.WaitForMount(mount)
		all = append(all, n.ListenVerifying(mount, harness.HTTP1, false))
	}
	harness.WaitForSource(t, "all hear the stream", 1, all...)
	for range 3 {
		for _, n := range nodes {
			n.UpgradeTo(binary.Caddy(t))
			for _, n := range nodes {
				knows(&n.Restartable, 2)
			}
			sent := src.Next.Load()
			harness.Eventually(t, "all hear what is sent now", func() error {
				for _, l := range all {
					if got := l.HeardFrame.Load(); got < sent {
						return fmt.Errorf("heard frame %d; want %d", got, sent)
					}
				}
				return nil
			})
		}
	}
	src.Down()
	harness.CheckAll(t, all...)
}
