package upgrade

import (
	"fmt"
	"net"
	"os"

	"github.com/caddycast/caddycast/caddymodule/handover"
	"github.com/caddycast/caddycast/caddymodule/socket"
)

// passOn sends a connection that nobody has answered to the newer process.
func (u *upgrade) passOn(address string, c *socket.Passed) bool {
	defer c.Close()
	file, err := c.File()
	if err != nil {
		return false
	}
	defer file.Close()
	u.sending.Lock()
	defer u.sending.Unlock()
	return u.link.Send(handover.Message{Kind: handover.Connection, Address: address, Ahead: c.Ahead}, file) == nil
}

// takeConnection gives such a connection to the server of its address.
func takeConnection(m handover.Message, file *os.File) error {
	conn, err := net.FileConn(file)
	if err != nil {
		return err
	}
	if tcp, ok := conn.(*net.TCPConn); ok && socket.Give(m.Address, &socket.Passed{TCPConn: tcp, Ahead: m.Ahead}) {
		return nil
	}
	_ = conn.Close()
	return fmt.Errorf("connection to %q: nobody listens there", m.Address)
}
