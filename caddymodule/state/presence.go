package state

import (
	"fmt"
	"hash/crc32"
	"time"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/streaming"
)

// presence is what the begin event and the end event of a listener, or of a source, have in common.
type presence struct {
	mount      string
	begin, end hooks.Name
	endID      string // ID of the end event, the same at each delivery and after a crash
	since      time.Time
	fields     hooks.Fields
}

func (st *Station) listenerPresence(l *streaming.Listener) presence {
	return presence{
		l.Mount().Path, hooks.ListenerAdded, hooks.ListenerRemoved,
		fmt.Sprintf("%s-%d", st.run, l.ID), l.Since, listenerEventFields(l),
	}
}

func (st *Station) sourcePresence(s *streaming.Source) presence {
	path := s.Mount().Path
	return presence{
		path, hooks.SourceConnected, hooks.SourceDisconnected,
		fmt.Sprintf("%s-%x-%x", st.run, crc32.ChecksumIEEE([]byte(path)), s.Since.UnixNano()), s.Since, sourceFields(s),
	}
}

// presenceOf returns that of the listener or the source of a notice.
func (st *Station) presenceOf(n streaming.Notice) presence {
	if n.Listener != nil {
		return st.listenerPresence(n.Listener)
	}
	return st.sourcePresence(n.Source)
}

// will returns the end event that the next process delivers if this one is killed.
func (st *Station) will(p presence) *hooks.Event {
	e := st.newEvent(p.since, p.end, p.mount, p.fields...)
	e.ID = p.endID
	return e
}

// came announces a listener or a source.
func (st *Station) came(n streaming.Notice) {
	p := st.presenceOf(n)
	if !st.isObserved(p.begin, p.mount) && !st.hooks.HasHooks(p.end, p.mount) {
		return
	}
	fields := p.fields[:len(p.fields):len(p.fields)]
	if n.Listener != nil {
		fields = append(fields, hooks.Count("listeners", n.Mount.Stats().Listeners))
	}
	e := st.newEvent(n.At, p.begin, p.mount, fields...)
	st.events.add(e)
	st.hooks.Begin(e, st.will(p))
}

// stays sets the will of a listener or a source that another process has announced.
func (st *Station) stays(n streaming.Notice) {
	if p := st.presenceOf(n); st.hooks.HasHooks(p.end, p.mount) {
		st.hooks.Begin(nil, st.will(p))
	}
}

// gone announces the end of a listener or a source.
func (st *Station) gone(at time.Time, p presence, more ...hooks.Field) {
	if !st.isObserved(p.end, p.mount) {
		st.hooks.Withdraw(p.endID)
		return
	}
	e := st.newEvent(at, p.end, p.mount, append(p.fields, more...)...)
	e.ID = p.endID
	st.events.add(e)
	st.hooks.Dispatch(e)
}

// sourceGone announces the end of a source.
func (st *Station) sourceGone(n streaming.Notice) {
	st.gone(n.At, st.sourcePresence(n.Source),
		hooks.Text("reason", n.Source.Reason().String()),
		hooks.Seconds("duration", n.At.Sub(n.Source.Since)),
		hooks.Count("bytes", n.Bytes))
}

// listenerGone announces the end of a listener.
func (st *Station) listenerGone(l *streaming.Listener) {
	st.gone(time.Now(), st.listenerPresence(l),
		hooks.Count("listeners", l.Mount().Stats().Listeners),
		hooks.Count("bytes", l.Sent()),
		hooks.Seconds("duration", l.Duration()),
		hooks.Text("reason", l.Reason().String()))
}

// sourceFields returns the fields of an event that describe a source.
func sourceFields(s *streaming.Source) hooks.Fields {
	info := s.Info()
	return hooks.Fields{
		hooks.Text("ip", s.Addr),
		hooks.Text("user", s.User),
		hooks.Text("agent", info.UserAgent),
		hooks.Text("content_type", info.ContentType),
		hooks.Text("name", info.Name),
		hooks.Text("description", info.Description),
		hooks.Text("genre", info.Genre),
		hooks.Text("url", info.URL),
		hooks.Text("bitrate", info.Bitrate),
	}
}

// listenerEventFields returns the fields of an event that describe a listener.
func listenerEventFields(l *streaming.Listener) hooks.Fields {
	c := l.Client
	return hooks.Fields{
		hooks.Count("client", l.ID),
		hooks.Text("ip", request.AddressText(c.IP)),
		hooks.Text("user", c.User),
		hooks.Text("agent", c.Agent),
		hooks.Text("referer", c.Referer),
		hooks.Text("protocol", c.Protocol),
		hooks.Flag("tls", c.Encrypted),
	}
}
