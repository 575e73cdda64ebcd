package streaming

import (
	"time"

	"github.com/caddycast/caddycast/streaming/blocklog"
	"github.com/caddycast/caddycast/streaming/format"
)

const (
	// takeoverTime is how long a source that is being replaced has to end.
	takeoverTime = 2 * time.Second

	// endingTime is how long a new source waits for one that it may not replace. An encoder
	// that reconnects may be here before the end of its old connection is noticed. A relay does not
	// wait: what it has got meanwhile would be heard after the encoder.
	endingTime = 200 * time.Millisecond
)

// NewSource gives the mount at a path to a source. s has the fields that are set once. stop
// must make Run's reading end, and may be called from any goroutine. The mount must be
// given back by Source.End.
func (st *Station) NewSource(path string, s *Source, info Info, stop func()) error {
	s.info, s.stop = info, stop
	if s.Since.IsZero() {
		s.Since = time.Now()
	}
	if st.claim != nil && s.Upstream == "" && path[0] == '/' {
		if err := st.claim(path, s); err != nil {
			return err
		}
	}
	began := time.Now()
	s.halt, s.ended = make(chan struct{}), make(chan struct{})
	for {
		busy, err := st.tryNewSource(path, s)
		if busy == nil {
			if err != nil || s.Mount().isInternal() {
				return err
			}
			for _, sourced := range st.sourced {
				sourced(s)
			}
			return nil
		}
		if err != nil && s.Upstream != "" {
			return err
		}
		wait := endingTime
		if err == nil {
			wait = takeoverTime
			busy.Stop(Replaced)
		}
		select {
		case <-busy.ended:
		case <-time.After(wait - time.Since(began)):
			return ErrMountInUse
		}
	}
}

// tryNewSource takes the mount, or returns the source that must end first. With ErrMountInUse
// that is one that s may not replace.
func (st *Station) tryNewSource(path string, s *Source) (busy *Source, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closedAt.Load() != nil || st.handover.Load() != nil {
		return nil, ErrClosed
	}
	m := st.mounts[path]
	if m != nil && m.source != nil {
		if s.mayReplace(m.source) {
			return m.source, nil
		}
		return m.source, ErrMountInUse
	}
	internal := path[0] != '/'
	if limit := st.settings.Load().MaxSources; limit > 0 && st.external >= limit && !internal {
		return nil, ErrTooManySources
	}
	if m == nil {
		m = newMount(st, path)
		st.mounts[path] = m
	}
	if m.linger != nil {
		m.linger.Stop()
		m.linger = nil
	}
	m.keepTitle()
	if s.Upstream != "" && m.ending.IsDistinct() {
		s.resumption = blocklog.NewResumption(m.ending)
	} else {
		if !m.handedOver {
			m.meta.Store(blocklog.NoMetadata)
		}
		m.log.Cut(m.meta.Load())
		m.ending = blocklog.Ending{}
	}
	m.source, m.announced = s, false
	m.holdTitles(true)
	first := m.log.Tail()
	s.from = first.End()
	s.first.Store(first)
	st.countByName(m)
	m.sources.Add(1)
	st.startCounting(m)
	s.mount.Store(m)
	if s.onDemand.Load() { // looked at after mount is set: see SetOnDemand
		st.onDemand.Store(true)
	}
	st.sources[s] = struct{}{}
	if !internal {
		st.external++
	}
	if s.Upstream != "" {
		st.totals.relays.Add(1)
	} else if !internal {
		st.totals.sources.Add(1)
	}
	st.sourceCount.Add(1)
	return nil, nil
}

// announce sets what a source sends. Listeners that were promised another type by the
// source before hear a fallback, or are disconnected.
func (st *Station) announce(s *Source, contentType string, p promise) {
	st.mu.Lock()
	defer st.mu.Unlock()
	m := s.Mount()
	m.setStream(&Stream{Type: contentType, Info: s.info, Since: s.Since, promise: p})
	m.announced, m.liveSince = true, time.Now()
	st.follow(m.Path)
}

// endSource takes the mount back from its source. Its listeners wait for the next one as
// long as the mount lingers.
func (st *Station) endSource(s *Source) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.sources, s)
	st.sourceCount.Add(-1)
	m := s.Mount()
	if n, ok := s.framer.(format.Numberer); ok && n.Samples() > 0 {
		m.samples = n.Samples()
	}
	if !m.isInternal() {
		st.external--
	}
	m.source, m.announced = nil, false
	m.holdTitles(false)
	s.to = m.log.Tail().End()
	if s.Upstream == "" {
		m.log.Cut(m.meta.Load())
	} else {
		m.log.Seal() // the relay may continue here
	}
	linger := m.Settings().Linger
	if s.Upstream != "" {
		linger = m.Settings().RelayLinger
	}
	m.handedOver = s.Reason() == Replaced
	if m.handedOver {
		linger = max(linger, takeoverTime) // the other one is waiting
	}
	linger = max(linger, s.linger)
	if r := s.Reason(); st.closedAt.Load() != nil || r == Removed || r == ShuttingDown || m.stream == nil {
		linger = 0
	}
	if linger > 0 {
		m.lingers++
		wait := m.lingers
		m.linger = time.AfterFunc(linger, func() { st.abandon(m, wait) })
	} else {
		m.setStream(nil)
	}
	st.follow(m.Path)
}

// abandon ends the wait for a source that did not come back.
func (st *Station) abandon(m *Mount, wait int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if m.source == nil && m.lingers == wait {
		m.linger = nil
		m.setStream(nil)
		st.follow(m.Path)
	}
}
