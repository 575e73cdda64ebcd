package command

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/dustin/go-humanize"
	"golang.org/x/term"

	"github.com/caddycast/caddycast/caddymodule/adminapi"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/state"
)

// table prints tables, one after the other.
type table struct {
	text  bytes.Buffer
	table *tabwriter.Writer
	now   time.Time
}

func newTable() *table {
	s := &table{now: time.Now()}
	s.table = tabwriter.NewWriter(&s.text, 0, 0, 2, ' ', 0)
	return s
}

// row adds a line. Texts from outside must not leave their cells.
func (s *table) row(cells ...any) {
	for i, cell := range cells {
		text := strings.ReplaceAll(response.Printable(fmt.Sprint(cell)), "\t", " ")
		if i == len(cells)-1 {
			fmt.Fprintln(s.table, text)
		} else {
			fmt.Fprint(s.table, text, "\t")
		}
	}
}

// heading begins a new table.
func (s *table) heading(names ...any) {
	_ = s.table.Flush() // to memory
	if s.text.Len() > 0 {
		s.text.WriteByte('\n')
	}
	s.row(names...)
}

func (s *table) print(to io.Writer) error {
	_ = s.table.Flush()
	_, err := to.Write(s.text.Bytes())
	return err
}

// age writes how long something has lasted, by the clock of this machine.
func (s *table) age(since time.Time) string {
	if since.IsZero() {
		return "-"
	}
	return max(0, s.now.Sub(since)).Round(time.Second).String()
}

// dash returns a dash for an empty text.
func dash(text string) string { return cmp.Or(text, "-") }

func (s *table) stations(all []adminapi.StationReport) {
	s.heading("STATION", "UP", "LISTENERS", "SOURCES", "SLAVES")
	var mounts []adminapi.MountReport
	var relays []adminapi.RelayReport
	var slaves []adminapi.SlaveReport
	var masters []adminapi.MasterReport
	for _, st := range all {
		s.row(st.Name, s.age(st.Started), withSlaves(st.Listeners, st.AtSlaves), st.Sources, len(st.Slaves))
		mounts, relays, slaves = append(mounts, st.Mounts...), append(relays, st.Relays...), append(slaves, st.Slaves...)
		masters = append(masters, st.Masters...)
	}
	if len(mounts) > 0 {
		s.mounts(mounts)
	}
	if len(relays) > 0 {
		s.relays(relays)
	}
	if len(masters) > 0 {
		s.masters(masters)
	}
	if len(slaves) > 0 {
		s.slaves(slaves)
	}
}

// withSlaves returns the number of listeners of this node, and of those at slaves.
func withSlaves(here int64, atSlaves int) string {
	if atSlaves > 0 {
		return fmt.Sprintf("%d+%d", here, atSlaves)
	}
	return fmt.Sprint(here)
}

func (s *table) mounts(all []adminapi.MountReport) {
	s.heading("STATION", "MOUNT", "HEARD", "LISTENERS", "PEAK", "BITRATE", "SOURCE", "FOR", "SONG")
	for _, m := range all {
		heard := m.State
		if m.State == state.FeedFallback {
			heard = m.Feed
		}
		bitrate, source, since := "-", "-", "-"
		if m.Source != nil {
			bitrate = fmt.Sprintf("%d kbit/s", (m.Source.Bitrate+500)/1000)
			source, since = dash(cmp.Or(m.Source.Upstream, m.Source.IP)), s.age(m.Source.Since)
		}
		listeners := withSlaves(m.Listeners, m.AtSlaves)
		if m.MaxListeners > 0 {
			listeners += fmt.Sprintf("/%d", m.MaxListeners)
		}
		s.row(m.Station, m.Mount, heard, listeners, m.Peak, bitrate, source, since, dash(m.Song))
	}
}

func (s *table) relays(all []adminapi.RelayReport) {
	s.heading("STATION", "RELAY", "STATE", "FOR", "LAG", "UPSTREAM", "CAUSE")
	for _, r := range all {
		lag := "-"
		if r.Lag != nil {
			lag = fmt.Sprintf("%.1fs", *r.Lag)
		}
		s.row(r.Station, r.Mount, r.State, s.age(r.Since), lag, dash(r.Upstream), dash(r.Cause))
	}
}

// masters shows the masters of slaves. The cause is why a master is not connected, else what it
// has refused last.
func (s *table) masters(all []adminapi.MasterReport) {
	s.heading("STATION", "MASTER", "STATE", "FOR", "REPORT", "REFUSALS", "CAUSE")
	for _, m := range all {
		report := "-"
		if m.Reported != nil {
			report = s.age(*m.Reported)
		}
		s.row(m.Station, m.URL, m.State, s.age(m.Since), report, m.Refusals, dash(cmp.Or(m.Cause, m.Refusal)))
	}
}

func (s *table) slaves(all []adminapi.SlaveReport) {
	s.heading("STATION", "SLAVE", "LISTENERS", "CAPACITY", "KBIT/S", "SENT", "REFUSED", "STATE", "REPORT", "FOR", "ADDRESS", "ID", "CAUSE")
	for _, sl := range all {
		capacity := "-"
		if sl.Capacity > 0 {
			capacity = fmt.Sprint(sl.Capacity)
		}
		name, listeners := cmp.Or(strings.Join(sl.Public, " "), sl.ID), fmt.Sprint(sl.Listeners)
		if sl.Hub != "" { // its listeners are in the sums of its hub
			name, listeners = "  "+name, "-"
		}
		s.row(sl.Station, name, listeners, capacity, sl.Kbps, sl.Sent, sl.Refused,
			slaveState(sl), s.age(sl.Reported), s.age(sl.Since), dash(sl.IP), sl.ID, dash(sl.Cause))
	}
}

// slaveState writes whether listeners are sent to a slave.
func slaveState(s adminapi.SlaveReport) string {
	if s.Drained {
		return "drained"
	}
	return dash(s.State)
}

func (s *table) listeners(all []adminapi.ListenerReport) {
	s.heading("STATION", "ID", "MOUNT", "ADDRESS", "PROTOCOL", "FOR", "SENT", "BEHIND", "USER", "AGENT")
	for _, l := range all {
		protocol := l.Protocol
		if l.TLS {
			protocol += "+TLS"
		}
		if l.Slave {
			protocol += " slave"
		}
		s.row(l.Station, l.ID, l.Mount, dash(l.IP), protocol, s.age(l.Since), humanize.IBytes(l.Bytes), humanize.IBytes(l.Lag),
			dash(l.User), dash(l.UserAgent))
	}
}

// status prints the stations, every second with --watch.
func (c *client) status([]string) error {
	show := func() error { return list(c, "stations", c.query(nil), (*table).stations) }
	if !(caddycmd.Flags{FlagSet: c.cmd.Flags()}).Bool("watch") {
		return show()
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	defer signal.Stop(interrupted)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	screen := c.out
	for {
		var page bytes.Buffer
		c.out = &page
		if err := show(); err != nil { // it may come back
			errors := io.Writer(&page)
			if c.json {
				errors = os.Stderr
			}
			fmt.Fprintln(errors, response.Printable(err.Error()))
		}
		text := page.String()
		if out := int(os.Stdout.Fd()); !c.json && term.IsTerminal(out) {
			text = "\x1b[H\x1b[2J" + text
			if width, height, err := term.GetSize(out); err == nil {
				text = "\x1b[H\x1b[2J" + fit(page.String(), width, height)
			}
		}
		if _, err := io.WriteString(screen, text); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-interrupted:
			return nil
		}
	}
}

// fit cuts a text to the size of a terminal: its top stays, and no line wraps.
func fit(text string, width, height int) string {
	lines := strings.SplitAfter(text, "\n")
	if height > 1 && len(lines) > height {
		lines = append(lines[:height-2], fmt.Sprintf("… %d lines more\n", len(lines)-1-(height-2)))
	}
	for i, line := range lines {
		if runes := []rune(strings.TrimSuffix(line, "\n")); width > 1 && len(runes) > width {
			lines[i] = string(runes[:width-1]) + "…\n"
		}
	}
	return strings.Join(lines, "")
}

// events prints events. A new configuration ends the answer; then the next request continues
// where it was.
func (c *client) events(args []string) error {
	q := c.query(args)
	wanted, err := c.cmd.Flags().GetStringSlice("event")
	if err != nil {
		return err
	}
	for _, name := range wanted {
		q.Add("event", name)
	}
	f := newFollowing(c.out, c.json)
	for tries := 0; ; {
		begun := time.Now()
		body, err := c.ask(http.MethodGet, adminapi.EventsCall, q, nil)
		if err == nil {
			tries = 0
			f.read(body)
			_ = body.Close()
		} else if tries++; f.last.IsZero() || tries > maxReconnects {
			return err
		}
		if f.last.IsZero() {
			f.last = begun
		}
		q.Set("since", f.last.UTC().Format(time.RFC3339Nano))
		time.Sleep(reconnectPause)
	}
}

const (
	maxReconnects  = 20
	reconnectPause = 250 * time.Millisecond
)
