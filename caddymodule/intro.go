package caddymodule

import (
	"strings"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// parseIntro parses what listeners hear first.
//
//	intro <file>|off
func parseIntro(d *caddyfile.Dispenser, to **string) error {
	arg, err := setting.OneArg(d, "/srv/intro.mp3")
	if err != nil {
		return err
	}
	switch strings.TrimSpace(arg) {
	case "": // as a variable is that is not set
		return setting.InvalidValue(d, "intro", arg, "the path of a file, such as /srv/intro.mp3, or off")
	case "off":
		arg = ""
	}
	*to = &arg
	return nil
}
