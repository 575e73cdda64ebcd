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

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

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
	if !d.NextArg() {
		return d.Err("cluster: missing name of a module; expected nats or memory, such as cluster nats nats://n1.example.org:4222")
	}
	name := d.Val()
	module, err := caddyfile.UnmarshalModule(d, namespace+"."+name)
	if err != nil {
		return err
	}
	if _, ok := module.(Module); !ok {
		return d.Errf("cluster: %s does not implement engine.Module; expected another module", name)
	}
	*raw = caddyconfig.JSONModuleObject(module, "engine", name, nil)
	return nil
}
