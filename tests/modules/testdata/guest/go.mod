module example.org/guest

go 1.26.0

require (
	github.com/caddycast/caddycast v0.0.0
	github.com/caddyserver/caddy/v2 v2.11.9
)

replace github.com/caddycast/caddycast => ../../../..
