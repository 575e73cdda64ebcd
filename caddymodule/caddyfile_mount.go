package caddymodule

import (
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/fallbacks"
	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/setting"
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
//		listen_url        <url>
//		bitrate           <kbit/s>
//		public            [off]
//		type              <content type>
//		subtype           <text>
//		charset           <charset>
//		metadata_interval <size>|off
//
//		hls [off] { … }      # see parseHLS
//		on <event>… <hook>   # see parseOn
//		on_connect    <program>
//		on_disconnect <program>
//		dump <pattern>|off { … } # see parseDump
//	}
func parseMount(d *caddyfile.Dispenser, before []*Mount, places *setting.Places) (*Mount, error) {
	m := new(Mount)
	places.Note(d, m)
	var err error
	if m.Path, err = setting.OneArg(d, "/live.mp3"); err != nil {
		return nil, err
	}
	if err := m.checkPath(); err != nil {
		return nil, d.WrapErr(err)
	}
	for _, other := range before {
		if other.Path == m.Path {
			return nil, d.Errf("mount %s: duplicate mount; expected all its settings in one block", m.Path)
		}
	}
	return m, setting.ParseBlock(d, "mount "+m.Path, setting.Directives{
		"source_password":       auth.ParseCredential(d, &m.SourcePassword),
		"max_listeners":         setting.Optional(d, setting.Count, &m.MaxListeners),
		"max_listener_duration": setting.Optional(d, setting.Duration, &m.MaxListenerDuration),
		"max_bandwidth":         setting.Optional(d, setting.Bandwidth, &m.MaxBandwidth),
		"takeover":              setting.Flag(d, &m.Takeover),
		"direct":                setting.Flag(d, &m.Direct),
		"require_tls":           setting.Flag(d, &m.RequireTLS),
		"source_tls":            setting.Checked(d, setting.Text(d, &m.SourceTLS), m.checkSourceTLS),
		"hidden":                func() error { return parseHidden(d, m) },
		"fallback":              func() error { return fallbacks.Parse(d, &m.FallbacksRaw) },
		"fallback_when_full":    setting.Flag(d, &m.FallbackWhenFull),
		"override":              setting.Flag(d, &m.Override),
		"return_after":          setting.Optional(d, setting.Duration, &m.ReturnAfter),
		"intro":                 func() error { return parseIntro(d, &m.Intro) },
		"linger":                setting.Optional(d, setting.Duration, &m.Linger),
		"burst":                 burst(d, &m.Burst),
		"queue":                 setting.Size(d, &m.Queue),
		"source_timeout":        setting.PositiveDuration(d, &m.SourceTimeout),
		"name":                  setting.Text(d, &m.Name),
		"description":           setting.Text(d, &m.Description),
		"genre":                 setting.Text(d, &m.Genre),
		"url":                   setting.Text(d, &m.URL),
		"listen_url":            setting.Checked(d, setting.Text(d, &m.ListenURL), m.checkListenURL),
		"bitrate":               setting.Count(d, &m.Bitrate),
		"public":                setting.Flag(d, &m.Public),
		"type":                  setting.Checked(d, setting.Text(d, &m.Type), m.checkType),
		"subtype":               setting.Text(d, &m.Subtype),
		"titles":                setting.Checked(d, setting.Text(d, &m.Titles), m.checkTitles),
		"charset":               setting.Checked(d, setting.Text(d, &m.Charset), m.checkCharset),
		"metadata_interval":     metadataInterval(d, &m.MetadataInterval),
		"auth":                  func() error { return auth.Parse(d, &m.AuthRaw) },
		"hls":                   func() error { return parseHLS(d, &m.HLS) },
		"on":                    setting.Checked(d, func() error { return hook.Parse(d, &m.On) }, m.checkOn),
		"on_connect":            hook.ParseProgram(d, &m.OnConnect),
		"on_disconnect":         hook.ParseProgram(d, &m.OnDisconnect),
		"dump":                  func() error { return parseDump(d, &m.Dump) },
	})
}

// parseHidden parses whether a mount is hidden: from public lists, or from slaves, too.
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
		return setting.InvalidValue(d, "hidden", strings.Join(args, " "),
			"hidden alone, hidden off, or hidden all, which hides the mount from slaves, too")
	}
	m.Hidden = &hidden
	if all || !hidden {
		m.HiddenFromSlaves = &all
	}
	return nil
}

// burst reads an amount of stream, by size or by time.
func burst(d *caddyfile.Dispenser, dst **Burst) func() error {
	return func() error {
		word := d.Val()
		arg, err := setting.OneArg(d, "64KiB")
		if err != nil {
			return err
		}
		b := new(Burst)
		if t, ok := setting.ParseDuration(arg); ok {
			b.Time = caddy.Duration(t)
		} else if n, ok := setting.ParseSize(arg); ok {
			b.Bytes = n
		} else if arg != "off" {
			return setting.InvalidSize(d, word, arg, "a size such as 64KiB or a time such as 5s, or off")
		}
		*dst = b
		return nil
	}
}

// metadataInterval reads the space between metadata blocks.
func metadataInterval(d *caddyfile.Dispenser, dst **int) func() error {
	return func() error {
		word := d.Val()
		arg, err := setting.OneArg(d, "16000")
		if err != nil {
			return err
		}
		n, ok := setting.ParseSize(arg)
		if !ok && arg != "off" || checkInterval(n) != nil {
			return setting.InvalidSize(d, word, arg, intervals+", such as 16000, or off")
		}
		*dst = &n
		return nil
	}
}
