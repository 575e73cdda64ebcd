package state

import (
	"time"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/fallback"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/relay"
)

// announce tells the outside world what has happened: on a mount or, if that is
// empty, to the station. It never blocks, and may be called under any lock.
func (l *Station) announce(name hooks.Name, mount string, fields ...hooks.Field) {
	l.announceAt(time.Now(), name, mount, fields...)
}

func (l *Station) announceAt(at time.Time, name hooks.Name, mount string, fields ...hooks.Field) {
	e := hooks.NewEvent(name, mount, fields...)
	e.Time, e.Node, e.Station = at, l.node, l.name
	l.journal.add(e)
	l.hooks.Dispatch(e)
}

// wants tells whether an event is worth making.
func (l *Station) wants(name hooks.Name, mount string) bool {
	return l.journal.wants(name) || l.hooks.HasHooks(name, mount)
}

// noticed announces what the engine tells.
func (l *Station) noticed(n streaming.Notice) {
	if n.Kind == streaming.MetadataUpdated {
		l.titled(n.Mount, n.Metadata)
	}
	name := eventNames[n.Kind]
	if !l.wants(name, n.Mount.Path) {
		return
	}
	var fields hooks.Fields
	switch n.Kind {
	case streaming.SourceConnected:
		fields = sourceFields(n.Source)
	case streaming.SourceDisconnected:
		fields = append(sourceFields(n.Source),
			hooks.Text("reason", n.Source.Reason().String()),
			hooks.Seconds("duration", n.At.Sub(n.Source.Since)),
			hooks.Count("bytes", n.Bytes))
	case streaming.ListenerAdded:
		fields = append(listenerEventFields(n.Listener), hooks.Count("listeners", n.Mount.Stats().Listeners))
	case streaming.MetadataUpdated:
		fields = hooks.Fields{
			hooks.Text("artist", n.Metadata.Artist),
			hooks.Text("title", n.Metadata.Title),
			hooks.Text("song", n.Metadata.Song()),
			hooks.Text("url", n.Metadata.URL),
		}
	case streaming.FallbackEngaged, streaming.FallbackReleased:
		fields = hooks.Fields{
			hooks.Text("from", fallback.Label(n.From)),
			hooks.Text("to", fallback.Label(n.To)),
			hooks.Count("listeners", n.Mount.Stats().Listeners),
		}
	case streaming.MountFull:
		fields = hooks.Fields{
			hooks.Count("listeners", n.Mount.Stats().Listeners),
			hooks.Count("max_listeners", n.Mount.Settings().MaxListeners),
			hooks.Text("reason", n.Cause.Error()),
		}
	}
	l.announceAt(n.At, name, n.Mount.Path, fields...)
}

// eventNames are those that the engine's notices have outside.
var eventNames = map[streaming.NoticeKind]hooks.Name{
	streaming.SourceConnected:    hooks.SourceConnected,
	streaming.SourceDisconnected: hooks.SourceDisconnected,
	streaming.ListenerAdded:      hooks.ListenerAdded,
	streaming.MetadataUpdated:    hooks.MetadataUpdated,
	streaming.FallbackEngaged:    hooks.FallbackEngaged,
	streaming.FallbackReleased:   hooks.FallbackReleased,
	streaming.MountFull:          hooks.MountFull,
}

// listenerRemoved announces that a listener is gone.
func (l *Station) listenerRemoved(who *streaming.Listener) {
	if path := who.Mount().Path; l.wants(hooks.ListenerRemoved, path) {
		l.announce(hooks.ListenerRemoved, path, append(listenerEventFields(who),
			hooks.Count("listeners", who.Mount().Stats().Listeners),
			hooks.Count("bytes", who.Sent()),
			hooks.Seconds("duration", time.Since(who.Since)),
			hooks.Text("reason", who.Reason().String()))...)
	}
}

// announceRelay announces what relays and slaves tell.
func (l *Station) announceRelay(e relay.Event) {
	upstream, slave, reason := hooks.Text("upstream", e.Upstream), hooks.Text("slave", e.Slave), hooks.Text("reason", e.Cause)
	switch e.Kind {
	case relay.Up:
		l.announce(hooks.RelayUp, e.Mount, upstream)
	case relay.Down:
		l.announce(hooks.RelayDown, e.Mount, upstream, reason, hooks.Seconds("duration", e.Duration))
	case relay.SlaveJoined:
		l.announce(hooks.SlaveJoined, "", slave)
	case relay.SlaveLeft:
		l.announce(hooks.SlaveLeft, "", slave, reason)
	}
}

// sourceFields are what an event says of a source.
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

// listenerEventFields are what an event says of a listener.
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
