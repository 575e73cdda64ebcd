package relay

import (
	"net"
	"slices"
)

// icyConn replaces the beginning of a SHOUTcast status line, "ICY 200 OK", by that of HTTP.
type icyConn struct {
	net.Conn
	seen []byte // the first bytes, not returned yet
	done bool   // they were compared
}

var (
	icyStart  = []byte("ICY ")
	httpStart = []byte("HTTP/1.0 ")
)

// Read reads from the peer.
func (c *icyConn) Read(p []byte) (int, error) {
	for !c.done {
		var buf [4]byte
		n, err := c.Conn.Read(buf[:len(icyStart)-len(c.seen)])
		c.seen = append(c.seen, buf[:n]...)
		if len(c.seen) == len(icyStart) || err != nil || !slices.Equal(c.seen, icyStart[:len(c.seen)]) {
			c.done = true
			if slices.Equal(c.seen, icyStart) {
				c.seen = httpStart
			}
			if err != nil && len(c.seen) == 0 {
				return 0, err
			}
		}
	}
	if len(c.seen) > 0 {
		n := copy(p, c.seen)
		c.seen = c.seen[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}
