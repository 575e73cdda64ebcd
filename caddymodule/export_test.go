package caddymodule

// Stopping is what the app does when Caddy announces a stop.
func (a *App) Stopping() { a.stopping() }
