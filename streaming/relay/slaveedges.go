package relay

import (
	"iter"
	"slices"
	"time"
)

const (
	// maxAllEdges bounds the edges of all hubs of a master, maxCredentialEdges those of the hubs
	// with one credential.
	maxAllEdges        = 1024
	maxCredentialEdges = 512
)

// nodes returns all slaves, and the edges of those that are hubs, except edges that report here as
// well. mu is held.
func (s *Slaves) nodes() iter.Seq[*slaveEntry] {
	return func(yield func(*slaveEntry) bool) {
		for _, e := range s.entries {
			if !yield(e) {
				return
			}
			for _, edge := range e.edges {
				if len(s.sums.byID[edge.key.id]) == 0 && !yield(edge) {
					return
				}
			}
		}
	}
}

// takeEdges takes the edges of a hub's last report. They are verified as the URLs of the hub are:
// by a proof that only a node with the hub's password can make, or by the hosts that the hub's
// credential lists. So a forged hub gains no more than a forged slave. Edges that the credential
// does not allow are left out; the report of the hub is taken without them. mu is held.
func (s *Slaves) takeEdges(hub *slaveEntry, now time.Time) {
	before := hub.edges
	hub.edges = make(map[string]*slaveEntry, len(hub.report.Edges))
	for i := range hub.report.Edges {
		edge := &hub.report.Edges[i]
		r := edge.report(hub)
		age := time.Duration(edge.Age) * time.Millisecond
		if edge.ID == s.self || hub.edges[edge.ID] != nil || age > maxReportAge || s.admission.checkRemoved(hub.credential, &r, now) != nil {
			continue
		}
		e := before[edge.ID]
		if e == nil {
			if !s.admission.joinEdge(hub.credential) {
				continue
			}
			e = &slaveEntry{key: slaveKey{hub.key.credential, edge.ID}, hub: hub, since: now}
			e.isOpen.Store(true)
		}
		delete(before, edge.ID)
		hub.edges[edge.ID] = e
		if e.credential != nil && !slices.Equal(e.credential.Hosts, hub.credential.Hosts) {
			s.forgetURLs(e)
		}
		e.credential = hub.credential
		e.takeEdge(r, edge, s.splitting, now.Add(-age), now)
		s.setURLs(e)
		e.publish()
	}
	s.removeEdges(before)
}

// removeEdges removes edges whose hub has them no more. mu is held.
func (s *Slaves) removeEdges(edges map[string]*slaveEntry) {
	for _, e := range edges {
		e.isOpen.Store(false) // for the snapshots that have it
		e.isGone = true
		for _, u := range e.urls {
			u.stop()
		}
		s.admission.leaveEdge(e.key.credential)
	}
}

// dropEdges removes some edges of a hub until its next report. mu is held.
func (s *Slaves) dropEdges(hub *slaveEntry, is func(*slaveEntry) bool) {
	dropped := make(map[string]*slaveEntry)
	for id, e := range hub.edges {
		if is(e) {
			dropped[id] = e
			delete(hub.edges, id)
		}
	}
	if len(dropped) > 0 {
		s.removeEdges(dropped)
		s.changed.Store(true)
	}
}

// report returns an edge as the report of a slave. It has those of its URLs that the credential
// of the hub allows.
func (e *Edge) report(hub *slaveEntry) Report {
	r := Report{
		ID: e.ID, Region: e.Region, Capacity: e.Capacity, AsksMaster: e.AsksMaster && hub.report.AsksMaster,
		Mounts: hub.report.Mounts, HLS: e.HLS, Room: e.Room,
	}
	for _, base := range e.Public {
		if hub.credential.allows(base) {
			r.Public = append(r.Public, base)
		}
	}
	if e.Mounts != nil {
		r.Mounts = make(map[string]int, len(e.Mounts))
		for _, mount := range e.Mounts {
			if hub.report.carries(mount) {
				r.Mounts[mount] = 0
			}
		}
	}
	return r
}

// takeEdge takes an edge of a hub's report, as of a time. mu is held.
func (e *slaveEntry) takeEdge(r Report, edge *Edge, s splitting, asOf, now time.Time) {
	e.report, e.arrived, e.expires = r, now, e.hub.expires
	e.sent.Store(0)
	share := e.hub.report.Share
	e.setFree(s, share.part(int64(edge.Free)), 0, asOf, now)
	e.kbps.set(noLimit, 0, asOf, now)
	e.takeRooms(edge.Room, func(room *quota, mount string, n int) {
		e.setRoom(s, room, mount, share.part(int64(n)), 0, asOf, now)
	})
}

// joinEdge counts a new edge. It reports false if there are too many.
func (a *slaveAdmission) joinEdge(by *Credential) bool {
	if a.allEdges >= maxAllEdges || a.edges[by.Name] >= maxCredentialEdges {
		return false
	}
	if a.edges == nil {
		a.edges = make(map[string]int)
	}
	a.edges[by.Name]++
	a.allEdges++
	return true
}

// leaveEdge counts an edge that has left.
func (a *slaveAdmission) leaveEdge(credential string) {
	a.allEdges--
	if a.edges[credential]--; a.edges[credential] == 0 {
		delete(a.edges, credential)
	}
}
