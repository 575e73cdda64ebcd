package admin

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/status"
	"github.com/caddycast/caddycast/caddymodule/transport"
	"github.com/caddycast/caddycast/streaming/icy"
)

const (
	statsStep = time.Second
	statsLine = 199 // bytes, as in Icecast

	statsWrite = 10 * time.Second // bounds one write to a client
)

// ServeStatsStream sends the administrator all statistics as lines, then every change, as
// Icecast 2.4 does:
//
//	EVENT <mount>|global <name> <value>
//
// The value of a removed statistic is null.
func (c *Commands) ServeStatsStream(w http.ResponseWriter, r *request.Facts) error {
	if err := auth.Authorize(r, c.station.Gate.Admin); err != nil {
		return err
	}
	if r.ProtoMajor > 1 {
		return response.Refuse(http.StatusHTTPVersionNotSupported, "STATS requires HTTP/1")
	}
	conn, _, err := transport.Hijack(w)
	if err != nil {
		return err
	}
	defer conn.Close()
	c.station.StatsConnections.Add(1)
	c.station.StatsClients.Add(1)
	defer c.station.StatsClients.Add(-1)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = conn.SetReadDeadline(time.Time{})
		_, _ = io.Copy(io.Discard, conn) // ends when the client disconnects
	}()
	defer func() {
		_ = conn.Close()
		<-gone
	}()
	if err := writeIn(conn, "HTTP/1.0 200 OK\r\n\r\n"); err != nil {
		return nil //nolint:nilerr // the client has disconnected
	}
	tick := time.NewTicker(statsStep)
	defer tick.Stop()
	sent := make(map[[2]string]string)
	for {
		now := c.statistics(r)
		if err := writeIn(conn, changes(sent, now)); err != nil {
			return nil //nolint:nilerr // the client has disconnected
		}
		sent = now
		select {
		case <-tick.C:
		case <-gone:
			return nil
		case <-c.station.Closing():
			return nil
		case <-c.retired:
			return nil
		}
	}
}

// writeIn writes a text within statsWrite.
func writeIn(conn net.Conn, text string) error {
	_ = conn.SetWriteDeadline(time.Now().Add(statsWrite))
	_, err := io.WriteString(conn, text)
	return err
}

// statistics returns all values, by mount (or "global") and name.
func (c *Commands) statistics(r *request.Facts) map[[2]string]string {
	all := make(map[[2]string]string)
	add := func(mount string, values map[string]any) {
		for name, value := range values {
			all[[2]string{mount, name}] = icy.Clean(fmt.Sprint(value))
		}
	}
	add("global", c.globalStats(r))
	for _, m := range c.station.Statuses() {
		if source := status.SourceStatus(&m, c.station.Slaves(), c.station.ListenURL(r, m.Path)); source != nil {
			c.addPrivate(source, &m)
			add(m.Path, source)
		}
	}
	return all
}

// changes returns the lines of all values that differ.
func changes(before, now map[[2]string]string) string {
	var b strings.Builder
	byName := func(a, b [2]string) int { return strings.Compare(a[0]+" "+a[1], b[0]+" "+b[1]) }
	line := func(key [2]string, value string) {
		b.WriteString(icy.Cut(fmt.Sprintf("EVENT %s %s %s", key[0], key[1], value), statsLine) + "\n")
	}
	for _, key := range slices.SortedFunc(maps.Keys(before), byName) {
		if _, ok := now[key]; !ok {
			line(key, "null")
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(now), byName) {
		if value, ok := before[key]; !ok || value != now[key] {
			line(key, now[key])
		}
	}
	return b.String()
}
