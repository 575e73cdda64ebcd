package caddymodule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/fallback"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"
)

// Fallback is what listeners hear while a mount's source is away. One of the
// fields is set.
type Fallback struct {
	// Another mount.
	Mount string `json:"mount,omitempty"`

	// Files that are played one after the other, for ever: paths, patterns and
	// directories.
	Files []string `json:"files,omitempty"`

	// The loop that is part of the program.
	Standby bool `json:"standby,omitempty"`
}

func (f *Fallback) validate() error {
	if f == nil {
		return errors.New("a fallback is null; it wants an object with one of mount, files and standby")
	}
	set := 0
	for _, is := range []bool{f.Mount != "", len(f.Files) > 0, f.Standby} {
		if is {
			set++
		}
	}
	if set != 1 {
		return errors.New("fallback: set one of mount, files and standby")
	}
	if slices.Contains(f.Files, "") {
		return errors.New("fallback: the name of a file is empty")
	}
	if f.Mount != "" {
		if err := mountpath.Check(f.Mount); err != nil {
			return fmt.Errorf("fallback %q: %w", f.Mount, err)
		}
	}
	return nil
}

// parseFallback parses one of the things that stand in for a mount.
//
//	fallback <mount>
//	fallback file <path>...
//	fallback standby
func parseFallback(d *caddyfile.Dispenser, to *[]*Fallback) error {
	args := d.RemainingArgs()
	const right = "a mount, file and what to play, or standby: fallback /backup.mp3, fallback file /srv/loop.mp3, fallback standby"
	f := new(Fallback)
	switch {
	case len(args) == 0:
		return d.Errf("fallback: write %s", right)
	case args[0] == "file" && len(args) > 1:
		f.Files = args[1:]
	case args[0] == "standby" && len(args) == 1:
		f.Standby = true
	case len(args) == 1 && strings.HasPrefix(args[0], "/"):
		f.Mount = args[0]
	default:
		return setting.InvalidValue(d, "fallback", args[0], right)
	}
	if err := f.validate(); err != nil {
		return d.WrapErr(err)
	}
	*to = append(*to, f)
	return nil
}

// rule translates what is set for the mount at a path.
func (s *Station) rule(p string) fallback.Rule {
	if mountpath.Check(p) != nil {
		return fallback.Rule{}
	}
	m := s.mount(p)
	if to, ok := s.overrides.Load(p); ok {
		m.Fallbacks = nil
		if to != "" {
			m.Fallbacks = []*Fallback{{Mount: to.(string)}}
		}
	}
	rule := fallback.Rule{Stay: setting.Is(m.Override, false), ReturnAfter: time.Duration(setting.Value(m.ReturnAfter))}
	for _, f := range m.Fallbacks {
		switch {
		case f.Standby:
			rule.Fallbacks = append(rule.Fallbacks, fallback.Standby(p)...)
		case f.Mount != "":
			rule.Fallbacks = append(rule.Fallbacks, f.Mount)
		default:
			rule.Fallbacks = append(rule.Fallbacks, fallback.File(f.Files))
		}
	}
	return rule
}

// director decides, by the fallbacks of the mounts and by what is pulled on demand,
// what listeners hear.
func (s *Station) director() streaming.Director {
	return fallback.NewDirector(s.rule, s.live.players, s.live.relays, func(home, other string) {
		s.live.logger().Warn("a fallback is passed over for listeners who were promised another content type",
			zap.String("mount", home), zap.String("fallback", other))
	})
}
