package state

import (
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddycast/caddycast/streaming/blocklog"
)

// listenerEnded announces the end of a listener, and writes its access line to the log
// "icecast.access". Caddy's own access log has no such line: its request ends when the stream
// begins.
func (st *Station) listenerEnded(who *streaming.Listener) {
	if !who.Client.Slave {
		st.listenerGone(who)
	}
	entry := st.Logger().Named("access").Check(zap.InfoLevel, "listener")
	if entry == nil {
		return
	}
	fields := []zap.Field{
		zap.String("mount", who.Mount().Path),
		zap.Uint64("id", who.ID),
		zap.String("client_ip", request.AddressText(who.Client.IP)), // a string, so that Caddy's filters can mask or hash it
		zap.String("proto", who.Client.Protocol),
		zap.Bool("tls", who.Client.Encrypted),
		zap.String("user_agent", who.Client.Agent),
		zap.Uint64("bytes", who.Sent()),
		zap.Duration("duration", who.Duration()),
		zap.Stringer("reason", who.Reason()),
	}
	if who.Client.Referer != "" {
		fields = append(fields, zap.String("referer", who.Client.Referer))
	}
	if who.Client.User != "" {
		fields = append(fields, zap.String("user_id", who.Client.User))
	}
	entry.Write(fields...)
}

// titled writes a line of the playlist, to the log "icecast.playlist".
func (st *Station) titled(m *streaming.Mount, meta *blocklog.Metadata) {
	if song := meta.Song(); song != "" {
		st.Logger().Named("playlist").Info("title",
			zap.String("mount", m.Path), zap.Int64("listeners", m.Stats().Listeners), zap.String("title", song))
	}
}
