package caddymodule

import (
	"strings"
	"sync"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/fallback"
	"github.com/caddycast/caddycast/internal/filewatch"
	"github.com/caddycast/caddycast/streaming/blocklog"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"
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

// readIntros reads the intros of all mounts, and goes on to do so when they change.
func (s *Station) readIntros(log *zap.Logger) {
	s.intros = make(map[string]func(string) *blocklog.Intro)
	for _, m := range s.Mounts {
		path := setting.Value(m.Intro)
		if path == "" || s.intros[path] != nil {
			continue
		}
		file := filewatch.New(path, log, nil, fallback.ReadIntro)
		var told sync.Map // families of content types
		s.intros[path] = func(family string) *blocklog.Intro {
			intro := file.Get()
			if intro == nil || intro.Type() == family {
				return intro
			}
			if _, again := told.LoadOrStore(family, true); !again {
				log.Warn("an intro is left out before streams of another content type",
					zap.String("intro", path), zap.String("type", intro.Type()), zap.String("stream", family))
			}
			return nil
		}
	}
}
