//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxHead is more than any server says before the sound.
const maxHead = 16 << 10

var headEnd = []byte("\r\n\r\n")

// responseHead is what matters of the head of a response.
type responseHead struct {
	status  int
	metaint int  // bytes of sound between two blocks of metadata, or 0
	chunked bool // the body is in chunks, which listeners here can't read
}

// parseHead reads a head that ends with an empty line, as servers of HTTP and of
// SHOUTcast's protocol ("ICY 200 OK") write it.
func parseHead(head []byte) (responseHead, error) {
	var r responseHead
	lines := strings.Split(string(head), "\r\n")
	proto, rest, _ := strings.Cut(lines[0], " ")
	if proto != "ICY" && !strings.HasPrefix(proto, "HTTP/") {
		return r, fmt.Errorf("no response begins with %.40q", lines[0])
	}
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if err != nil {
		return r, fmt.Errorf("no status in %.40q", lines[0])
	}
	r.status = status
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(name) {
		case "icy-metaint":
			if r.metaint, err = strconv.Atoi(value); err != nil || r.metaint < 0 {
				return r, fmt.Errorf("no interval: icy-metaint %.40q", value)
			}
		case "transfer-encoding":
			r.chunked = strings.EqualFold(value, "chunked")
		}
	}
	return r, nil
}

var errHeadTooLong = errors.New("the head of the response does not end")

// cutHead takes the head off what has come so far; rest is what follows, and nil
// as long as the head has no end.
func cutHead(p []byte) (head, rest []byte, err error) {
	if head, rest, ok := bytes.Cut(p, headEnd); ok {
		return head, rest, nil
	}
	if len(p) > maxHead {
		return nil, nil, errHeadTooLong
	}
	return nil, nil, nil
}

// icyCutter cuts blocks of metadata out of a stream: after each metaint bytes of
// sound stands a byte, and then 16 times as many bytes as it says.
type icyCutter struct {
	metaint int // 0: there are none
	sound   int // bytes of sound up to the next block
	block   int // bytes of the block that are to come
}

func newICYCutter(metaint int) icyCutter { return icyCutter{metaint: metaint, sound: metaint} }

// next takes p apart: sound from its beginning, and what is behind that sound and
// a block. It is called again until there is no rest.
func (c *icyCutter) next(p []byte) (sound, rest []byte) {
	if c.metaint == 0 {
		return p, nil
	}
	if n := min(c.block, len(p)); n > 0 {
		c.block -= n
		return nil, p[n:]
	}
	if n := min(c.sound, len(p)); n > 0 {
		c.sound -= n
		return p[:n], p[n:]
	}
	if len(p) > 0 {
		c.block = int(p[0]) * 16
		c.sound = c.metaint
		p = p[1:]
	}
	return nil, p
}
