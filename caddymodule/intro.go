package caddymodule

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/setting"
)

// parseIntro parses the intro of a mount.
//
//	intro <file>|off
func parseIntro(d *caddyfile.Dispenser, to **string) error {
	arg, err := setting.OneArg(d, "/srv/intro.mp3")
	if err != nil {
		return err
	}
	switch strings.TrimSpace(arg) {
	case "": // such as an unset variable
		return setting.InvalidValue(d, "intro", arg, "the path of a file, such as /srv/intro.mp3, or off")
	case "off":
		arg = ""
	}
	*to = &arg
	return nil
}
