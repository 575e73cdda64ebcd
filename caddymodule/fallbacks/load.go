package fallbacks

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/setting"
)

// namespace is where the modules are.
const namespace = "icecast.fallbacks"

func quote(s string) string { return strconv.Quote(s) }

// Load loads modules from the field of a struct that holds them in JSON. The
// field may be empty.
func Load(ctx caddy.Context, parent any, field string, raw []json.RawMessage) ([]Module, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	for i := range raw {
		kind, err := withKind(raw[i])
		if err != nil {
			return nil, err
		}
		raw[i] = kind
	}
	loaded, err := ctx.LoadModule(parent, field)
	if err != nil {
		return nil, fmt.Errorf("fallback: %w", err)
	}
	var modules []Module
	for _, one := range loaded.([]any) {
		module, ok := one.(Module)
		if !ok {
			return nil, fmt.Errorf("fallback: %T does not implement fallbacks.Module", one)
		}
		modules = append(modules, module)
	}
	return modules, nil
}

// withKind adds the kind to a fallback as it was written before there were modules: an
// object with one of mount, files and standby.
func withKind(raw json.RawMessage) (json.RawMessage, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil || object == nil {
		return nil, errors.New(`fallback: not an object; expected one such as {"kind": "mount", "mount": "/backup.mp3"}`)
	}
	if object["kind"] != nil {
		return raw, nil
	}
	var kinds []string
	for key, kind := range map[string]string{"mount": "mount", "files": "file", "standby": "standby"} {
		if object[key] != nil {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) != 1 {
		return nil, errors.New("fallback: no kind; expected kind, or one of mount, files and standby")
	}
	delete(object, "standby")
	object["kind"] = json.RawMessage(quote(kinds[0]))
	return json.Marshal(object)
}

// Parse parses what listeners hear while a mount's source is away.
//
//	fallback <mount>
//	fallback <kind> …    # mount, file, standby, and those of other plugins
func Parse(d *caddyfile.Dispenser, to *[]json.RawMessage) error {
	var kinds []string
	for _, m := range caddy.GetModules(namespace) {
		kinds = append(kinds, m.ID.Name())
	}
	right := "a mount such as /backup.mp3, or one of " + strings.Join(kinds, ", ") +
		": fallback /backup.mp3, fallback file /srv/loop.mp3, fallback standby"
	if !d.NextArg() {
		return d.Errf("fallback: write %s", right)
	}
	kind := d.Val()
	if strings.HasPrefix(kind, "/") {
		f := &Mount{Mount: kind}
		if d.NextArg() {
			return setting.InvalidValue(d, "fallback", d.Val(), right)
		}
		if err := f.Validate(); err != nil {
			return d.WrapErr(err)
		}
		*to = append(*to, caddyconfig.JSONModuleObject(f, "kind", "mount", nil))
		return nil
	}
	if _, err := caddy.GetModule(namespace + "." + kind); err != nil {
		return setting.InvalidValue(d, "fallback", kind, right)
	}
	module, err := caddyfile.UnmarshalModule(d, namespace+"."+kind)
	if err != nil {
		return err
	}
	*to = append(*to, caddyconfig.JSONModuleObject(module, "kind", kind, nil))
	return nil
}
