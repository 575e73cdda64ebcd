package state

import (
	"encoding/json"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/ban"
	"github.com/caddycast/caddycast/cluster"
)

// sharedBans are the bans of a station as all nodes of its cluster have them.
type sharedBans struct{ station *Station }

// Digest implements cluster.Shared.
func (s sharedBans) Digest(at time.Time) uint64 { return s.station.bans.Digest(at) }

// Known implements cluster.Shared.
func (s sharedBans) Known() []json.RawMessage { return encodeBans(s.station.bans.Known()) }

func encodeBans(bans []ban.Ban) (all []json.RawMessage) {
	for _, b := range bans {
		if text, err := json.Marshal(b); err == nil { // it never fails
			all = append(all, text)
		}
	}
	return all
}

// Merge implements cluster.Shared.
func (s sharedBans) Merge(entries []json.RawMessage) {
	bans := make([]ban.Ban, 0, len(entries))
	for _, text := range entries {
		var b ban.Ban
		if json.Unmarshal(text, &b) == nil {
			bans = append(bans, b)
		}
	}
	fresh, err := s.station.bans.Merge(bans)
	if err != nil {
		s.station.Logger().Debug("ban of another node not taken", zap.Error(err))
	}
	if len(fresh) == 0 {
		return
	}
	ended := s.station.endBanned()
	s.station.Logger().Info("bans of other nodes taken",
		zap.Int("bans", len(fresh)), zap.Int("listeners", ended.Listeners), zap.Int("sources", ended.Sources))
	s.station.banStore.saveSoon()
}

// Interface guard
var _ cluster.Shared = sharedBans{}
