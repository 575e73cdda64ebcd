package state

import (
	"sync"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
)

// maxPolicies bounds the memory for paths, which any client can make up.
const maxPolicies = 10_000

// policies remembers the policies of mounts that are in use, so that each is resolved once per
// configuration.
type policies struct {
	resolve func(path string) *MountPolicy

	mu     sync.RWMutex
	byPath map[string]*MountPolicy
}

func (p *policies) get(path string) *MountPolicy {
	p.mu.RLock()
	policy := p.byPath[path]
	p.mu.RUnlock()
	if policy != nil {
		return policy
	}
	policy = p.resolve(path)
	if len(path) > mountpath.MaxLen { // no mount has it, and it may be as long as a request's head
		return policy
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.byPath[path]; known != nil {
		return known
	}
	if p.byPath == nil || len(p.byPath) >= maxPolicies {
		p.byPath = make(map[string]*MountPolicy)
	}
	p.byPath[path] = policy
	return policy
}
