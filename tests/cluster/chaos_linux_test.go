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
	{"300 ms delay and 3 % loss for 4 s", lossyLink},
	{"64 kbit/s for 4 s", narrowLink},
	{"two masters, killed in turns", mastersInTurns},
	{"two masters, the playing one silent for 8 s", silentMasterOfTwo},
	{"three tiers, SIGKILL of the middle", killedHub},
}

// No fault behind a slave disconnects its listeners, or makes them hear a frame twice. What else they
// notice is a table: make chaos prints it, with CADDYCAST_TEST_CHAOS rounds instead of one.
func TestChaos(t *testing.T) {
	rounds := 1
	if n, err := strconv.Atoi(os.Getenv("CADDYCAST_TEST_CHAOS")); err == nil {
		rounds = n
	}
	rows := make([]string, len(chaosCases))
	t.Run("cases", func(t *testing.T) { // side by side, but for make chaos
		for i, c := range chaosCases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				rows[i] = fmt.Sprintf("| %s | %s |", c.name, c.run(t, rounds))
			})
		}
	})
	table := "| case | times | disconnects | lost frames | longest silence |\n|---|---|---|---|---|\n" + strings.Join(rows, "\n") + "\n"
	t.Logf("%d listeners, frames of 26 ms:\n%s", chaosListeners, table)
}

// run returns the other cells of the case's row.
func (c *chaosCase) run(t *testing.T, rounds int) string {
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
	return fmt.Sprintf("%d | %s", times, all.result(t))
}

// patientSlave returns the settings of a slave whose listeners wait for its masters as long as those
// take to start, also on a slow machine.
func patientSlave(masters ...*node) string {
	return slaveSettings("", masters...) + "\nmount " + chaosMount + " {\n linger 1m\n}"
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
	return newNode(t, patientSlave(master)), func(all chaosAudience) int {
		return all.repeatedly(rounds, func(int) {
			master.Kill()
			master.Start()
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
	return newNode(t, patientSlave(master)), func(all chaosAudience) int {
		return all.repeatedly(min(rounds, maxSlowRounds), func(int) { silence(master, 8*time.Second) })
	}
}

// maxSlowRounds bounds the rounds of a fault that takes many seconds.
const maxSlowRounds = 2

// linkedTo returns a slave behind a link.
func linkedTo(t *testing.T, master *node) (*node, *harness.Proxy) {
	t.Helper()
	encodeTo(t, chaosMount, master.Plain)
	link := harness.NewProxy(t, master.Plain)
	behind := &node{harness.Restartable{Server: &harness.Server{Plain: link.Address}}}
	return newNode(t, patientSlave(behind)), link
}

func flappingLink(t *testing.T, rounds int) (*node, func(chaosAudience) int) {
	edge, link := linkedTo(t, newNode(t, ""))
	return edge, func(all chaosAudience) int {
		for range rounds {
			link.Cut()
			time.Sleep(500 * time.Millisecond) // the length of the fault, and its pace
			link.Mend()
			time.Sleep(1500 * time.Millisecond)
		}
		all.waitForFrames("in the end", 150)
		return rounds
	}
}

// shaped returns a slave behind a link that is of some shape for a while.
func shaped(t *testing.T, rounds int, s harness.Shape) (*node, func(chaosAudience) int) {
	t.Helper()
	edge, link := linkedTo(t, newNode(t, ""))
	return edge, func(all chaosAudience) int {
		return all.repeatedly(rounds, func(int) {
			link.SetShape(s)
			time.Sleep(4 * time.Second) // the length of the fault
			link.SetShape(harness.Shape{})
		})
	}
}

func lossyLink(t *testing.T, rounds int) (*node, func(chaosAudience) int) {
	return shaped(t, rounds, harness.Shape{Delay: 300 * time.Millisecond, Loss: 0.03})
}

func narrowLink(t *testing.T, rounds int) (*node, func(chaosAudience) int) {
	return shaped(t, rounds, harness.Shape{Rate: 64_000 / 8})
}

func mastersInTurns(t *testing.T, rounds int) (*node, func(chaosAudience) int) {
	masters := []*node{newNode(t, ""), newNode(t, "")}
	encodeTo(t, chaosMount, masters[0].Plain, masters[1].Plain)
	return newNode(t, patientSlave(masters...)), func(all chaosAudience) int {
		return all.repeatedly(rounds, func(i int) {
			masters[i%2].Kill()
			all.waitForFrames("with the other", 100)
			masters[i%2].Start()
		})
	}
}

func silentMasterOfTwo(t *testing.T, rounds int) (*node, func(chaosAudience) int) {
	masters := []*node{newNode(t, ""), newNode(t, "")}
	encodeTo(t, chaosMount, masters[0].Plain, masters[1].Plain)
	edge := newNode(t, patientSlave(masters...))
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
	return newNode(t, patientSlave(hub)), func(all chaosAudience) int {
		return all.repeatedly(rounds, func(int) {
			hub.Kill()
			hub.Start()
		})
	}
}
