//go:build !unix

package caddymodule

// followHangup does nothing: there is no SIGHUP.
func followHangup() (stop func()) { return func() {} }
