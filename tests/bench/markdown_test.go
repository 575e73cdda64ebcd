//go:build linux

package main

import (
	"strings"
	"testing"
	"time"
)

func TestMedianWithLeastAndGreatest(t *testing.T) {
	cpu := func(r *result) float64 { return r.CPU }
	for _, c := range []struct {
		values []float64
		want   string
	}{
		{nil, "–"},
		{[]float64{0.25}, "0.25"},
		{[]float64{0.251, 0.252}, "0.25"},
		{[]float64{0.5, 0.1, 0.3}, "0.30 (0.10–0.50)"},
		{[]float64{0.1, 0.3}, "0.20 (0.10–0.30)"},
	} {
		var rs []result
		for _, v := range c.values {
			rs = append(rs, result{CPU: v})
		}
		if got := spread(rs, "%.2f", cpu); got != c.want {
			t.Errorf("%v: %q, want %q", c.values, got, c.want)
		}
	}
}

func TestTheReportHidesNothing(t *testing.T) {
	good := result{Scenario: "steady-1000", Family: "steady", Server: "a", Listeners: 1000, Full: 1000, Playing: 1000, SourceShare: 1, CPU: 0.1}
	bad := good
	bad.Server, bad.Full, bad.Lost, bad.RigCPU, bad.OtherCPU, bad.SourceShare = "b", 900, 7, 0.95, 0.5, 0.7
	skipped := result{Scenario: "steady-18000", Family: "steady", Server: "a", Skipped: "needs 18101 descriptors"}
	storm := result{Scenario: "storm-5000", Family: "storm", Server: "a", Listeners: 5000, Full: 5000, AllPlaying: 1500 * time.Millisecond, SourceShare: 1}
	never := storm
	never.AllPlaying = 0
	steps := result{
		Scenario: "saturation", Family: "saturation", Server: "a", Listeners: 1000, Dropped: 3, SourceShare: 0.5,
		Steps: []step{{Mbit: 1, Intact: true, Gbits: 1}, {Mbit: 2, Full: 997, Dropped: 3, Gbits: 1.9}},
	}
	var out strings.Builder
	if err := report(&out, []string{"# Heading"}, []result{good, storm, bad, skipped, never, steps}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{
		"# Heading\n", "\n## steady\n", "\n## storm\n",
		"| steady-1000 | a | 1 | 0.100 | 100.0 |", "1000 of 1000", "900 of 1000",
		"**7 frames lost**", "**30 % of the source was not taken in time**", "**the rig was saturated: 0.95 cores**",
		"disturbed: others used 0.50 of the server's core",
		"| steady-18000 | a | 0 |", "**skipped**: needs 18101 descriptors",
		"1.50; never in 1 of 2",
		"| saturation | a | 1 | 1.0 | 1 |", "2 Mbit/s: 997 of 1000 full, 0 lost, 3 dropped",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "| steady-1000 | a") && !strings.HasSuffix(line, "|  |\n") {
			t.Errorf("there is a note where all is well: %s", line)
		}
	}
}
