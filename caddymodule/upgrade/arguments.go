package upgrade

import (
	"errors"
	"slices"
	"strings"
)

// dropped are the flags of `caddy run` that say where the configuration comes from, and whether a value
// follows: the new program gets the one in force.
var dropped = map[string]bool{
	"--config": true, "-c": true, "--adapter": true, "-a": true, "--pingback": true,
	"--resume": false, "-r": false, "--watch": false, "-w": false,
}

// arguments returns the arguments for a program that is to go on like this one, with a configuration
// from its standard input.
func arguments(own []string) ([]string, error) {
	if !slices.Contains(own, "run") {
		return nil, errors.New("the server was not started by the command run; expected caddy run")
	}
	var kept []string
	for i := 0; i < len(own); i++ {
		flag, _, hasValue := strings.Cut(own[i], "=")
		takesValue, drop := dropped[flag]
		switch {
		case !drop:
			kept = append(kept, own[i])
		case takesValue && !hasValue:
			i++
		}
	}
	return append(kept, "--config", "-"), nil
}
