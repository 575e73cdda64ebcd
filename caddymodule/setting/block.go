// Package setting parses Caddyfile blocks and values.
//
// A block is a table: Directives maps each directive to the function that parses the
// rest of its line. The functions for values (Text, Count, Size, PositiveDuration …) return
// such a function, so that a directive is one line of a table. Every error has the
// form "<where>: <what is wrong>; <what is expected>" and carries the file and the
// line of the Caddyfile; for a misspelt name it suggests the nearest one.
//
// CheckRange and the other checks are shared with the JSON configuration, which has
// no lines. The package has no state and may be used from any goroutine. It has no
// directive of its own and nothing about stations.
package setting

import (
	"fmt"
	"maps"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Directives are the directives of a block, each with the function that parses the rest of
// its line, or its block.
type Directives map[string]func() error

// repeatable are the directives that a block may have several times.
var repeatable = []string{"mount", "deny", "allow", "fallback", "relay", "role", "slave", "on", "header", "hls"}

// ParseBlock parses the block at d. what is its name in errors. Directives that are not
// repeatable may occur once.
func ParseBlock(d *caddyfile.Dispenser, what string, known Directives) error {
	if d.NextArg() {
		return d.Errf("%s: unexpected argument %q; expected a block", what, d.Val())
	}
	seen := make(map[string]bool)
	before := what
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		directive := d.Val()
		parse, ok := known[directive]
		switch {
		case directive == "{":
			return d.Errf("%s: unexpected block after %s", what, before)
		case !ok:
			return d.Errf("%s: %s", what, Suggest("unknown directive", directive, slices.Sorted(maps.Keys(known))))
		case seen[directive] && !slices.Contains(repeatable, directive):
			return d.Errf("%s: duplicate directive %s", what, directive)
		}
		seen[directive], before = true, directive
		if err := parse(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}

// OneArg returns the only value of a directive.
func OneArg(d *caddyfile.Dispenser, example string) (string, error) {
	directive := d.Val()
	args := d.RemainingArgs()
	switch len(args) {
	case 0:
		return "", d.Errf("%s: missing value; expected one, such as %s %s", directive, directive, example)
	case 1:
		return args[0], nil
	}
	return "", d.Errf("%s: %d values; expected one, such as %s %s", directive, len(args), directive, example)
}

// InvalidValue is the error of a value that a directive does not accept.
func InvalidValue(d *caddyfile.Dispenser, directive, value, expected string) error {
	return d.Errf("%s: invalid value %q; expected %s", directive, value, expected)
}

// WrapErr adds the position in the Caddyfile to an error, if there is one.
func WrapErr(d *caddyfile.Dispenser, err error) error {
	if err != nil {
		return d.WrapErr(err)
	}
	return nil
}
