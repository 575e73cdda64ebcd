package relay

// hasDemand reports whether the mount is to be pulled now.
func (r *relay) hasDemand() bool {
	return !r.settings.Load().OnDemand || r.manager.station.HasDemand(r.mount)
}

// waitForDemand waits for a listener, or for another configuration.
func (r *relay) waitForDemand() {
	r.change(change{trigger: demandEnded})
	r.closeBetter()
	select {
	case <-r.demand: // of listeners that have left
	default:
	}
	if r.hasDemand() {
		return // the demand just discarded may have been that of a new listener
	}
	select {
	case <-r.demand:
	case <-r.retries:
	case <-r.ctx.Done():
	}
}

// startOnDemand notes that a listener asks for the mount. It takes no lock.
func (r *relay) startOnDemand() {
	select {
	case r.demand <- struct{}{}:
	default:
	}
}
