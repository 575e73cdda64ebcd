//go:build linux

package main

import (
	"context"
)

// saturate raises the rate of the source until not all listeners get all of it
// in time.
func (r *run) saturate(ctx context.Context) error {
	for _, rate := range r.steps {
		r.rate = rate * mbit
		r.sources.interval.Store(int64(frameInterval(r.rate)))
		if err := r.players.play(ctx, r.settle, nil); err != nil {
			return err
		}
		if err := r.measureWindow(ctx); err != nil {
			return err
		}
		s := step{
			Mbit: rate, Intact: r.res.intact(), Full: r.res.Full, Lost: r.res.Lost, Dropped: r.res.Dropped,
			CPU: r.res.CPU, RigCPU: r.res.RigCPU, Gbits: r.res.Gbits, Source: r.res.SourceShare, DelayP99: r.res.DelayP99,
		}
		r.res.Steps = append(r.res.Steps, s)
		r.progress("    %d Mbit/s: %d full, %.1f Gbit/s, %.2f cores, rig %.2f", rate, s.Full, s.Gbits, s.CPU, s.RigCPU)
		if !s.Intact {
			break
		}
	}
	return nil
}
