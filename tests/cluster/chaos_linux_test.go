package cluster

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

const (
	chaosListeners = 20
	chaosMount     = "/live.mp3"
)

// chaosCase is what happens to a cluster while listeners hear a slave of it.
type chaosCase struct {
	name string
	// start starts the cluster and returns the node of the listeners, and what happens, which
	// returns how often it happened.
	start func(t *testing.T, rounds int) (edge *node, happen func(all chaosAudience) (times int))
}

var chaosCases = []chaosCase{
	{"SIGKILL of the master", killedMaster},
	{"the master is silent for 8 s", silentMaster},
	{"the link flaps: 0.5 s of each 2 s away", flappingLink},
	{"300 ms delay, 3 % loss, 20 s", lossyLink},
	{"64 kbit/s for 20 s", narrowLink},
	{"two masters, killed in turns", mastersInTurns},
	{"two masters, the playing one silent for 8 s", silentMasterOfTwo},
	{"three tiers, SIGKILL of the middle", killedHub},
}

// TestChaos prints a table of what listeners of a slave notice of faults behind it. It takes minutes,
// so make chaos runs it: CADDYCAST_TEST_CHAOS is the number of rounds.
func TestChaos(t *testing.T) {
	rounds, err := strconv.Atoi(os.Getenv("CADDYCAST_TEST_CHAOS"))
	if err != nil {
		t.Skip("make chaos runs it")
	}
	var table strings.Builder
	table.WriteString("| case | times | disconnects | lost frames | longest silence |\n|---|---|---|---|---|\n")
	for _, c := range chaosCases {
		t.Run(c.name, func(t *testing.T) {
			edge, happen := c.start(t, rounds)
			edge.WaitForMount(chaosMount)
			var all chaosAudience
			for range chaosListeners {
				all = append(all, listenCounting(edge.Server, chaosMount))
			}
			all.waitForFrames("at first", 200)
			for _, l := range all {
				l.longest.Store(0)
			}
			times := happen(all)
			fmt.Fprintf(&table, "| %s | %d | %s |\n", c.name, times, all.result(t))
		})
	}
	t.Logf("%d listeners, frames of 26 ms:\n%s", chaosListeners, table.String())
	if path := os.Getenv("CADDYCAST_TEST_CHAOS_TABLE"); path != "" {
		harness.WriteFile(t, path, table.String())
	}
}

// chaosAudience are the listeners of a slave.
type chaosAudience []*countingListener

// waitForFrames waits until each listener that is there has heard so many more frames.
func (a chaosAudience) waitForFrames(what string, n uint64) {
	var wait sync.WaitGroup
	for _, l := range a {
		wait.Go(func() { l.waitForFrames(what, n) })
	}
	wait.Wait()
}

// result ends the listeners and returns the cells of the table, the worst of all.
func (a chaosAudience) result(t *testing.T) string {
	t.Helper()
	disconnects, lost, longest := 0, uint64(0), time.Duration(0)
	for i, l := range a {
		select {
		case err := <-l.ended:
			disconnects++
			t.Errorf("listener %d was disconnected: %v", i, err)
		default:
			l.Stop()
			<-l.ended
		}
		lost, longest = max(lost, l.missing.Load()), max(longest, time.Duration(l.longest.Load()))
	}
	return fmt.Sprintf("%d | %d | %.1f s", disconnects, lost, longest.Seconds())
}

// repeatedly does something so many times, and waits each time until all hear it.
func (a chaosAudience) repeatedly(rounds int, do func(round int)) int {
	for i := range rounds {
		do(i)
		a.waitForFrames(fmt.Sprintf("after round %d", i+1), 150)
	}
	return rounds
}

func killedMaster(t *testing.T, rounds int) (*node, func(chaosAudience) int) {
	master := newNode(t, "")
	encodeTo(t, chaosMount, master.Plain)
	return newNode(t, slaveSettings("", master)), func(all chaosAudience) int {
		return all.repeatedly(rounds, func(int) {
			master.kill()
			master.start()
		})
	}
}

// silence stops a node for some time.
func silence(n *node, away time.Duration) {
	n.stop()
	time.Sleep(away) // the length of the fault
	n.resume()
}

func silentMaster(t *testing.T, rounds int) (*node, func(chaosAudience) int) {
	master := newNode(t, "")
	encodeTo(t, chaosMount, master.Plain)
	return newNode(t, slaveSettings("", master)), func(all chaosAudience) int {
		return all.repeatedly(min(rounds, maxSlowRounds), func(int) { silence(master, 8*time.Second) })
	}
}

// maxSlowRounds bounds the rounds of a fault that takes many seconds.
const maxSlowRounds = 2

// linkedTo returns a slave behind a link.
func linkedTo(t *testing.T, master *node) (*node, *proxy) {
	t.Helper()
	encodeTo(t, chaosMount, master.Plain)
	link := newProxy(t, master.Plain)
	behind := &node{Server: &harness.Server{Plain: link.address}}
	return newNode(t, slaveSettings("", behind)), link
}

func flappingLink(t *testing.T, rounds int) (*node, func(chaosAudience) int) {
	edge, link := linkedTo(t, newNode(t, ""))
	return edge, func(all chaosAudience) int {
		for range rounds {
			link.cut()
			time.Sleep(500 * time.Millisecond)
			link.mend()
			time.Sleep(1500 * time.Millisecond)
		}
		all.waitForFrames("in the end", 150)
		return rounds
	}
}

// shaped returns a slave behind a link that is of some shape for a while.
func shaped(t *testing.T, s shape) (*node, func(chaosAudience) int) {
	t.Helper()
	edge, link := linkedTo(t, newNode(t, ""))
	return edge, func(all chaosAudience) int {
		link.setShape(s)
		time.Sleep(20 * time.Second)
		link.setShape(shape{})
		all.waitForFrames("in the end", 300)
		return 1
	}
}

func lossyLink(t *testing.T, _ int) (*node, func(chaosAudience) int) {
	return shaped(t, shape{delay: 300 * time.Millisecond, loss: 0.03})
}

func narrowLink(t *testing.T, _ int) (*node, func(chaosAudience) int) {
	return shaped(t, shape{rate: 64_000 / 8})
}

func mastersInTurns(t *testing.T, rounds int) (*node, func(chaosAudience) int) {
	masters := []*node{newNode(t, ""), newNode(t, "")}
	encodeTo(t, chaosMount, masters[0].Plain, masters[1].Plain)
	return newNode(t, slaveSettings("", masters...)), func(all chaosAudience) int {
		return all.repeatedly(rounds, func(i int) {
			masters[i%2].kill()
			all.waitForFrames("with the other", 100)
			masters[i%2].start()
		})
	}
}

func silentMasterOfTwo(t *testing.T, rounds int) (*node, func(chaosAudience) int) {
	masters := []*node{newNode(t, ""), newNode(t, "")}
	encodeTo(t, chaosMount, masters[0].Plain, masters[1].Plain)
	edge := newNode(t, slaveSettings("", masters...))
	return edge, func(all chaosAudience) int {
		return all.repeatedly(min(rounds, maxSlowRounds), func(int) {
			playing := masters[0]
			if edge.APIList("relays")[0]["upstream"] == "http://"+masters[1].Plain+chaosMount {
				playing = masters[1]
			}
			silence(playing, 8*time.Second)
		})
	}
}

func killedHub(t *testing.T, rounds int) (*node, func(chaosAudience) int) {
	top := newNode(t, "")
	encodeTo(t, chaosMount, top.Plain)
	hub := newNode(t, slaveSettings("", top))
	return newNode(t, slaveSettings("", hub)), func(all chaosAudience) int {
		return all.repeatedly(rounds, func(int) {
			hub.kill()
			hub.start()
		})
	}
}
