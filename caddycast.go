// Package caddycast makes an Icecast-compatible streaming server of Caddy.
// Importing it registers all of its modules:
//
//	icecast                                     the app: stations with their mounts, limits and roles
//	http.handlers.icecast                       the handler, which puts a station on a site
//	caddy.listeners.icecast                     the listener wrapper, for SHOUTcast v1 sources and cheap TLS listeners
//	admin.api.icecast                           the stations on Caddy's admin endpoint
//	caddy.logging.encoders.icecast              logs in the formats of Icecast
//	caddy.logging.encoders.filter.icecast_hash  keyed hashes of addresses in logs
//	icecast.auth.htpasswd                       listeners from a file of users
//	icecast.auth.off                            no module, whatever a pattern says
//	icecast.auth.url                            listeners and sources by Icecast's URL authentication
//	icecast.cluster.memory                      nodes of a cluster that are stations of one process
//	icecast.cluster.nats                        nodes of a cluster that find each other over NATS
//	icecast.fallbacks.file                      files in place of a silent mount
//	icecast.fallbacks.mount                     another mount in its place
//	icecast.fallbacks.standby                   the loop that is part of the program
//	icecast.hooks.exec                          a program that runs upon events
//	icecast.hooks.webhook                       a URL that events are posted to
//
// It also registers the config adapter "icecast", which reads an icecast.xml, the
// Caddyfile directive and global option "icecast", and the command "caddy icecast".
//
// That is all there is to build it into a Caddy of your own:
//
//	xcaddy build --with github.com/caddycast/caddycast
//
// The modules are in the folders of caddymodule, the engine, which does not import
// Caddy, in package streaming.
package caddycast

import (
	// Each import registers the modules of that package.
	_ "github.com/caddycast/caddycast/caddymodule"
	_ "github.com/caddycast/caddycast/caddymodule/adapter"
	_ "github.com/caddycast/caddycast/caddymodule/adminapi"
	_ "github.com/caddycast/caddycast/caddymodule/auth"
	_ "github.com/caddycast/caddycast/caddymodule/command"
	_ "github.com/caddycast/caddycast/caddymodule/engine"
	_ "github.com/caddycast/caddycast/caddymodule/fallbacks"
	_ "github.com/caddycast/caddycast/caddymodule/handler"
	_ "github.com/caddycast/caddycast/caddymodule/hook"
	_ "github.com/caddycast/caddycast/caddymodule/listenerwrapper"
	_ "github.com/caddycast/caddycast/caddymodule/logging"
	_ "github.com/caddycast/caddycast/caddymodule/metrics"
)
