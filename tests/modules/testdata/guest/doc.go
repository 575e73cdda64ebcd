// Package guest has a module of each kind that another plugin may add to caddycast.
package guest
