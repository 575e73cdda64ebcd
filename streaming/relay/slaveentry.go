package relay

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// defaultCapacity is assumed for a slave that reports none.
	defaultCapacity = 1000

	// defaultKbps is assumed for a listener of a mount whose bitrate is unknown, while a slave
	// has no listeners.
	defaultKbps = 128

	// noLimit is the bandwidth that is left where there is no limit of it.
	noLimit = math.MaxInt64 / 2
)

// slaveKey identifies a slave: ids are unique only among the slaves of one credential.
type slaveKey struct{ credential, id string }

func (k slaveKey) node() string { return k.credential + "/" + k.id }

// slaveEntry is one slave.
type slaveEntry struct {
	key   slaveKey
	since time.Time

	// The places that are left, by the last report and the listeners sent there since. Pick
	// takes them without a lock, so that a burst stays within what the slave has reported.
	places, kbps quota

	isOpen  atomic.Bool              // takes listeners
	drained bool                     // by an administrator of this master
	public  atomic.Pointer[[]string] // URLs to which they may be sent
	sent    atomic.Int64             // listeners sent there since the last report
	allSent atomic.Uint64            // listeners ever sent there

	// The rest is guarded by mu of Slaves.

	credential *Credential

	report  Report // its maps do not change
	urls    []*slaveURL
	rooms   map[string]*quota
	addr    string
	arrived time.Time // of the last report
	expires time.Time
	reports uint64 // how many have arrived
	refused uint64 // listeners that it has refused, by its reports
	counted counted
	passed  passedOn

	edges  map[string]*slaveEntry // of a hub, by their ids
	hub    *slaveEntry            // of an edge
	isGone bool
}

// take takes the report as the current one. mu is held.
func (e *slaveEntry) take(r Report, s splitting, addr string, now time.Time) {
	last := e.report
	e.report, e.addr, e.arrived, e.expires = r, addr, now, now.Add(r.counts())
	e.reports++
	e.isOpen.Store(!e.drained && !r.Draining)
	e.refused += uint64(r.Refused)
	e.sent.Store(0)
	arrived := func(last, listeners int) int64 {
		if r.Share != nil || s != keepAll { // they may have been sent by others
			return 0
		}
		return int64(max(0, listeners-last))
	}
	e.setFree(s, r.Share.part(int64(e.capacity()-r.Listeners-r.Refused)), arrived(last.Listeners, r.Listeners+r.Refused), now, now)
	kept, passed := s.split(r.freeKbps())
	e.kbps.set(kept, 0, now, now)
	if r.MaxBandwidth > 0 {
		e.passed.places = min(e.passed.places, int(max(0, passed)/r.kbpsOf(0)))
	}
	e.takeRooms(r.Room, func(room *quota, mount string, n int) {
		e.setRoom(s, room, mount, r.Share.part(int64(n)), arrived(last.Mounts[mount], r.Mounts[mount]), now, now)
	})
}

// setFree sets the free places; see quota.set. mu is held.
func (e *slaveEntry) setFree(s splitting, free, arrived int64, asOf, now time.Time) {
	kept, passed := s.split(free)
	e.places.set(kept, arrived, asOf, now)
	e.passed = passedOn{places: int(max(0, passed)), asOf: asOf}
}

// setRoom sets the free places of a mount. mu is held.
func (e *slaveEntry) setRoom(s splitting, room *quota, mount string, free, arrived int64, asOf, now time.Time) {
	kept, passed := s.split(free)
	room.set(kept, arrived, asOf, now)
	if e.passed.room == nil {
		e.passed.room = make(map[string]int)
	}
	e.passed.room[mount] = int(max(0, passed))
}

// freeKbps returns the bandwidth that the master may use.
func (r *Report) freeKbps() int64 {
	if r.MaxBandwidth == 0 {
		return noLimit
	}
	return r.Share.part(int64(r.MaxBandwidth - r.Kbps))
}

// takeRooms sets the places left of the mounts with a limit of their own. A snapshot has the
// map, so that it is replaced if its mounts change; their quotas are the same.
func (e *slaveEntry) takeRooms(room map[string]int, set func(q *quota, mount string, n int)) {
	if len(room) == 0 {
		e.rooms = nil
		return
	}
	rooms := make(map[string]*quota, len(room))
	for mount, n := range room {
		q := e.rooms[mount]
		if q == nil {
			q = new(quota)
		}
		set(q, mount, n)
		rooms[mount] = q
	}
	e.rooms = rooms
}

// isPeer reports whether the slave, or the hub that reports it, is another node of a cluster.
func (e *slaveEntry) isPeer() bool {
	if e.hub != nil {
		e = e.hub
	}
	return e.credential != nil && e.credential.Peer
}

func (e *slaveEntry) capacity() int { return cmp.Or(e.report.Capacity, defaultCapacity) }

// kbpsOf returns the bandwidth of one more listener of a mount with a bitrate; 0: unknown.
func (r *Report) kbpsOf(bitrate int) int64 {
	switch {
	case bitrate > 0:
		return int64(bitrate)
	case r.Listeners > 0 && r.Kbps > 0:
		return max(1, int64(r.Kbps/r.Listeners))
	}
	return defaultKbps
}

// carries reports whether the slave has a mount.
func (r *Report) carries(mount string) bool {
	_, carries := r.Mounts[mount]
	return carries || r.Mounts == nil
}

// servesHLS reports whether the slave serves a mount by HLS.
func (r *Report) servesHLS(mount string) bool {
	_, found := slices.BinarySearch(r.HLS, mount)
	return found
}

// baseFor returns the first URL with a scheme; empty: there is none.
func baseFor(urls []string, scheme string) string {
	i := slices.IndexFunc(urls, func(u string) bool { return strings.HasPrefix(u, scheme+"://") })
	if i < 0 {
		return ""
	}
	return urls[i]
}

// label returns the name of a slave for people.
func (e *slaveEntry) label() string {
	if len(e.report.Public) > 0 {
		return e.report.Public[0]
	}
	return cmp.Or(e.addr, e.report.ID)
}
