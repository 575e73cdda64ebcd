package setting

import (
	"fmt"
	"net/url"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// CheckRange refuses a value that is less than zero or more than most.
func CheckRange[T int | caddy.Duration](name string, v, most T) error {
	came, limit := any(v), any(most)
	if t, ok := came.(caddy.Duration); ok {
		came, limit = time.Duration(t), time.Duration(most)
	}
	switch {
	case v < 0:
		return fmt.Errorf("%s: %v is less than zero; leave it out for the default", name, came)
	case v > most:
		return fmt.Errorf("%s: %v is too much; write %v at most", name, came, limit)
	}
	return nil
}

// CheckHostname refuses what does not stand between the slashes of a URL.
func CheckHostname(host string) error {
	if host == "" {
		return nil
	}
	if u, err := url.Parse("http://" + host); err != nil || u.Host != host || u.Hostname() == "" {
		return fmt.Errorf("hostname %q: write a host, with a port if need be, such as radio.example.org or radio.example.org:8000", host)
	}
	return nil
}

// Value returns what p points to, zero if it is nil.
func Value[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}

// Is tells whether a switch is set, to that value.
func Is(b *bool, value bool) bool { return b != nil && *b == value }
