// Package handler is the HTTP handler "icecast", which puts a station on a site.
//
// A request passes in one line: the facts are computed once, checks return an error, and
// ServeHTTP answers. The error is a response.Refusal, a response.Redirect, or errNotServed, with
// which the request goes on to the next handler. Nothing else writes a refusal.
//
// Sources and listeners over HTTP/1 are hijacked. A source stays in its handler until it ends.
// A listener is handed to the engine and the handler returns; over HTTP/2 and 3 the handler
// stays until the listener ends. Caddy calls ServeHTTP from one goroutine per request. The
// handler keeps no state: stations, mounts and counters belong to the packages state and
// streaming, and outlive the configuration of the handler.
package handler
