// Package engine has the modules of the namespace icecast.cluster: what carries the messages of
// the nodes of a cluster. NATS is for nodes that are apart, Memory for several stations of one
// process and for tests; other plugins can bring modules of their own, which implement Module.
//
// A connection belongs to the stations that have acquired it, and outlives a reload that does not
// change its settings. It is made in the background: a station starts, and goes on, without its
// engine. What the messages are is decided in package cluster.
package engine

import (
	"encoding/json"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/cluster"
)

// namespace is that of the modules.
const namespace = "icecast.cluster"

func init() {
	caddy.RegisterModule(new(NATS))
	caddy.RegisterModule(new(Memory))
}

// Module is a module of the namespace icecast.cluster.
type Module interface {
	// Acquire returns what carries the messages. It is called after Provision, also after Cleanup.
	// Modules with equal settings return the same engine, so that a reload keeps it. The engine
	// is used until release is called. Acquire does not wait for the network.
	Acquire() (e cluster.Engine, release func(), err error)

	// Region returns the region of this node; empty: it has none.
	Region() string
}

// Parse parses the directive of a station.
//
//	cluster <module> … { … }
func Parse(d *caddyfile.Dispenser, raw *json.RawMessage) error {
	if *raw != nil {
		return d.Err("cluster: duplicate directive; expected it once")
	}
	var kinds []string
	for _, m := range caddy.GetModules(namespace) {
		kinds = append(kinds, m.ID.Name())
	}
	if !d.NextArg() {
		return d.Errf("cluster: missing module name; expected one of: %s", strings.Join(kinds, ", "))
	}
	kind := d.Val()
	if _, err := caddy.GetModule(namespace + "." + kind); err != nil {
		return d.Errf("cluster: %s", setting.Suggest("unknown module", kind, kinds))
	}
	module, err := caddyfile.UnmarshalModule(d, namespace+"."+kind)
	if err != nil {
		return err
	}
	*raw = caddyconfig.JSONModuleObject(module, "kind", kind, nil)
	return nil
}
