// Package caddymodule is the Caddy app "icecast": its JSON types, their directives in the
// Caddyfile, and their resolution.
//
// App holds the stations; Station, Mount, Limits, Relay, Master, Slave and Dump are their settings
// as written. While the app is provisioned, a resolver merges, checks and translates them into a
// state.Generation per station, which never looks at them again. Start publishes the generations
// and Stop retires them, so that a reload ends no stream and a rejected configuration changes
// nothing.
//
// Caddy calls the app from one goroutine. The policies of mounts are resolved later, by any
// goroutine, from settings that no longer change. The package has no rule of streaming in it, and
// serves no request: handlers find their station by state.Provider.
package caddymodule
