//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
)

const (
	// saturated is how much of its core the rig may use before its own slowness is
	// what is measured.
	saturated = 0.9

	// disturbing is how much of a core others may use.
	disturbing = 0.15

	// sourceFloor is how much of a source's frames a server must take in time.
	sourceFloor = 0.98
)

// trouble is something that the reader of a row must know if it is above a limit
// in any run.
type trouble struct {
	above  float64
	number string // how to write the value
	text   string // with the number in place of %s
	value  func(*result) float64
	// steps: the note is for runs by steps, too. Those end when listeners are dropped,
	// and have a column for it.
	steps bool
}

var troubles = []trouble{
	{0, "%.0f", "**%s frames lost**", func(r *result) float64 { return float64(r.Lost) }, true},
	{0, "%.0f", "**%s frames corrupt**", func(r *result) float64 { return float64(r.Corrupt) }, true},
	{0, "%.0f", "**%s bytes came too late to be checked**", func(r *result) float64 { return float64(r.Unchecked) }, true},
	{0, "%.0f", "**%s refused**", func(r *result) float64 { return float64(r.Refused) }, true},
	{0, "%.0f", "**%s never heard anything**", func(r *result) float64 { return float64(r.Silent) }, true},
	{0, "%.0f", "**%s dropped**", func(r *result) float64 { return float64(r.Dropped) }, false},
	{0, "%.0f", "**%s stuck**", func(r *result) float64 { return float64(r.Stuck) }, false},
	{
		100 - 100*sourceFloor, "%.0f", "**%s %% of the source was not taken in time**",
		func(r *result) float64 { return 100 - 100*r.SourceShare }, false,
	},
	{saturated, "%.2f", "**the rig was saturated: %s cores**", func(r *result) float64 { return r.RigCPU }, true},
	{disturbing, "%.2f", "disturbed: others used %s of the server's core", func(r *result) float64 { return r.OtherCPU }, true},
	{disturbing, "%.2f", "disturbed: others used %s of the rig's core", func(r *result) float64 { return r.OtherRigCPU }, true},
}

// notes says aloud what was not as it should be.
func notes(rs []result) string {
	var all []string
	say := func(note string) {
		if !slices.Contains(all, note) {
			all = append(all, note)
		}
	}
	measured, _ := part(rs, (*result).measured)
	for _, t := range troubles {
		if slices.ContainsFunc(measured, func(r result) bool { return t.value(&r) > t.above && (t.steps || len(r.Steps) == 0) }) {
			say(fmt.Sprintf(t.text, spread(measured, t.number, t.value)))
		}
	}
	for i := range rs {
		for _, note := range rs[i].words() {
			say(note)
		}
	}
	return strings.Join(all, "; ")
}

// words are the notes without numbers.
func (r *result) words() (all []string) {
	for _, w := range []struct{ text, format string }{
		{r.Skipped, "**skipped**: %s"},
		{r.Failed, "**failed**: %s"},
		{r.SourceWas, "**%s**"},
		{r.Unloaded, "**%s**"},
		{r.Example, "why, for one: %s"},
	} {
		if w.text != "" {
			all = append(all, fmt.Sprintf(w.format, oneLine(w.text)))
		}
	}
	if r.MidFrame > 0 {
		all = append(all, "streams begin within a frame")
	}
	return all
}

func (r *result) measured() bool { return r.Skipped == "" && r.Failed == "" }

// oneLine makes a text fit into a cell.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 300 {
		s = s[:300] + "…"
	}
	return strings.ReplaceAll(s, "|", "\\|")
}
