package streaming

import "net/netip"

// crowds counts the listeners of each address. IPv6 gives every household a whole
// network, so there it is the network of 64 bits that counts. The station's mu guards it.
type crowds map[netip.Addr]int

// enter counts a listener in, unless there are too many from that address already; 0 is
// no limit. Who comes without an address, over a Unix socket, is not counted.
func (c crowds) enter(ip netip.Addr, limit int) error {
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

// leave counts a listener out.
func (c crowds) leave(ip netip.Addr) {
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
