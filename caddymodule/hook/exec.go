package hook

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/hooks"
)

func init() {
	caddy.RegisterModule(new(Exec))
}

const (
	// execTime bounds the time of a program if no timeout is set.
	execTime = 30 * time.Second
	// execWorkers bounds the programs of a hook that run at a time.
	execWorkers = 4
)

// Exec runs a program, without a shell. The event is in its environment, as
// ICECAST_EVENT, ICECAST_MOUNT and so on. On each mount, the program runs for
// one event after the other.
type Exec struct {
	// The program: an absolute path, or a name that is looked up in PATH.
	Program string `json:"program"`

	// Its arguments, with placeholders such as {event.mount}. Default: the mount, as in
	// Icecast.
	Args []string `json:"args,omitempty"`

	// The longest time that it may take; then it is terminated, and at last killed. 0: no
	// limit. Default: 30s.
	Timeout *caddy.Duration `json:"timeout,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Exec) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "icecast.hooks.exec",
		New: func() caddy.Module { return new(Exec) },
	}
}

// Provision fills in placeholders other than those of events.
func (x *Exec) Provision(caddy.Context) error {
	repl := caddy.NewReplacer()
	var err error
	if x.Program, err = repl.ReplaceOrErr(x.Program, true, false); err != nil {
		return fmt.Errorf("program: %w", err)
	}
	for i, arg := range x.Args {
		x.Args[i] = repl.ReplaceKnown(arg, "")
		if err := checkEventPlaceholders(x.Args[i]); err != nil {
			return err
		}
	}
	if x.Timeout != nil && *x.Timeout < 0 {
		return fmt.Errorf("timeout: negative value %v; expected 0 or more, with 0 for no limit", time.Duration(*x.Timeout))
	}
	return checkProgram(x.Program)
}

// checkProgram refuses a path that depends on the working directory of the server.
func checkProgram(program string) error {
	switch {
	case program == "":
		return errors.New("missing program; expected an absolute path, or a name in PATH")
	case strings.ContainsRune(program, filepath.Separator) && !filepath.IsAbs(program):
		return fmt.Errorf("program: invalid path %q; expected an absolute path, or a name in PATH", program)
	}
	return nil
}

// Find implements setting.Finder.
func (x *Exec) Find() error {
	_, err := exec.LookPath(x.Program)
	return err
}

// Identity implements Identifier.
func (x *Exec) Identity() string {
	return strings.Join(append([]string{x.Program}, x.Args...), "\x00")
}

// Hook implements Module.
func (x *Exec) Hook(st Station) hooks.Hook {
	p := &hooks.Program{Path: x.Program, Timeout: execTime, Log: st.Logger}
	if x.Timeout != nil {
		p.Timeout = time.Duration(*x.Timeout)
	}
	if len(x.Args) > 0 {
		p.Args = func(e *hooks.Event) []string {
			args := make([]string, len(x.Args))
			repl := eventReplacer(e, func(s string) string { return s })
			for i, arg := range x.Args {
				args[i] = repl.ReplaceKnown(arg, "")
			}
			return args
		}
	}
	return hooks.Hook{Label: "exec " + x.Program, Runner: p, Policy: hooks.Policy{Workers: execWorkers}}
}

// eventPlaceholder matches the placeholder of a field of an event. An escaped brace is none.
var eventPlaceholder = regexp.MustCompile(`\{event\.(?:data\.)?([^{}\\]*)\}`)

// checkEventPlaceholders refuses placeholders for fields that no event has.
func checkEventPlaceholders(s string) error {
	for _, m := range eventPlaceholder.FindAllStringSubmatch(s, -1) {
		if !slices.Contains(hooks.Keys, m[1]) {
			return fmt.Errorf("%s: %s", m[0], setting.Suggest("unknown event field", m[1], hooks.Keys))
		}
	}
	return nil
}

// eventReplacer fills in the fields of an event: {event.mount} and so on. A field that the
// event does not have is empty.
func eventReplacer(e *hooks.Event, escape func(string) string) *caddy.Replacer {
	repl := caddy.NewEmptyReplacer()
	repl.Map(func(key string) (any, bool) {
		key, ok := strings.CutPrefix(key, "event.")
		if !ok {
			return nil, false
		}
		key = strings.TrimPrefix(key, "data.") // as in handlers of Caddy's events
		return escape(e.Get(key)), true
	})
	return repl
}

// UnmarshalCaddyfile parses the program and its settings.
//
//	exec <program> [<args>…] {
//		timeout <duration>
//	}
func (x *Exec) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // exec
	args := d.RemainingArgs()
	if len(args) == 0 {
		return d.Err("exec: missing program; expected one, such as exec /usr/local/bin/on-air {event.mount}")
	}
	x.Program, x.Args = args[0], args[1:]
	if err := checkProgram(x.Program); err != nil && !strings.Contains(x.Program, "{") {
		return d.WrapErr(err)
	}
	for _, arg := range x.Args {
		if err := checkEventPlaceholders(arg); err != nil {
			return d.WrapErr(err)
		}
	}
	return setting.ParseBlock(d, "exec", setting.Directives{"timeout": setting.Optional(d, setting.Duration, &x.Timeout)})
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Exec)(nil)
	_ Module                = (*Exec)(nil)
	_ setting.Finder        = (*Exec)(nil)
	_ caddyfile.Unmarshaler = (*Exec)(nil)
)
