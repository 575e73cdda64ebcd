package fallbacks

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/setting"
)

// namespace is that of the modules.
const namespace = "icecast.fallbacks"

// Load loads the modules that the field of a struct, such as FallbacksRaw, holds as JSON. A
// fallback may be in the old form, without a kind. raw is the field's value, and changes.
func Load(ctx caddy.Context, parent any, field string, raw []json.RawMessage) ([]Module, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	for i := range raw {
		var err error
		if raw[i], err = withKind(raw[i]); err != nil {
			return nil, err
		}
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

// kinds are the kinds of fallbacks, by the field that distinguishes the old form of each.
var kinds = []struct{ field, kind string }{{"mount", "mount"}, {"files", "file"}, {"standby", "standby"}}

// withKind adds the kind to a fallback in the old form: an object with one of mount, files and
// standby, and no kind.
func withKind(raw json.RawMessage) (json.RawMessage, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil || object == nil {
		return nil, errors.New(`fallback: not an object; expected one such as {"kind": "mount", "mount": "/backup.mp3"}`)
	}
	if object["kind"] != nil {
		return raw, nil
	}
	var found []string
	for _, k := range kinds {
		if isSet(object[k.field]) {
			found = append(found, k.kind)
		} else {
			delete(object, k.field)
		}
	}
	if len(found) != 1 {
		return nil, errors.New("fallback: missing kind; expected kind, or one of mount, files and standby")
	}
	delete(object, "standby") // it has no settings
	object["kind"] = json.RawMessage(strconv.Quote(found[0]))
	return json.Marshal(object)
}

// isSet reports whether a field has a value other than the zero of its type.
func isSet(value json.RawMessage) bool {
	return !slices.Contains([]string{"", "null", "false", `""`, "[]"}, string(value))
}

// Parse parses what listeners hear while a mount's source is away.
//
//	fallback <mount>
//	fallback <kind> …    # mount, file, standby, and those of other plugins
func Parse(d *caddyfile.Dispenser, to *[]json.RawMessage) error {
	var names []string
	for _, m := range caddy.GetModules(namespace) {
		names = append(names, m.ID.Name())
	}
	expected := "a mount such as /backup.mp3, or one of " + strings.Join(names, ", ") +
		": fallback /backup.mp3, fallback file /srv/loop.mp3, fallback standby"
	if !d.NextArg() {
		return d.Errf("fallback: missing value; expected %s", expected)
	}
	kind := d.Val()
	if strings.HasPrefix(kind, "/") {
		f := &Mount{Mount: kind}
		if d.NextArg() {
			return setting.InvalidValue(d, "fallback", d.Val(), expected)
		}
		if err := f.Validate(); err != nil {
			return d.WrapErr(err)
		}
		*to = append(*to, caddyconfig.JSONModuleObject(f, "kind", "mount", nil))
		return nil
	}
	if _, err := caddy.GetModule(namespace + "." + kind); err != nil {
		return setting.InvalidValue(d, "fallback", kind, expected)
	}
	module, err := caddyfile.UnmarshalModule(d, namespace+"."+kind)
	if err != nil {
		return err
	}
	*to = append(*to, caddyconfig.JSONModuleObject(module, "kind", kind, nil))
	return nil
}
