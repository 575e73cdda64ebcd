//go:build !linux

package socket

import "net"

// OwnerOf returns nil: the system does not tell.
func OwnerOf(*net.TCPAddr) *Owner { return nil }
