// Package caddymodule is all of caddycast that knows Caddy. It translates: a
// Caddyfile or JSON into the settings of a station, a request into a source or
// a listener, and what happens into Caddy's log. The rules of streaming are in
// package streaming, which this one drives.
//
// App is the Caddy app "icecast": the stations and their settings. Handler is
// the HTTP handler "icecast", which puts a station on a site. What lives (the
// station with its mounts, sources and listeners) is kept in a pool that every
// configuration shares; a configuration is a reign over it, which begins when
// the app starts and ends, by retire, when it stops. That is why a reload drops
// nobody, and why a configuration that is rejected changes nothing.
package caddymodule
