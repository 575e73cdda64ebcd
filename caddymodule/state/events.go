package state

import (
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/fallback"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/relay"
)

// announce passes an event to the event log and to the hooks. An empty mount means that the
// event is one of the station. It never blocks, and may be called under any lock.
func (st *Station) announce(name hooks.Name, mount string, fields ...hooks.Field) {
	st.announceAt(time.Now(), name, mount, fields...)
}

func (st *Station) announceAt(at time.Time, name hooks.Name, mount string, fields ...hooks.Field) {
	e := hooks.NewEvent(name, mount, fields...)
	e.Time, e.Node, e.Station = at, st.node, st.name
	st.events.add(e)
	st.hooks.Dispatch(e)
}

// isObserved reports whether an event has a reader: the event log or a hook.
func (st *Station) isObserved(name hooks.Name, mount string) bool {
	return st.events.keeps(name) || st.hooks.HasHooks(name, mount)
}

// noticed announces a notice of the engine.
func (st *Station) noticed(n streaming.Notice) {
	switch n.Kind {
	case streaming.MetadataUpdated:
		st.titled(n.Mount, n.Metadata)
	case streaming.SourceTooFast:
		st.Logger().Warn("source sends faster than real time", zap.String("mount", n.Mount.Path), zap.String("client_ip", n.Source.Addr))
		return // no event
	}
	name := eventNames[n.Kind]
	if !st.isObserved(name, n.Mount.Path) {
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
	st.announceAt(n.At, name, n.Mount.Path, fields...)
}

// eventNames are the names of the events for the engine's notices.
var eventNames = map[streaming.NoticeKind]hooks.Name{
	streaming.SourceConnected:    hooks.SourceConnected,
	streaming.SourceDisconnected: hooks.SourceDisconnected,
	streaming.ListenerAdded:      hooks.ListenerAdded,
	streaming.MetadataUpdated:    hooks.MetadataUpdated,
	streaming.FallbackEngaged:    hooks.FallbackEngaged,
	streaming.FallbackReleased:   hooks.FallbackReleased,
	streaming.MountFull:          hooks.MountFull,
}

// listenerRemoved announces the end of a listener.
func (st *Station) listenerRemoved(who *streaming.Listener) {
	if path := who.Mount().Path; st.isObserved(hooks.ListenerRemoved, path) {
		st.announce(hooks.ListenerRemoved, path, append(listenerEventFields(who),
			hooks.Count("listeners", who.Mount().Stats().Listeners),
			hooks.Count("bytes", who.Sent()),
			hooks.Seconds("duration", who.Duration()),
			hooks.Text("reason", who.Reason().String()))...)
	}
}

// announceRelay announces an event of a relay, a master or a slave.
func (st *Station) announceRelay(e relay.Event) {
	upstream, slave, reason := hooks.Text("upstream", e.Upstream), hooks.Text("slave", e.Slave), hooks.Text("reason", e.Cause)
	switch e.Kind {
	case relay.Up:
		st.announce(hooks.RelayUp, e.Mount, upstream)
	case relay.Down:
		st.announce(hooks.RelayDown, e.Mount, upstream, reason, hooks.Seconds("duration", e.Duration))
	case relay.SlaveJoined:
		st.announce(hooks.SlaveJoined, "", slave)
	case relay.SlaveLeft:
		st.announce(hooks.SlaveLeft, "", slave, reason)
	}
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
