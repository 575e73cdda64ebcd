package caddymodule

import "github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

// parseLimits parses the limits of a station and the defaults of its mounts.
//
//	limits {
//		listeners      <number>
//		sources        <number>
//		bandwidth      <bitrate>
//		per_ip         <number>
//		source_timeout <duration>
//		queue          <size>
//		burst          <size>|<duration>|off
//		latency        <duration>
//	}
func parseLimits(d *caddyfile.Dispenser, l *Limits) error {
	err := parseBlock(d, "limits", words{
		"listeners":      count(d, &l.Listeners),
		"sources":        count(d, &l.Sources),
		"bandwidth":      bandwidth(d, &l.Bandwidth),
		"per_ip":         count(d, &l.PerIP),
		"source_timeout": positive(d, &l.SourceTimeout),
		"queue":          size(d, &l.Queue),
		"burst":          burst(d, &l.Burst),
		"latency":        positive(d, &l.Latency),
	})
	if err != nil {
		return err
	}
	if err := l.validate(); err != nil {
		return d.Errf("limits: %v", err)
	}
	return nil
}
