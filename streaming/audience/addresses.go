package audience

import (
	"errors"
	"net/netip"
)

// ErrTooMany is what AddressCounts.Enter returns if an address has reached its limit.
var ErrTooMany = errors.New("max connections from this address reached")

// AddressCounts counts connections by address. An IPv6 provider gives every household a
// network of 64 bits, so that counts as one address. The zero value can only be read; make
// one. Its owner guards it.
type AddressCounts map[netip.Addr]int

// Enter counts a connection in, or returns ErrTooMany if its address has as many as limit
// already; 0 is no limit. A connection without an address, over a Unix socket, is not
// counted.
func (c AddressCounts) Enter(ip netip.Addr, limit int) error {
	if !ip.IsValid() {
		return nil
	}
	key := Household(ip)
	if limit > 0 && c[key] >= limit {
		return ErrTooMany
	}
	c[key]++
	return nil
}

// Leave counts a connection out that Enter has counted in.
func (c AddressCounts) Leave(ip netip.Addr) {
	key := Household(ip)
	if c[key]--; c[key] <= 0 {
		delete(c, key)
	}
}

// Household returns what an address has in common with others of the same place: all of an IPv4
// address, the first 64 bits of an IPv6 one.
func Household(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return ip
}
