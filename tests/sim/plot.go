package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// plot is a drawing of some lines over the seconds of all scenes.
type plot struct {
	name, title, unit string
	lines             []line
}

type line struct {
	label  string
	values []float64
}

func (r *result) plots() []plot {
	of := func(label string, value func(s *second) float64) line {
		l := line{label: label}
		for i := range r.seconds {
			l.values = append(l.values, value(&r.seconds[i]))
		}
		return l
	}
	each := func(n int64, s *second) float64 { return float64(n) / float64(max(1, s.running)) }
	return []plot{
		{"cluster-listeners", "Listeners", "thousand", []line{
			of("with a place", func(s *second) float64 { return float64(s.served) / 1000 }),
			of("on the way to one", func(s *second) float64 { return float64(s.wanting) / 1000 }),
		}},
		{"cluster-load", "Places taken at a node", "per cent", []line{
			of("at the fullest one", func(s *second) float64 { return 100 * s.fullest }),
			of("on average", func(s *second) float64 { return 100 * s.mean }),
			of("at the emptiest one", func(s *second) float64 { return 100 * s.emptiest }),
		}},
		{"cluster-messages", "Messages that a node receives", "per second", []line{
			of("messages", func(s *second) float64 { return each(s.received, s) }),
			of("kB", func(s *second) float64 { return each(s.taken, s) / 1000 }),
		}},
	}
}

// svg draws the plot, in colors for light, dark and paper.
func (p *plot) svg(rows []row) string {
	const left, top, width, height = 64, 52, 860, 180
	most := 1.0
	for _, l := range p.lines {
		most = max(most, slices.Max(l.values))
	}
	unit := math.Pow(10, math.Floor(math.Log10(most)))
	for most/unit < 3 {
		unit /= 2
	}
	most = math.Ceil(most/unit) * unit
	seconds := float64(max(2, len(p.lines[0].values)) - 1)
	x := func(second int) float64 { return left + width*float64(second)/seconds }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 940 290" width="940" height="290" role="img" aria-label="%[1]s over time">
<style>
svg{color:#24292f;background:#fff}text{font:12px sans-serif;fill:currentColor}.g{stroke:currentColor;opacity:.2}.s{font-size:10px}
polyline{fill:none;stroke-width:1.5}.l0{stroke:#0969da}.l1{stroke:#bc4c00;stroke-dasharray:6 3}.l2{stroke:#1a7f37;stroke-dasharray:2 2}
@media (prefers-color-scheme:dark){svg{color:#e6edf3;background:#0d1117}.l0{stroke:#58a6ff}.l1{stroke:#f0883e}.l2{stroke:#3fb950}}
@media print{svg{color:#000;background:#fff}}
</style>
<text x="%[2]d" y="16" font-weight="bold">%[1]s</text>
`, p.title, left)
	for y := 0.0; y <= most; y += unit {
		at := top + height - height*y/most
		fmt.Fprintf(&b, `<path class="g" d="M%d %.1fh%d"/><text x="%d" y="%.1f" text-anchor="end">%g</text>`+"\n", left, at, width, left-6, at+4, y)
	}
	for i := range rows {
		at := x(rows[i].began)
		fmt.Fprintf(&b, `<path class="g" d="M%.1f %dv%d"/><text class="s" x="%.1f" y="%d">%s</text>`+"\n", at, top, height, at+2, top-4-10*(i%2), rows[i].name)
	}
	for second := 0; float64(second) <= seconds; second += 30 * max(1, int(seconds)/300) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n", x(second), top+height+16, second)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">seconds</text><text transform="translate(14 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n",
		left+width/2, top+height+34, top+height/2, p.unit)
	for i, l := range p.lines {
		at := left + width - 160*(len(p.lines)-i)
		fmt.Fprintf(&b, `<polyline class="l%d" points="%d,12 %d,12"/><text x="%d" y="16">%s</text>`+"\n", i, at, at+22, at+27, l.label)
		fmt.Fprintf(&b, `<polyline class="l%d" points="`, i)
		for second, v := range l.values {
			fmt.Fprintf(&b, "%.1f,%.1f ", x(second), top+height-height*v/most)
		}
		b.WriteString("\"/>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}
