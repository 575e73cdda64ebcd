package streaming

import (
	"errors"
	"time"

	"github.com/caddycast/caddycast/streaming/audience"
)

// Quota is how stations have limits together. It is a pointer. Any goroutine may call its methods, of
// which only Take may wait, for milliseconds.
type Quota interface {
	// Take takes a place of a thing, unless all stations together have as many as limit; 0 is no
	// limit. It returns false then.
	Take(kind, name string, limit int) bool

	// Return gives a place back.
	Return(kind, name string)

	// Add adds places that are used already, perhaps none, and sets the limit.
	Add(kind, name string, places, limit int)
}

// QuotaMount is the kind of the places at a mount, quotaAddress that of those of an address.
const (
	QuotaMount   = "mount"
	quotaAddress = "address"
)

// sharedLimitError is an error of Admit about a limit that several stations have together.
type sharedLimitError struct{ error }

func (e sharedLimitError) Unwrap() error { return e.error }

// IsShared reports whether an error of Admit names a limit that several stations have together, so
// that no other one has room.
func IsShared(err error) bool {
	_, ok := errors.AsType[sharedLimitError](err)
	return ok
}

// Places are those that a listener has taken of limits that several stations have together, before it
// is admitted. The zero value is none.
type Places struct {
	quota          Quota
	mount, address string
}

// Release gives the places back, unless the listener was admitted.
func (p *Places) Release() {
	if p.mount != "" {
		p.quota.Return(QuotaMount, p.mount)
	}
	if p.address != "" {
		p.quota.Return(quotaAddress, p.address)
	}
	*p = Places{}
}

// Share makes the limits of mounts and of addresses those of several stations; nil: they are those
// of this one alone.
func (st *Station) Share(q Quota) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if q == nil {
		st.quota.Store(nil)
		return
	}
	st.quota.Store(&q)
	for path, m := range st.mounts {
		q.Add(QuotaMount, path, int(m.present.listeners()), m.Settings().MaxListeners)
	}
	for ip, n := range st.addresses {
		q.Add(quotaAddress, ip.String(), n, st.settings.Load().PerIP)
	}
}

// applyQuota tells the quota of the limits in force; perIP is the last one of addresses. mu is held.
func (st *Station) applyQuota(perIP int) {
	q, now := st.sharing(), st.settings.Load().PerIP
	if q == nil {
		return
	}
	for path, m := range st.mounts {
		q.Add(QuotaMount, path, 0, m.Settings().MaxListeners)
	}
	if now == perIP {
		return
	}
	for ip := range st.addresses {
		q.Add(quotaAddress, ip.String(), 0, now)
	}
}

// sharing returns the quota; nil: there is none.
func (st *Station) sharing() Quota {
	if q := st.quota.Load(); q != nil {
		return *q
	}
	return nil
}

// reserve takes the places of a new listener. It may wait; no lock is held.
func (m *Mount) reserve(c *Client) (p Places, err error) {
	st := m.station
	q := st.sharing()
	if q == nil || c.Slave {
		return p, nil
	}
	p.quota = q
	if !q.Take(QuotaMount, m.Path, m.Settings().MaxListeners) {
		m.publishFull(ErrMountFull)
		return p, sharedLimitError{ErrMountFull}
	}
	p.mount = m.Path
	st.mu.RLock()
	second := st.audience.IsSecond(m.Path, c.visitor(), time.Now())
	st.mu.RUnlock()
	if name := addressName(c); name != "" && !second {
		if !q.Take(quotaAddress, name, st.settings.Load().PerIP) {
			p.Release()
			return p, sharedLimitError{ErrTooManyFromAddress}
		}
		p.address = name
	}
	return p, nil
}

// addressName returns the name of a client's address; empty: it has none.
func addressName(c *Client) string {
	if !c.IP.IsValid() {
		return ""
	}
	return audience.Household(c.IP).String()
}

// use gives the places to a listener that has entered a mount, whose address was counted unless it is
// the second connection of a person. mu is held.
func (p *Places) use(m *Mount, c *Client, second bool) {
	q := m.station.sharing()
	switch {
	case q == nil && p.quota == nil:
		return
	case q != p.quota: // it has come or gone since
		p.Release()
		m.enterQuota(c, second)
	case second && p.address != "":
		q.Return(quotaAddress, p.address)
	case !second && p.address == "":
		if name := addressName(c); name != "" {
			q.Add(quotaAddress, name, 1, m.station.settings.Load().PerIP)
		}
	}
	*p = Places{}
}

// enterQuota counts a listener in that has entered a mount whatever the limits are. mu is held.
func (m *Mount) enterQuota(c *Client, second bool) {
	q := m.station.sharing()
	if q == nil {
		return
	}
	q.Add(QuotaMount, m.Path, 1, m.Settings().MaxListeners)
	if name := addressName(c); name != "" && !second {
		q.Add(quotaAddress, name, 1, m.station.settings.Load().PerIP)
	}
}

// leaveQuota gives the places of a listener back that leaves a mount. mu is held.
func (m *Mount) leaveQuota(c *Client, second bool) {
	q := m.station.sharing()
	if q == nil || c.Slave {
		return
	}
	q.Return(QuotaMount, m.Path)
	if name := addressName(c); name != "" && !second {
		q.Return(quotaAddress, name)
	}
}
