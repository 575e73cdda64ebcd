package caddymodule

import (
	"fmt"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/caddymodule/socket"
	"github.com/caddycast/caddycast/caddymodule/state"
)

// checkPorts refuses the first start if another process listens where a station is. The sockets
// of both would be in force, and each process would get a part of the listeners.
func (a *App) checkPorts() error {
	if state.IsServing() {
		return nil
	}
	for name, g := range a.generations {
		if setting.Value(a.Stations[name].AllowSharedPort) {
			continue
		}
		for _, address := range g.Addresses() {
			if owner := socket.OwnerOf(address); owner != nil {
				return fmt.Errorf("%s: %s listens there; expected a free port, or allow_shared_port in the icecast block", address, owner)
			}
		}
	}
	return nil
}
