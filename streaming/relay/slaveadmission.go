package relay

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// maxSlaves bounds the slaves of a master.
	maxSlaves = 1000

	// maxRelaySlaves bounds those that log in with the relay password. What is left is for
	// slaves with credentials of their own.
	maxRelaySlaves = 256

	// maxOwnSlaves bounds those with one credential of their own: a node that restarts has a
	// new id.
	maxOwnSlaves = 8

	// rejectionInterval is the shortest time between two events SlaveRejected for a credential.
	rejectionInterval = time.Minute
)

// Credential is that with which a slave has logged in. It does not change.
type Credential struct {
	Name  string   // unique at the master; empty: the relay password
	Key   string   // differs if the user or the secret do
	Hosts []string // of the URLs that its slaves may report; none: any
	Max   int      // slaves at a time; 0: a default
	Peer  bool     // they are other nodes of a cluster, which all nodes count
	Proof []byte   // the key of its slaves' proofs, ProofKey of the password
}

// Node returns the name of a slave that no slave with another credential has. It is that of the
// event SlaveLeft.
func (c *Credential) Node(id string) string { return slaveKey{c.Name, id}.node() }

// limit returns how many slaves may log in with the credential at a time.
func (c *Credential) limit() int {
	if c.Max > 0 {
		return c.Max
	}
	if c.Name == "" {
		return maxRelaySlaves
	}
	return maxOwnSlaves
}

// allows reports whether a slave of the credential may name a URL for listeners. A host without
// a port stands for all its ports.
func (c *Credential) allows(base string) bool {
	if len(c.Hosts) == 0 {
		return true
	}
	u, err := url.Parse(base)
	return err == nil && slices.ContainsFunc(c.Hosts, func(host string) bool {
		return strings.EqualFold(host, u.Host) || strings.EqualFold(host, u.Hostname())
	})
}

// RejectedError is the error of a report that is not taken.
type RejectedError struct {
	text      string
	Temporary bool // a later report may be taken
}

func (e *RejectedError) Error() string { return e.text }

// slaveAdmission decides which reports are taken. mu of Slaves guards it.
type slaveAdmission struct {
	keys     map[string]string // of the credentials in force, by their names; nil: all are
	all      int
	allEdges int
	counts   map[string]int       // slaves, by the names of credentials
	edges    map[string]int       // edges of hubs, likewise
	noticed  map[string]time.Time // the last event SlaveRejected, by the names of credentials
	removed  map[string]time.Time // when ids and URLs that were removed may come back
}

// check returns an error if a report is not taken, whoever is registered.
func (a *slaveAdmission) check(by *Credential, r *Report, now time.Time) error {
	if a.keys != nil && a.keys[by.Name] != by.Key {
		return &RejectedError{"slave: its credentials have changed; expected those of the present configuration", true}
	}
	for _, base := range r.Public {
		if !by.allows(base) {
			return &RejectedError{fmt.Sprintf("public: %.200q is not allowed for slave %s; expected one of the hosts: %s", base, by.Name, strings.Join(by.Hosts, " ")), false}
		}
	}
	return a.checkRemoved(by, r, now)
}

// join counts a new slave, unless there are too many.
func (a *slaveAdmission) join(by *Credential) error {
	switch n := by.limit(); {
	case a.counts[by.Name] >= n && by.Name == "":
		return &RejectedError{fmt.Sprintf("slave: too many with the relay password; expected at most %d, or slaves with credentials of their own", n), true}
	case a.counts[by.Name] >= n:
		return &RejectedError{fmt.Sprintf("slave: too many with the credentials of %s; expected at most %d", by.Name, n), true}
	case a.all >= maxSlaves:
		return &RejectedError{fmt.Sprintf("slave: too many; expected at most %d", maxSlaves), true}
	}
	if a.counts == nil {
		a.counts = make(map[string]int)
	}
	a.counts[by.Name]++
	a.all++
	return nil
}

// leave counts a slave that has left.
func (a *slaveAdmission) leave(credential string) {
	a.all--
	if a.counts[credential]--; a.counts[credential] == 0 {
		delete(a.counts, credential)
	}
}

// rejected returns the event for a report that is not taken, at most one for each credential in
// rejectionInterval. mu is held.
func (s *Slaves) rejected(by *Credential, r *Report, addr string, err error) []Event {
	a, now := &s.admission, s.now()
	if last, ok := a.noticed[by.Name]; ok && now.Sub(last) < rejectionInterval {
		return nil
	}
	if a.noticed == nil || len(a.noticed) > maxSlaves {
		a.noticed = make(map[string]time.Time)
	}
	a.noticed[by.Name] = now
	e := slaveEntry{report: *r, addr: addr}
	return []Event{{Kind: SlaveRejected, Slave: e.label(), Cause: err.Error()}}
}

// Invalid announces that a slave at an address has sent what is no report.
func (s *Slaves) Invalid(by *Credential, addr string, err error) {
	s.mu.Lock()
	events := s.rejected(by, &Report{}, addr, err)
	s.mu.Unlock()
	s.notify(events)
}

// Apply sets the credentials in force. The slaves of others are removed, and so are those whose
// URLs are not allowed any more.
func (s *Slaves) Apply(credentials []Credential) {
	s.mu.Lock()
	byName := make(map[string]*Credential, len(credentials))
	s.admission.keys = make(map[string]string, len(credentials))
	for i := range credentials {
		c := &credentials[i]
		byName[c.Name], s.admission.keys[c.Name] = c, c.Key
	}
	events := s.removeIf(causeCredentials, func(e *slaveEntry) bool {
		c := byName[e.key.credential]
		return c == nil || c.Key != e.credential.Key || slices.ContainsFunc(e.report.Public, func(base string) bool { return !c.allows(base) })
	})
	for _, hub := range s.entries {
		s.dropEdges(hub, func(e *slaveEntry) bool {
			return slices.ContainsFunc(e.report.Public, func(base string) bool { return !byName[hub.key.credential].allows(base) })
		})
	}
	s.mu.Unlock()
	s.notify(events)
}
