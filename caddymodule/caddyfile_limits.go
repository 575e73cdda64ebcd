package caddymodule

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/setting"
)

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
	err := setting.ParseBlock(d, "limits", setting.Directives{
		"listeners":      setting.Count(d, &l.Listeners),
		"sources":        setting.Count(d, &l.Sources),
		"bandwidth":      setting.Bandwidth(d, &l.Bandwidth),
		"per_ip":         setting.Count(d, &l.PerIP),
		"source_timeout": setting.PositiveDuration(d, &l.SourceTimeout),
		"queue":          setting.Size(d, &l.Queue),
		"burst":          burst(d, &l.Burst),
		"latency":        setting.PositiveDuration(d, &l.Latency),
	})
	if err != nil {
		return err
	}
	if err := l.validate(); err != nil {
		return d.Errf("limits: %v", err)
	}
	return nil
}
