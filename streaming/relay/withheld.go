package relay

import (
	"maps"
	"slices"
	"strings"
)

// JoinProtections writes protections as they stand on a list: with commas between them.
func JoinProtections(all []Protection) string {
	texts := make([]string, len(all))
	for i, p := range all {
		texts[i] = string(p)
	}
	return strings.Join(texts, ",")
}

// withheld returns the mounts that masters list and that are not pulled since a protection that
// the masters demand is missing at this node, with what is missing.
func withheld(settings *SlaveConfig, required map[string][]Protection) map[string][]Protection {
	all := make(map[string][]Protection)
	for mount, protections := range required {
		if missing := settings.missing(mount, protections); len(missing) > 0 && matches(settings.Mounts, mount) {
			all[mount] = missing
		}
	}
	return all
}

// maxWithheldEvents bounds the events for one change of the lists. Withheld has all mounts.
const maxWithheldEvents = 100

// newlyWithheld returns an event for each mount that was not withheld before, or for other
// protections.
func newlyWithheld(before, now map[string][]Protection) (events []Event) {
	for _, mount := range slices.Sorted(maps.Keys(now)) {
		if !slices.Equal(before[mount], now[mount]) && len(events) < maxWithheldEvents {
			events = append(events, Event{Kind: Withheld, Mount: mount, Cause: JoinProtections(now[mount])})
		}
	}
	return events
}

// Withheld returns the mounts of the masters' lists that are not pulled since a protection is
// missing at this node, with what is missing.
func (m *Manager) Withheld() map[string][]Protection {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slave == nil {
		return nil
	}
	return maps.Clone(m.slave.withheld)
}
