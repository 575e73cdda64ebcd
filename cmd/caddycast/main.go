// Command caddycast is Caddy with its standard modules and caddycast built in.
// It is run as Caddy is: caddycast run --config Caddyfile.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddycast/caddycast"
)

func main() {
	caddycmd.Main()
}
