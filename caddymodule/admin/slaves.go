package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming/relay"
)

// serveSlaves answers with the slaves and what they report.
func (c *Commands) serveSlaves(w http.ResponseWriter, r *request.Facts, _ url.Values) error {
	e := el("icestats")
	for _, s := range c.station.Slaves().List() {
		e.children = append(e.children, slaveElement(&s))
	}
	return answerElement(w, r, e)
}

// slaveElement describes a slave. Its id is for people; node is that for the commands.
func slaveElement(s *relay.SlaveStatus) element {
	id := s.ID
	if len(s.Public) > 0 {
		id = strings.Join(s.Public, " ")
	}
	state := string(s.State)
	if s.IsDrained {
		state = "drained"
	}
	return el("slave",
		leaf("id", id), leaf("ip", s.Addr), leaf("listeners", s.Listeners), leaf("capacity", s.Capacity),
		leaf("kbps", s.Kbps), leaf("mounts", len(s.Mounts)), leaf("Connected", int(time.Since(s.Since)/time.Second)),
		leaf("node", s.ID), leaf("hub", s.Hub), leaf("name", s.Credential), leaf("reported", int(time.Since(s.Reported)/time.Second)),
		leaf("sent", s.AllSent), leaf("refused", s.AllRefused), leaf("state", state), leaf("cause", response.Printable(s.Cause)))
}

// drainSlave sends no more listeners to a slave, or with off=1 sends them there again.
func (c *Commands) drainSlave(w http.ResponseWriter, r *request.Facts, q url.Values) error {
	off := q.Get("off") == "1"
	if c.station.Slaves().Drain(q.Get("id"), !off) == 0 {
		return errUnknownSlave()
	}
	if off {
		return iceResponse(w, r, fmt.Sprintf("Listeners are sent to slave %s again", response.Printable(q.Get("id"))), true)
	}
	return iceResponse(w, r, fmt.Sprintf("Slave %s drained", response.Printable(q.Get("id"))), true)
}

// removeSlave removes a slave, and rejects its reports for a while.
func (c *Commands) removeSlave(w http.ResponseWriter, r *request.Facts, q url.Values) error {
	if c.station.Slaves().Remove(q.Get("id")) == 0 {
		return errUnknownSlave()
	}
	return iceResponse(w, r, fmt.Sprintf("Slave %s removed", response.Printable(q.Get("id"))), true)
}

func errUnknownSlave() error {
	return response.Refuse(http.StatusBadRequest, "id: unknown slave; expected an id, a name or a public URL, as in listslaves")
}
