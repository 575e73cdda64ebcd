package peers

import (
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// crowd are listeners of one mount at several nodes.
type crowd []*harness.Listener

// gather lets so many listeners come, in several ways, to one node after another.
func gather(nodes []*harness.Restartable, n int) (all crowd) {
	ways := []harness.Way{{Kind: harness.HTTP1}, {Kind: harness.HTTP1, Encrypted: true}, {Kind: harness.HTTP2, Encrypted: true}}
	for i := range n {
		way := ways[i/len(nodes)%len(ways)]
		all = append(all, nodes[i%len(nodes)].ListenToSources(mount, way.Kind, way.Encrypted))
	}
	return all
}

// hears waits until all hear a source, and returns the longest pause that one of them had meanwhile.
func (c crowd) hears(t *testing.T, source uint64) (longest time.Duration) {
	t.Helper()
	harness.Eventually(t, fmt.Sprintf("all hear source %d", source), func() error {
		for i, l := range c {
			select {
			case <-l.Done:
				t.Fatalf("listener %d, by %s, was disconnected: %v", i, l.Kind, l.Err)
			default:
			}
			if got := l.HeardFrame.Load() / harness.SourceSpan; got != source {
				return fmt.Errorf("listener %d, by %s, hears %d", i, l.Kind, got)
			}
		}
		return nil
	})
	for _, l := range c {
		longest = max(longest, time.Duration(l.LongestPause.Swap(0)))
	}
	return longest
}

// fiveNodes starts nodes with plain and encrypted sites. at is the address of NATS for each.
func fiveNodes(t *testing.T, at func(int) string) (all []*harness.Restartable) {
	t.Helper()
	for i := range 5 {
		n := &harness.Restartable{Server: harness.NewServer(t), Home: t.TempDir()}
		n.Config = n.Caddyfile(fmt.Sprintf(`icecast {
			source_password hackme
			cluster nats %s {
				user     edge1
				password secret1
				prefix   radio1
			}
			role peer {
				internal http://%s
			}
			mount %s {
				linger 20s
				takeover
			}
		}`, at(i), n.Plain, mount))
		n.Start()
		all = append(all, n)
	}
	for _, n := range all {
		knows(n, 4)
	}
	return all
}

// The encoder moves from node to node, again and again, under hundreds of listeners at all nodes: it is
// replaced, or it ends before it connects elsewhere. Nobody is disconnected, and nobody misses a frame
// of what is sent by an encoder while it is there.
func TestAnEncoderMovesUnderHundredsOfListeners(t *testing.T) {
	e := newEngine(t)
	nodes := fiveNodes(t, func(int) string { return "nats://" + e.address })
	src := nodes[0].DescribedSource(mount, 1)
	for _, n := range nodes {
		n.WaitForMount(mount)
	}
	all := gather(nodes, 500)
	all.hears(t, 1)
	var longest time.Duration
	for round := uint64(2); round <= 51; round++ {
		if round%2 == 0 {
			src.Abandon()
		}
		next := nodes[round*3%5].DescribedSource(mount, round)
		if round%2 != 0 {
			src.Abandon()
		}
		src = next
		longest = max(longest, all.hears(t, round))
	}
	t.Logf("the longest pause was %v", longest)
	src.Abandon()
}

// A node that loses NATS alone keeps its listeners, and hears of a move as soon as it is back.
func TestANodeThatNATSDoesNotReachGoesOn(t *testing.T) {
	e := newEngine(t)
	link := harness.NewProxy(t, e.address)
	nodes := fiveNodes(t, func(i int) string {
		if i == 4 {
			return "nats://" + link.Address
		}
		return "nats://" + e.address
	})
	src := nodes[0].DescribedSource(mount, 1)
	for _, n := range nodes {
		n.WaitForMount(mount)
	}
	all := gather(nodes, 50)
	all.hears(t, 1)
	var away crowd
	for i, l := range all {
		if i%5 == 4 {
			away = append(away, l)
		}
	}
	for round := uint64(2); round <= 11; round++ {
		if round%2 == 0 {
			link.Cut()
		} else {
			link.Stall()
		}
		before := away[0].HeardFrame.Load()
		harness.Eventually(t, "the node without NATS goes on", func() error {
			if now := away[0].HeardFrame.Load(); now < before+40 {
				return fmt.Errorf("at %d, from %d on", now, before)
			}
			return nil
		})
		next := nodes[round%2].DescribedSource(mount, round)
		src.Abandon()
		src = next
		link.Mend()
		all.hears(t, round)
		for _, n := range nodes {
			knows(n, 4)
		}
	}
	src.Abandon()
}

// Each server of a cluster of NATS is killed, and started again. The nodes go on with the others.
func TestAServerOfNATSMayDie(t *testing.T) {
	engines := threeEngines(t)
	var urls []string
	for _, e := range engines {
		urls = append(urls, "nats://"+e.address)
	}
	nodes := fiveNodes(t, func(i int) string { return strings.Join(append(urls[i%3:], urls[:i%3]...), " ") })
	src := nodes[0].DescribedSource(mount, 1)
	for _, n := range nodes {
		n.WaitForMount(mount)
	}
	all := gather(nodes, 30)
	all.hears(t, 1)
	for round := uint64(2); round <= 7; round++ {
		dead := engines[round%3]
		dead.kill()
		next := nodes[round%5].DescribedSource(mount, round)
		src.Abandon()
		src = next
		all.hears(t, round)
		dead.start()
		for _, n := range nodes {
			knows(n, 4)
		}
	}
	src.Abandon()
}

// Programs take turns at several nodes. Their listeners stay.
func TestProgramsMoveFromNodeToNode(t *testing.T) {
	e := newEngine(t)
	nodes := fiveNodes(t, func(int) string { return "nats://" + e.address })
	file := harness.MakeMusic(t, harness.MP3[0], 60, harness.MP3[1:]...)
	programs := []func(*harness.Restartable) *exec.Cmd{
		func(n *harness.Restartable) *exec.Cmd {
			return harness.FfmpegSource(t, "icecast://source:hackme@"+n.Plain+mount, file, "mp3")
		},
		func(n *harness.Restartable) *exec.Cmd { // with libshout
			config := filepath.Join(t.TempDir(), "ezstream.xml")
			harness.WriteFile(t, config, fmt.Sprintf(`<ezstream>
	<servers><server><hostname>127.0.0.1</hostname><port>%s</port><password>hackme</password><tls>none</tls></server></servers>
	<streams><stream><mountpoint>%s</mountpoint><format>MP3</format></stream></streams>
	<intakes><intake><type>file</type><filename>%s</filename></intake></intakes>
</ezstream>`, harness.Port(n.Plain), mount, file))
			cmd, _ := harness.Launch(t, "ezstream", "-c", config)
			return cmd
		},
	}
	var all []*harness.Listener
	received := make([]atomic.Int64, 10)
	for round := range 10 {
		n := nodes[round*2%5]
		cmd := programs[round%2](n)
		for _, n := range nodes {
			n.WaitForMount(mount)
		}
		for i := len(all); i < len(received); i++ {
			all = append(all, nodes[i%5].Open(mount, harness.HTTP1, i >= 5, func(body io.Reader) {
				buf := make([]byte, 4096)
				for {
					n, err := body.Read(buf)
					if received[i].Add(int64(n)); err != nil {
						received[i].Store(-1)
						return
					}
				}
			}))
		}
		var before [10]int64
		for i := range all {
			before[i] = received[i].Load()
		}
		harness.Eventually(t, "all go on", func() error {
			for i := range all {
				if now := received[i].Load(); now < before[i]+20_000 {
					return fmt.Errorf("round %d: listener %d has %d bytes, after %d", round, i, now, before[i])
				}
			}
			return nil
		})
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}
