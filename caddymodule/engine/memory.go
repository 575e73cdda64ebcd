package engine

import (
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/cluster"
)

// Memory is the engine of several stations of one process.
type Memory struct {
	// The name of the cluster. Stations with the same name are its nodes. Default: one without
	// a name.
	Name string `json:"name,omitempty"`

	// The region of this node. Default: none.
	NodeRegion string `json:"region,omitempty"`
}

// buses are the engines of this process, by their names; they are never removed.
var buses sync.Map

// CaddyModule returns the Caddy module information.
func (*Memory) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: namespace + ".memory", New: func() caddy.Module { return new(Memory) }}
}

// UnmarshalCaddyfile parses the module.
//
//	memory [<name>] {
//		region <name>
//	}
func (m *Memory) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	d.Args(&m.Name)
	if d.NextArg() {
		return d.Errf("cluster memory: unexpected argument %q; expected at most a name", d.Val())
	}
	return setting.ParseBlock(d, "cluster memory", setting.Directives{"region": setting.Text(d, &m.NodeRegion)})
}

// Acquire implements Module.
func (m *Memory) Acquire() (e cluster.Engine, release func(), err error) {
	engine, _ := buses.LoadOrStore(m.Name, cluster.NewBus().Engine())
	return engine.(cluster.Engine), func() {}, nil
}

// Region implements Module.
func (m *Memory) Region() string { return m.NodeRegion }
