//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// options is what the flags say.
type options struct {
	scenarios []scenario
	servers   []serverKind
	rounds    int
	window    time.Duration
	nap       time.Duration
	caddycast string
	json      string
}

// pairs collects a flag of the form name=value that may come again.
type pairs [][2]string

func (p *pairs) String() string { return "" }

func (p *pairs) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" || value == "" {
		return errors.New("write name=value")
	}
	*p = append(*p, [2]string{name, value})
	return nil
}

func parse(args []string) (options, error) {
	var o options
	var servers, templates pairs
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := flags.String("run", "", "run the scenarios whose name matches this `regexp`, those for -full too")
	names := flags.String("servers", "", "run these `servers`, with commas between them (all that are known)")
	full := flags.Bool("full", false, "run every scenario, three rounds unless -n says otherwise")
	listeners := flags.Int("listeners", 0, "play so many listeners whatever the scenario says")
	from := flags.Int("from", 1, "begin a saturation at so many `Mbit/s`")
	flags.IntVar(&o.rounds, "n", 0, "`rounds`: in each, all servers take turns (1)")
	flags.DurationVar(&o.window, "window", 8*time.Second, "for how long to measure, where the scenario does not say")
	flags.DurationVar(&o.nap, "nap", time.Millisecond, "pause between two looks for what listeners got; 0: be woken, at the server's cost")
	flags.StringVar(&o.caddycast, "caddycast", "", "`path` of a caddycast to run (built from this folder's module)")
	flags.StringVar(&o.json, "json", "", "write all results to this `file`")
	flags.Var(&servers, "server", "another server: `name='command line'`, where {{.Config}} is its configuration")
	flags.Var(&templates, "template", "the template of a server's configuration: `name=path`; it may use the fields of the type settings")
	flags.SetOutput(io.Discard) // errors are printed once, by the caller
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(os.Stderr)
			flags.PrintDefaults()
		}
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("what is %q? There are flags only: -h lists them", flags.Arg(0))
	}
	if o.rounds == 0 {
		o.rounds = 1
		if *full {
			o.rounds = 3
		}
	}
	pattern, err := regexp.Compile(*only)
	if err != nil {
		return o, fmt.Errorf("-run: %w", err)
	}
	for _, s := range scenarios() {
		if *only == "" && s.full && !*full || !pattern.MatchString(s.name) {
			continue
		}
		if *listeners > 0 {
			s.stalled = s.stalled * *listeners / s.listeners
			s.listeners = *listeners
		}
		s.steps = slices.DeleteFunc(s.steps, func(rate int) bool { return rate < *from })
		o.scenarios = append(o.scenarios, s)
	}
	if len(o.scenarios) == 0 {
		return o, fmt.Errorf("no scenario matches -run %s", *only)
	}
	o.servers, err = chooseServers(*names, servers, templates)
	return o, err
}

// chooseServers adds servers to those that are known, and picks those that are
// named.
func chooseServers(names string, servers, templates pairs) ([]serverKind, error) {
	known := knownServers()
	find := func(name string) int {
		return slices.IndexFunc(known, func(k serverKind) bool { return k.name == name })
	}
	for _, s := range servers {
		if i := find(s[0]); i >= 0 {
			known[i].command = s[1]
		} else {
			known = append(known, serverKind{name: s[0], command: s[1]})
		}
	}
	for _, t := range templates {
		text, err := os.ReadFile(t[1])
		if err != nil {
			return nil, fmt.Errorf("-template: %w", err)
		}
		i := find(t[0])
		if i < 0 {
			return nil, fmt.Errorf("-template %s: there is no such server: name it with -server", t[0])
		}
		known[i].config = string(text)
	}
	if names == "" {
		return known, nil
	}
	var chosen []serverKind
	for name := range strings.SplitSeq(names, ",") {
		i := find(name)
		if i < 0 {
			return nil, fmt.Errorf("-servers: there is no %q", name)
		}
		chosen = append(chosen, known[i])
	}
	return chosen, nil
}
