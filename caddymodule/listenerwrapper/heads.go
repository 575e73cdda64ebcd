package listenerwrapper

import (
	"bytes"
	"slices"

	"github.com/caddycast/caddycast/streaming/icy"
)

// heads is where the heads of a connection's requests begin.
type heads struct {
	later bool   // the first one has been passed on
	body  int64  // bytes before the next one
	early []byte // the first bytes of the next one, which were passed on without the rest
}

// maxEarly is how many bytes of a later request the server reads before it sets the read_header
// timeout. They are passed on as they come, so that no head is awaited without that timeout.
const maxEarly = 4

// readDirectly reads the rest of a body, or a head that is whole and sound, into the server's
// buffer. It moves other bytes to ahead, and returns 0.
func (c *sniffer) readDirectly(p []byte) (int, error) {
	if c.heads.body > 0 {
		n, err := c.readConn(p[:min(int64(len(p)), c.heads.body)])
		c.heads.body -= int64(n)
		return n, err
	}
	n, err := c.readConn(p)
	if n == 0 || err != nil {
		return n, err
	}
	if head := icy.HeadLength(p[:n]); len(c.heads.early) == 0 && head > 0 && icy.IsSound(p[:head]) {
		if rest := icy.BodyLength(p[:head]) - int64(n-head); rest >= 0 {
			c.heads.later, c.heads.body = true, rest
			return n, nil
		}
	}
	c.ahead = append(make([]byte, 0, max(n, icy.MaxLine)), p[:n]...)
	return 0, nil
}

// inspectLater inspects what follows a request: its body, another request, or anything else, such
// as the stream of a source, which ends the inspection.
func (c *sniffer) inspectLater(w *ListenerWrapper) error {
	h := &c.heads
	if h.body > 0 {
		c.ready = int(min(h.body, int64(len(c.ahead))))
		h.body -= int64(c.ready)
		return nil
	}
	if !icy.BeginsRequest(slices.Concat(h.early, c.ahead)) {
		c.wrapper = nil
		return nil
	}
	if n := min(maxEarly-len(h.early), len(c.ahead)); n > 0 {
		h.early = append(h.early, c.ahead[:n]...)
		c.ready = n
		return nil
	}
	return c.fixHead(w)
}

// fixHead passes on the head that early and ahead begin, whole and sound. One that is too long
// stays as it is: the server refuses it.
func (c *sniffer) fixHead(w *ListenerWrapper) error {
	h := &c.heads
	n, err := c.until(func(ahead []byte) int { return icy.HeadLength(slices.Concat(h.early, ahead)) - len(h.early) })
	if err != nil {
		return err
	}
	if n <= 0 {
		c.wrapper = nil
		return nil
	}
	head := slices.Concat(h.early, c.ahead[:n])
	if fixed := icy.FixHead(head, c.site(w)); bytes.HasPrefix(fixed, h.early) {
		head = fixed
	}
	body := icy.BodyLength(head)
	c.ready = len(head) - len(h.early)
	c.ahead = append(head[len(h.early):], c.ahead[n:]...)
	*h = heads{later: true, body: max(body, 0)}
	if body < 0 {
		c.wrapper = nil
	}
	return nil
}
