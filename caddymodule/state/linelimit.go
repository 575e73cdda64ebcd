package state

import (
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"

	"github.com/caddycast/caddycast/streaming/audience"
)

const (
	// lineBurst lines of one message and one address are logged at once, and one more in each
	// lineInterval. Programs that deny addresses count to about five.
	lineBurst    = 10
	lineInterval = 10 * time.Second

	// maxLimited bounds the addresses and messages that are remembered.
	maxLimited = 8 << 10
)

// lineLimit bounds the log lines that one address (for IPv6, one /64) can cause. The zero value
// is ready. It may be used from any goroutine.
type lineLimit struct {
	mu      sync.Mutex
	budgets *lru.LRU[lineKey, *lineBudget]
}

type lineKey struct {
	address netip.Addr
	message string
}

type lineBudget struct {
	*rate.Limiter
	suppressed int // lines since the last one that was logged
}

// allow reports whether a line may be logged, and how many have been suppressed before it.
func (l *lineLimit) allow(address netip.Addr, message string) (suppressed int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.budgets == nil {
		l.budgets, _ = lru.NewLRU[lineKey, *lineBudget](maxLimited, nil) // fails only for a size below one
	}
	key := lineKey{audience.Household(address), message}
	b, known := l.budgets.Get(key)
	if !known {
		b = &lineBudget{Limiter: rate.NewLimiter(rate.Every(lineInterval), lineBurst)}
		l.budgets.Add(key, b)
	}
	if !b.Allow() {
		b.suppressed++
		return 0, false
	}
	suppressed, b.suppressed = b.suppressed, 0
	return suppressed, true
}
