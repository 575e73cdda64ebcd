package caddymodule

import (
	"fmt"
	"sync"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/caddymodule/socket"
)

// listening has the addresses of the stations of the last configuration that was in force.
var listening struct {
	mu  sync.Mutex
	all map[string]bool
}

// checkPorts refuses a configuration if another process listens where a station is to be, and was not
// before. The sockets of both would be in force, and each process would get a part of the listeners.
func (a *App) checkPorts() error {
	listening.mu.Lock()
	defer listening.mu.Unlock()
	for name, g := range a.generations {
		if setting.Value(a.Stations[name].AllowSharedPort) {
			continue
		}
		for _, address := range g.Addresses() {
			if listening.all[address.String()] {
				continue
			}
			if owner := socket.OwnerOf(address); owner != nil {
				return fmt.Errorf("%s: %s listens there; expected a free port, or allow_shared_port in the icecast block", address, owner)
			}
		}
	}
	return nil
}

// notePorts notes the addresses of the configuration, which is in force.
func (a *App) notePorts() {
	listening.mu.Lock()
	defer listening.mu.Unlock()
	listening.all = make(map[string]bool)
	for _, g := range a.generations {
		for _, address := range g.Addresses() {
			listening.all[address.String()] = true
		}
	}
}
