package state

import (
	"errors"
	"net/http"
	"net/netip"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/ban"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/cluster"
	"github.com/caddycast/caddycast/streaming"
)

// ErrBanned is the cause of the refusal of a banned client.
var ErrBanned = errors.New("banned")

// HasBans reports whether CheckBan may refuse somebody.
func (st *Station) HasBans() bool { return st.bans.Any() }

// CheckBan returns a refusal if a client is banned. It takes no lock. An empty agent or user is not
// compared.
func (st *Station) CheckBan(ip netip.Addr, agent, user string) error {
	b := st.bans.Match(ip, agent, user)
	if b == nil {
		return nil
	}
	text := "You are banned here"
	if !b.Until.IsZero() {
		text += " until " + b.Until.UTC().Format(time.RFC3339)
	}
	return response.Refuse(http.StatusForbidden, text).Because(ErrBanned).Warned("banned client refused", banFields(b)...)
}

func banFields(b *ban.Ban) []zap.Field {
	return []zap.Field{zap.String("ban", b.ID), zap.String("kind", string(b.Kind)), zap.String("value", response.Printable(b.Value))}
}

// Bans returns the bans in force, the oldest first.
func (st *Station) Bans() []ban.Ban { return st.bans.InForce() }

// Ban puts a ban that ban.Parse has returned into force, and ends the clients that it is for. It
// returns the ban, how many listeners and sources were ended here, and to how many other nodes it goes.
func (st *Station) Ban(b ban.Ban) (ban.Ban, Ended, cluster.Spread, error) {
	b, err := st.bans.Add(b)
	if err != nil {
		return b, Ended{}, cluster.Spread{}, err
	}
	ended := st.endBanned()
	st.Logger().Info("clients banned", append(banFields(&b), zap.String("by", b.By), zap.String("from", b.From), zap.Time("until", b.Until),
		zap.Int("listeners", ended.Listeners), zap.Int("sources", ended.Sources))...)
	return b, ended, st.bansChanged(b), nil
}

// Unban takes a ban back. The error is ban.ErrUnknown if it is not in force.
func (st *Station) Unban(id, by, from string) (_ ban.Ban, spread cluster.Spread, _ error) {
	b, err := st.bans.Remove(id, by, from)
	if err == nil {
		st.Logger().Info("ban taken back", append(banFields(&b), zap.String("by", by), zap.String("from", from))...)
		spread = st.bansChanged(b)
	}
	return b, spread, err
}

// bansChanged stores the bans, and tells the other nodes of a changed one.
func (st *Station) bansChanged(b ban.Ban) (spread cluster.Spread) {
	if node := st.Peer(); node != nil {
		spread = node.Share(encodeBans([]ban.Ban{b}))
	}
	st.banStore.load()
	return spread
}

// Ended is how many clients were ended.
type Ended struct{ Listeners, Sources int }

// endBanned ends the listeners and sources that are banned. Slaves get the streams to the end.
func (st *Station) endBanned() (n Ended) {
	for _, l := range st.Snapshot("") {
		c := &l.Client
		if !c.Slave && st.bans.Match(c.IP, c.Agent, c.User) != nil {
			l.Remove(streaming.Removed)
			n.Listeners++
		}
	}
	for _, m := range st.Mounts() {
		s := m.Source()
		if s == nil || s.Upstream != "" {
			continue
		}
		ip, _ := netip.ParseAddr(s.Addr) // none, as on a Unix socket
		if st.bans.Match(ip, "", s.User) != nil {
			s.Stop(streaming.Removed)
			n.Sources++
		}
	}
	return n
}
