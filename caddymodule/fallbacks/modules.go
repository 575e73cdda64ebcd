// Package fallbacks has the modules of the namespace icecast.fallbacks: what the listeners of a
// mount hear while its source is away. Mount, File and Standby are part of the program; other
// plugins can bring modules of their own, which implement Module.
//
// A module names targets: other mounts, or what functions of package fallback return. It does
// not decide: package fallback does, from the targets of all mounts and from what plays.
//
// Load reads the modules of a mount from JSON while a configuration is provisioned, and Parse
// reads a directive of the Caddyfile. Once provisioned, a module does not change, and its
// Targets may be called from any goroutine.
package fallbacks

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/fallback"
)

func init() {
	caddy.RegisterModule(new(Mount))
	caddy.RegisterModule(new(File))
	caddy.RegisterModule(new(Standby))
}

// Module is a module of the namespace icecast.fallbacks.
type Module interface {
	// Targets returns what listeners of a mount hear, the best first: paths of mounts, or
	// what File and Standby of package fallback return. It is called after Provision, from
	// any goroutine, for each mount that the module is set for. For one mount it must return
	// the same as long as the configuration is in force.
	Targets(mount string) []string
}

// Mount is another mount of the station.
type Mount struct {
	// The path of the mount. Required.
	Mount string `json:"mount"`
}

// CaddyModule returns the Caddy module information.
func (*Mount) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "icecast.fallbacks.mount",
		New: func() caddy.Module { return new(Mount) },
	}
}

// Validate returns an error for a path that no mount can have.
func (f *Mount) Validate() error {
	if err := mountpath.Check(f.Mount); err != nil {
		return fmt.Errorf("fallback %q: %w", f.Mount, err)
	}
	return nil
}

// Targets implements Module.
func (f *Mount) Targets(string) []string { return []string{f.Mount} }

// UnmarshalCaddyfile reads the path.
//
//	fallback mount <mount>
func (f *Mount) UnmarshalCaddyfile(d *caddyfile.Dispenser) (err error) {
	d.Next() // mount
	if f.Mount, err = setting.OneArg(d, "/backup.mp3"); err != nil {
		return err
	}
	return setting.WrapErr(d, f.Validate())
}

// File is a list of files that are played one after the other, in a loop.
type File struct {
	// Paths of files and directories, and patterns of paths. Required.
	Files []string `json:"files"`
}

// CaddyModule returns the Caddy module information.
func (*File) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "icecast.fallbacks.file",
		New: func() caddy.Module { return new(File) },
	}
}

// Validate returns an error for an empty list and for an empty path.
func (f *File) Validate() error {
	if len(f.Files) == 0 {
		return errors.New("fallback file: no file; expected a path such as /srv/loop.mp3")
	}
	if slices.Contains(f.Files, "") {
		return errors.New("fallback file: empty path; expected a path such as /srv/loop.mp3")
	}
	return nil
}

// Targets implements Module.
func (f *File) Targets(string) []string { return []string{fallback.File(f.Files)} }

// Find implements setting.Finder.
func (f *File) Find() error { return fallback.Find(f.Files) }

// UnmarshalCaddyfile reads the paths.
//
//	fallback file <path>...
func (f *File) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // file
	f.Files = d.RemainingArgs()
	return setting.WrapErr(d, f.Validate())
}

// Standby is the loop that is part of the program.
type Standby struct{}

// CaddyModule returns the Caddy module information.
func (*Standby) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "icecast.fallbacks.standby",
		New: func() caddy.Module { return new(Standby) },
	}
}

// Targets implements Module.
func (*Standby) Targets(mount string) []string { return fallback.Standby(mount) }

// UnmarshalCaddyfile accepts the word alone, without values.
//
//	fallback standby
func (*Standby) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // standby
	if d.NextArg() {
		return setting.InvalidValue(d, "fallback standby", d.Val(), "nothing after it")
	}
	return nil
}

// Interface guards
var (
	_ Module                = (*Mount)(nil)
	_ Module                = (*File)(nil)
	_ Module                = (*Standby)(nil)
	_ setting.Finder        = (*File)(nil)
	_ caddy.Validator       = (*Mount)(nil)
	_ caddy.Validator       = (*File)(nil)
	_ caddyfile.Unmarshaler = (*Mount)(nil)
	_ caddyfile.Unmarshaler = (*File)(nil)
	_ caddyfile.Unmarshaler = (*Standby)(nil)
)
