//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// column is a column of a table: a title, and the cell that some runs of one
// scenario with one server make.
type column struct {
	title string
	cell  func(rs []result) string
}

// spread writes the median of a number, with the least and the greatest if they
// would be written otherwise.
func spread(rs []result, format string, value func(*result) float64) string {
	values := make([]float64, 0, len(rs))
	for i := range rs {
		values = append(values, value(&rs[i]))
	}
	slices.Sort(values)
	n := len(values)
	if n == 0 {
		return "–"
	}
	write := func(v float64) string { return fmt.Sprintf(format, v) }
	text := write((values[(n-1)/2] + values[n/2]) / 2)
	if least, most := write(values[0]), write(values[n-1]); least != most {
		text += " (" + least + "–" + most + ")"
	}
	return text
}

func number(title, format string, value func(*result) float64) column {
	return column{title, func(rs []result) string { return spread(rs, format, value) }}
}

// durations writes some durations in milliseconds, with slashes between them.
func durations(title string, values ...func(*result) time.Duration) column {
	return column{title, func(rs []result) string {
		var cells []string
		for _, value := range values {
			cells = append(cells, spread(rs, "%.0f", func(r *result) float64 { return float64(value(r)) / float64(time.Millisecond) }))
		}
		return strings.Join(cells, " / ")
	}}
}

const (
	kib = 1 << 10
	mib = 1 << 20
)

var (
	cpuColumn = number("CPU, cores", "%.3f", func(r *result) float64 { return r.CPU })
	perColumn = number("µs CPU per listener-second", "%.1f", func(r *result) float64 {
		return r.CPU * 1e6 / float64(max(r.Playing, 1))
	})
	residentColumn = number("RSS, MiB", "%.0f", func(r *result) float64 { return float64(r.Bytes) / mib })
	memoryColumn   = column{"RSS, MiB; KiB per listener", func(rs []result) string {
		return residentColumn.cell(rs) + "; " + spread(rs, "%.1f", func(r *result) float64 {
			return max(float64(r.Bytes)-float64(r.IdleBytes), 0) / kib / float64(max(r.Playing, 1))
		})
	}}
	socketsColumn  = number("socket memory, MiB", "%.0f", func(r *result) float64 { return float64(r.SocketBytes) / mib })
	switchesColumn = number("context switches/s", "%.0f", func(r *result) float64 { return r.Switches })
	rigColumn      = number("rig CPU", "%.2f", func(r *result) float64 { return r.RigCPU })
	reloadsColumn  = number("reloads", "%.0f", func(r *result) float64 { return float64(r.Reloads) })
	framesColumn   = number("lost + corrupt frames", "%.0f", func(r *result) float64 { return float64(r.Lost + r.Corrupt) })

	fullColumn = column{"full rate", func(rs []result) string {
		return spread(rs, "%.0f", func(r *result) float64 { return float64(r.Full) }) + fmt.Sprintf(" of %d", rs[0].Listeners)
	}}
	slowColumn = column{"slow ones disconnected", func(rs []result) string {
		return spread(rs, "%.0f", func(r *result) float64 { return float64(r.SlowEnded) }) + fmt.Sprintf(" of %d", rs[0].Slow)
	}}
	delayColumn = durations("delay p50 / p99 / max, ms",
		func(r *result) time.Duration { return r.DelayP50 },
		func(r *result) time.Duration { return r.DelayP99 },
		func(r *result) time.Duration { return r.DelayMax })
	firstColumn = durations("first sound p50 / p99, ms",
		func(r *result) time.Duration { return r.FirstP50 },
		func(r *result) time.Duration { return r.FirstP99 })
	allColumn = column{"all playing after, s", func(rs []result) string {
		var played []result
		for _, r := range rs {
			if r.AllPlaying > 0 {
				played = append(played, r)
			}
		}
		text := spread(played, "%.2f", func(r *result) float64 { return r.AllPlaying.Seconds() })
		switch len(played) {
		case 0:
			return "never"
		case len(rs):
			return text
		}
		return fmt.Sprintf("%s; never in %d of %d", text, len(rs)-len(played), len(rs))
	}}
	notesColumn = column{"notes", notes}
)

// columns returns the columns of a family's table.
func columns(family string) []column {
	switch family {
	case "saturation":
		return saturationColumns
	case "storm":
		return []column{allColumn, firstColumn, fullColumn, cpuColumn, memoryColumn, rigColumn, notesColumn}
	case "slow", "stalled":
		return []column{cpuColumn, residentColumn, socketsColumn, slowColumn, fullColumn, delayColumn, rigColumn, notesColumn}
	case "cluster":
		return clusterColumns
	case "hls":
		return hlsColumns
	case "upgrade":
		return upgradeColumns
	case "reload":
		return []column{reloadsColumn, framesColumn, cpuColumn, memoryColumn, fullColumn, delayColumn, rigColumn, notesColumn}
	}
	return []column{
		cpuColumn, perColumn, memoryColumn, socketsColumn, switchesColumn, fullColumn, delayColumn, firstColumn,
		rigColumn, notesColumn,
	}
}

var clusterColumns = []column{
	number("slaves that follow", "%.0f", func(r *result) float64 { return float64(r.Following) }),
	number("events for a slave and source", "%.1f", func(r *result) float64 { return r.ListEvents }),
	number("reports refused", "%.0f", func(r *result) float64 { return float64(r.ReportsRefused) }),
	number("CPU of a source that comes and goes, ms", "%.1f", func(r *result) float64 { return float64(r.VisitCPU) / float64(time.Millisecond) }),
	number("status JSON without slaves, ms", "%.1f", func(r *result) float64 { return float64(r.StatusAlone) / float64(time.Millisecond) }),
	number("with slaves, ms", "%.1f", func(r *result) float64 { return float64(r.StatusWithSlaves) / float64(time.Millisecond) }),
	number("goroutines without slaves", "%.0f", func(r *result) float64 { return float64(r.GoroutinesAlone) }),
	number("with slaves", "%.0f", func(r *result) float64 { return float64(r.Goroutines) }),
	cpuColumn, residentColumn, rigColumn, notesColumn,
}

var saturationColumns = []column{
	number("intact up to, Gbit/s", "%.1f", func(r *result) float64 { s, _ := r.best(); return s.Gbits }),
	number("at Mbit/s", "%.0f", func(r *result) float64 { s, _ := r.best(); return float64(s.Mbit) }),
	number("CPU there, cores", "%.2f", func(r *result) float64 { s, _ := r.best(); return s.CPU }),
	durations("delay p99 there, ms", func(r *result) time.Duration { s, _ := r.best(); return s.DelayP99 }),
	number("rig CPU there", "%.2f", func(r *result) float64 { s, _ := r.best(); return s.RigCPU }),
	{"first step that failed", func(rs []result) string {
		var failed []string
		for _, r := range rs {
			if n := len(r.Steps); n > 0 && !r.Steps[n-1].Intact {
				s := r.Steps[n-1]
				failed = append(failed, fmt.Sprintf("%d Mbit/s: %d of %d full, %d lost, %d dropped, source %.0f %%, %.2f Gbit/s, rig %.2f",
					s.Mbit, s.Full, r.Listeners, s.Lost, s.Dropped, 100*s.Source, s.Gbits, s.RigCPU))
			}
		}
		if failed == nil {
			return "none"
		}
		return strings.Join(failed, "<br>")
	}},
	notesColumn,
}

// report writes all results as Markdown: a table for each family.
func report(w io.Writer, heading []string, results []result) error {
	var out strings.Builder
	for _, line := range heading {
		fmt.Fprintf(&out, "%s\n", line)
	}
	for len(results) > 0 {
		family := results[0].Family
		var rows []result
		rows, results = part(results, func(r *result) bool { return r.Family == family })
		fmt.Fprintf(&out, "\n## %s\n\n", family)
		table(&out, columns(family), rows)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// table writes a row for each scenario and server, in the order of the runs.
func table(out *strings.Builder, columns []column, results []result) {
	out.WriteString("| scenario | server | runs |")
	for _, c := range columns {
		out.WriteString(" " + c.title + " |")
	}
	out.WriteString("\n" + strings.Repeat("|---", len(columns)+3) + "|\n")
	for len(results) > 0 {
		first := results[0]
		var row []result
		row, results = part(results, func(r *result) bool { return r.Scenario == first.Scenario && r.Server == first.Server })
		measured, bad := part(row, (*result).measured)
		fmt.Fprintf(out, "| %s | %s | %d |", first.Scenario, first.Server, len(measured))
		for _, c := range columns {
			cell := "–"
			if len(measured) > 0 {
				cell = c.cell(measured)
			}
			if c.title == notesColumn.title {
				cell = joinNotes(strings.TrimPrefix(cell, "–"), notes(bad))
			}
			out.WriteString(" " + cell + " |")
		}
		out.WriteByte('\n')
	}
}

func joinNotes(a, b string) string {
	if a != "" && b != "" {
		return a + "; " + b
	}
	return a + b
}

// part splits results into those that are such and the others.
func part(results []result, such func(*result) bool) (yes, no []result) {
	for i := range results {
		if such(&results[i]) {
			yes = append(yes, results[i])
		} else {
			no = append(no, results[i])
		}
	}
	return yes, no
}
