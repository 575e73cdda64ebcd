package streaming

import "net/netip"

// AddressCounts counts those who came from each address. IPv6 gives every household a whole
// network, so there it is the network of 64 bits that counts. Its owner guards it.
type AddressCounts map[netip.Addr]int

// Enter counts one in, unless there are too many from that address already, which is
// ErrTooManyFromAddress; 0 is no limit. Who comes without an address, over a Unix socket,
// is not counted.
func (c AddressCounts) Enter(ip netip.Addr, limit int) error {
	if !ip.IsValid() {
		return nil
	}
	key := household(ip)
	if limit > 0 && c[key] >= limit {
		return ErrTooManyFromAddress
	}
	c[key]++
	return nil
}

// Leave counts one out whom Enter has counted in.
func (c AddressCounts) Leave(ip netip.Addr) {
	key := household(ip)
	if c[key]--; c[key] <= 0 {
		delete(c, key)
	}
}

// household returns what an address has in common with others of the same place.
func household(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return ip
}
