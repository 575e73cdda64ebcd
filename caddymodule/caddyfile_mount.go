package caddymodule

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// parseMount parses the settings of a mount, or of all that a pattern fits. No
// mount before it may have the same path.
//
//	mount <path> {
//		source_password [<user>] <secret>
//		auth htpasswd|url …  # see parseAuth
//
//		max_listeners         <number>
//		max_listener_duration <duration>
//		max_bandwidth         <bitrate>
//		takeover [off]
//		direct   [off]
//		require_tls [off]
//		source_tls  required|off
//		hidden   [off|all]
//
//		fallback <mount>
//		fallback file <path>...
//		fallback standby
//		fallback_when_full [off]
//		override           [off]
//		return_after       <duration>
//
//		intro          <file>|off
//		linger         <duration>
//		burst          <size>|<duration>|off
//		queue          <size>
//		source_timeout <duration>
//
//		name              <text>
//		description       <text>
//		genre             <text>
//		url               <url>
//		bitrate           <kbit/s>
//		public            [off]
//		type              <content type>
//		subtype           <text>
//		charset           <charset>
//		metadata_interval <size>|off
//
//		on <event>… <hook>   # see parseOn
//		on_connect    <program>
//		on_disconnect <program>
//		dump <pattern>|off { … } # see parseDump
//	}
func parseMount(d *caddyfile.Dispenser, before []*Mount) (*Mount, error) {
	m := new(Mount)
	var err error
	if m.Path, err = oneArg(d, "/live.mp3"); err != nil {
		return nil, err
	}
	if err := m.checkPath(); err != nil {
		return nil, d.WrapErr(err)
	}
	for _, other := range before {
		if other.Path == m.Path {
			return nil, d.Errf("mount %s: it is there twice; write all its settings into one block", m.Path)
		}
	}
	return m, parseBlock(d, "mount "+m.Path, words{
		"source_password":       credential(d, &m.SourcePassword),
		"max_listeners":         optional(d, count, &m.MaxListeners),
		"max_listener_duration": optional(d, duration, &m.MaxListenerDuration),
		"max_bandwidth":         optional(d, bandwidth, &m.MaxBandwidth),
		"takeover":              flag(d, &m.Takeover),
		"direct":                flag(d, &m.Direct),
		"require_tls":           flag(d, &m.RequireTLS),
		"source_tls":            checked(d, text(d, &m.SourceTLS), m.checkSourceTLS),
		"hidden":                func() error { return parseHidden(d, m) },
		"fallback":              func() error { return parseFallback(d, &m.Fallbacks) },
		"fallback_when_full":    flag(d, &m.FallbackWhenFull),
		"override":              flag(d, &m.Override),
		"return_after":          optional(d, duration, &m.ReturnAfter),
		"intro":                 func() error { return parseIntro(d, &m.Intro) },
		"linger":                optional(d, duration, &m.Linger),
		"burst":                 burst(d, &m.Burst),
		"queue":                 size(d, &m.Queue),
		"source_timeout":        positive(d, &m.SourceTimeout),
		"name":                  text(d, &m.Name),
		"description":           text(d, &m.Description),
		"genre":                 text(d, &m.Genre),
		"url":                   text(d, &m.URL),
		"bitrate":               count(d, &m.Bitrate),
		"public":                flag(d, &m.Public),
		"type":                  text(d, &m.Type),
		"subtype":               text(d, &m.Subtype),
		"charset":               checked(d, text(d, &m.Charset), m.checkCharset),
		"metadata_interval":     metadataInterval(d, &m.MetadataInterval),
		"auth":                  func() error { return parseAuth(d, &m.AuthRaw) },
		"on":                    checked(d, func() error { return parseOn(d, &m.On) }, m.checkOn),
		"on_connect":            program(d, &m.OnConnect),
		"on_disconnect":         program(d, &m.OnDisconnect),
		"dump":                  func() error { return parseDump(d, &m.Dump) },
	})
}

// parseHidden parses from whom a mount is hidden: from the public, or from slaves, too.
func parseHidden(d *caddyfile.Dispenser, m *Mount) error {
	args := d.RemainingArgs()
	hidden, all := true, false
	switch {
	case len(args) == 0 || len(args) == 1 && args[0] == "on":
	case len(args) == 1 && args[0] == "off":
		hidden = false
	case len(args) == 1 && args[0] == "all":
		all = true
	default:
		return complain(d, "hidden", strings.Join(args, " "),
			"hidden alone, hidden off, or hidden all, which hides the mount from slaves, too")
	}
	m.Hidden = &hidden
	if all || !hidden {
		m.HiddenFromSlaves = &all
	}
	return nil
}
