// Sim simulates a large cluster: its nodes are the real ones of the packages cluster and
// streaming/relay, with real messages, and choose by the real rules where a listener is sent.
// Their clock and their network are virtual, and listeners are numbers. It prints a table, and draws
// plots for the guide.
//
// What is simulated, and so not measured: connections, audio, the relays (they dial in the order and
// with the pauses of the real ones), the proofs of public URLs, limits of the whole cluster, and NATS itself.
package main

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// options are the flags.
type options struct {
	Listeners, Edges, Sources, Mounts, Regions, Fanout int

	Fill, Skew, Ramp, Flood float64
	Stay, Drain             time.Duration
	Upgraded                float64
	Scenes, Docs            string
	Seed                    uint64
	IsQuiet                 bool
}

func (o *options) register(f *flag.FlagSet) {
	f.IntVar(&o.Listeners, "listeners", 1_000_000, "listeners at the peak")
	f.IntVar(&o.Edges, "edges", 200, "nodes that take no sources")
	f.IntVar(&o.Sources, "sources", 5, "nodes that take sources")
	f.IntVar(&o.Mounts, "mounts", 1500, "mounts, each with a source")
	f.IntVar(&o.Regions, "regions", 6, "regions that nodes and listeners are in")
	f.IntVar(&o.Fanout, "fanout", 50, "nodes that may pull a mount from one node")
	f.Float64Var(&o.Fill, "fill", 0.87, "part of all places that is taken at the peak")
	f.Float64Var(&o.Skew, "skew", 1.1, "exponent of the popularity of mounts")
	f.Float64Var(&o.Ramp, "ramp", 10_000, "listeners that come in a second of the ramp")
	f.Float64Var(&o.Flood, "flood", 100_000, "listeners that come in a second of the flood")
	f.DurationVar(&o.Stay, "stay", 30*time.Minute, "how long a listener stays on average")
	f.DurationVar(&o.Drain, "drain", 8*time.Second, "window of a drain")
	f.Float64Var(&o.Upgraded, "upgraded", 1, "part of the nodes that are upgraded")
	f.StringVar(&o.Scenes, "scenes", "", "scenes to play after the flood, with commas between them; empty: all")
	f.StringVar(&o.Docs, "docs", "", "folder of the guide into which table and plots are written; empty: none")
	f.Uint64Var(&o.Seed, "seed", 1, "of what happens at random to listeners")
}

func main() {
	testing.Init()
	var o options
	o.register(flag.CommandLine)
	flag.Parse()
	// Outside of a test there is no bubble with a clock of its own.
	testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "sim", F: func(t *testing.T) {
		var r *result
		synctest.Test(t, func(*testing.T) { r = simulate(o) })
		fmt.Println()
		fmt.Print(r.table())
		if o.Docs == "" {
			return
		}
		if err := r.write(o.Docs); err != nil {
			t.Fatal(err)
		}
	}}}, nil, nil)
}

// progress tells what is played.
func (w *world) progress(format string, args ...any) {
	if !w.IsQuiet {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	}
}
