// Package caddycast makes an Icecast-compatible streaming server of Caddy.
// Importing it registers all of its modules:
//
//	icecast                  the app: stations, with their mounts and limits
//	http.handlers.icecast    the handler, which puts a station on a site
//
// That is all there is to build it into a Caddy of your own:
//
//	xcaddy build --with github.com/caddycast/caddycast
//
// The modules are in package caddymodule, the engine, which knows nothing of
// Caddy, in package streaming.
package caddycast

import (
	// Registers the modules.
	_ "github.com/caddycast/caddycast/caddymodule"
)
