// Package setting reads Caddyfile blocks and values.
//
// A block is a table: Directives maps each directive to the function that reads the
// rest of its line. The functions for values (Text, Count, Size, PositiveDuration …) return
// such a function, so that a directive is one line of a table. Every error has the
// form "<where>: <what is wrong>; <what is expected>" and carries the file and the
// line of the Caddyfile.
//
// CheckRange and the other checks are shared with the JSON configuration, which has
// no lines. The package knows no directive by name and nothing of stations.
package setting

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Directives are the directives of a block, each with what reads the rest of its line
// or its block.
type Directives map[string]func() error

// repeatable are the words that may stand in a block several times.
var repeatable = []string{"mount", "deny", "allow", "fallback", "relay", "role", "on", "header"}

// ParseBlock parses the block at d, which is called what in errors. All words
// but those that are repeatable may stand in it once.
func ParseBlock(d *caddyfile.Dispenser, what string, known Directives) error {
	if d.NextArg() {
		return d.Errf("%s: %q is too much; its settings stand in a block, one a line", what, d.Val())
	}
	seen := make(map[string]bool)
	before := what
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		parse, ok := known[word]
		switch {
		case word == "{":
			return d.Errf("%s: %s takes no block", what, before)
		case !ok:
			return d.Errf("%s: %q is unknown here; the words are %s",
				what, word, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		case seen[word] && !slices.Contains(repeatable, word):
			return d.Errf("%s: %s is there twice; write it once", what, word)
		}
		seen[word], before = true, word
		if err := parse(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}

// OneArg returns the one value that must follow a word.
func OneArg(d *caddyfile.Dispenser, example string) (string, error) {
	word := d.Val()
	args := d.RemainingArgs()
	if len(args) != 1 {
		return "", d.Errf("%s: write one value after it, such as %s %s; there are %d", word, word, example, len(args))
	}
	return args[0], nil
}

// InvalidValue says what is wrong with a value and what would be right.
func InvalidValue(d *caddyfile.Dispenser, word, value, right string) error {
	return d.Errf("%s %q: write %s", word, value, right)
}

// WrapErr adds the place in the Caddyfile to an error, if there is one.
func WrapErr(d *caddyfile.Dispenser, err error) error {
	if err != nil {
		return d.WrapErr(err)
	}
	return nil
}
