package relay

// PeerCredential returns the credential of the nodes of a cluster. proof is the key of a node's
// proofs; nil: that of no node.
func PeerCredential(proof []byte) *Credential {
	return &Credential{Name: "cluster", Key: "cluster", Max: maxSlaves, Peer: true, Proof: proof}
}

// HoldPeers sets whether other nodes of the cluster stay although they do not report: nobody can
// report to another node while what carries the reports is away. Their URLs are still verified.
func (s *Slaves) HoldPeers(hold bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == hold {
		return
	}
	s.held = hold
	now := s.now()
	for _, e := range s.entries {
		if e.isPeer() && !hold {
			e.expires = now.Add(e.report.counts())
			s.setTimer(e.expires)
		}
	}
}

// isHeld reports whether a slave stays although it does not report. mu is held.
func (s *Slaves) isHeld(e *slaveEntry) bool { return s.held && e.isPeer() }

// SetSelf makes this node one of those that Pick chooses from, by its own report; nil: it is none.
// Pick returns the URLs of that report as they are.
func (s *Slaves) SetSelf(r *Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r == nil {
		s.own = nil
	} else {
		if s.own == nil {
			s.own = &slaveEntry{key: slaveKey{"", s.self}, credential: PeerCredential(nil)}
		}
		s.own.take(*r, keepAll, "", s.now())
		s.own.public.Store(&r.Public)
	}
	s.changed.Store(true)
}
