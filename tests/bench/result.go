//go:build linux

package main

import "time"

// result is what one run of a scenario with one server showed.
type result struct {
	Scenario string `json:"scenario"`
	Family   string `json:"family"`
	Server   string `json:"server"`
	Round    int    `json:"round"`
	Skipped  string `json:"skipped,omitempty"` // why it was not run
	Failed   string `json:"failed,omitempty"`  // why there is no measurement

	Listeners int    `json:"listeners"`            // that read
	Playing   int    `json:"playing"`              // at the end
	Full      int    `json:"full_rate"`            // got all frames of the window but the last 0.3 s
	Refused   int    `json:"refused"`              // ended before they heard anything
	Silent    int    `json:"silent"`               // were never answered
	Dropped   int    `json:"dropped"`              // ended while they played
	Stuck     int    `json:"stuck"`                // played, but got no frame in the window
	Example   string `json:"example,omitempty"`    // why one was refused or dropped
	Lost      uint64 `json:"lost_frames"`          // in the whole run
	Corrupt   uint64 `json:"corrupt_frames"`       // in the whole run
	Unchecked uint64 `json:"unchecked_bytes"`      // too late to be compared
	MidFrame  int    `json:"began_within_frame"`   // listeners
	Slow      int    `json:"slow"`                 // listeners that did not read
	SlowEnded int    `json:"slow_ended"`           // how many of them the server disconnected
	Reloads   int    `json:"reloads,omitempty"`    // that the server accepted
	Unloaded  string `json:"unloaded,omitempty"`   // why one was not accepted
	SourceWas string `json:"source_was,omitempty"` // what became of a source

	CPU         float64 `json:"cpu_cores"`
	IdleBytes   uint64  `json:"idle_bytes"` // resident, with sources and without listeners
	Bytes       uint64  `json:"bytes"`      // resident, at the end
	Switches    float64 `json:"switches_per_second"`
	SocketBytes uint64  `json:"socket_bytes"` // the most there was
	Gbits       float64 `json:"gbit_per_second"`
	SourceShare float64 `json:"source_share"` // of the frames that were due, so many were sent
	RigCPU      float64 `json:"rig_cpu_cores"`
	OtherCPU    float64 `json:"other_cpu_cores"`     // what else ran on the server's core
	OtherRigCPU float64 `json:"other_rig_cpu_cores"` // and on the rig's

	FirstP50   time.Duration `json:"first_sound_p50_ns"`
	FirstP99   time.Duration `json:"first_sound_p99_ns"`
	AllPlaying time.Duration `json:"all_playing_ns"` // after the first connect; 0 if it never came to that
	LastFirst  time.Duration `json:"last_first_sound_ns"`
	DelayP50   time.Duration `json:"delay_p50_ns"`
	DelayP99   time.Duration `json:"delay_p99_ns"`
	DelayMax   time.Duration `json:"delay_max_ns"`

	// Of a master with slaves. CPU is that without a change, then.
	Following        int           `json:"slaves_following,omitempty"`
	ListEvents       float64       `json:"list_events,omitempty"` // for each slave and visit
	ReportsRefused   int           `json:"reports_refused,omitempty"`
	VisitCPU         time.Duration `json:"visit_cpu_ns,omitempty"` // of a source that comes and goes, in all
	StatusAlone      time.Duration `json:"status_alone_ns,omitempty"`
	StatusWithSlaves time.Duration `json:"status_with_slaves_ns,omitempty"`
	GoroutinesAlone  int           `json:"goroutines_alone,omitempty"`
	Goroutines       int           `json:"goroutines,omitempty"`

	Upgrade *pair      `json:"upgrade,omitempty"`
	HLS     *hlsResult `json:"hls,omitempty"`

	Steps []step `json:"steps,omitempty"`
}

// step is what one rate of a saturation showed.
type step struct {
	Mbit     int           `json:"mbit_per_second"`
	Intact   bool          `json:"intact"`
	Full     int           `json:"full_rate"`
	Lost     uint64        `json:"lost_frames"`
	Dropped  int           `json:"dropped"`
	CPU      float64       `json:"cpu_cores"`
	RigCPU   float64       `json:"rig_cpu_cores"`
	Gbits    float64       `json:"gbit_per_second"`
	Source   float64       `json:"source_share"`
	DelayP99 time.Duration `json:"delay_p99_ns"`
}

// best is the last step that was intact, if there is one.
func (r *result) best() (s step, ok bool) {
	for _, next := range r.Steps {
		if next.Intact {
			s, ok = next, true
		}
	}
	return s, ok
}

// intact reports whether every listener got every frame in time.
func (r *result) intact() bool {
	return r.Full == r.Listeners && r.Lost == 0 && r.Corrupt == 0 && r.Dropped == 0 && r.SourceShare >= sourceFloor
}
