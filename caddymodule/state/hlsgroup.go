package state

import "sync/atomic"

// HLSGroup is one entry for several mounts, of which players choose one by their bandwidth.
type HLSGroup struct {
	Path   string // of the entry
	Name   string // empty: none
	Mounts []string

	Mixed atomic.Bool // the log tells that they have different containers
}

// MaxHLSGroup bounds the mounts of a group.
const MaxHLSGroup = 16

// HLSGroup returns the group whose entry is at a path, nil if there is none.
func (g *Generation) HLSGroup(path string) *HLSGroup {
	for _, group := range g.HLSGroups {
		if group.Path == path {
			return group
		}
	}
	return nil
}
