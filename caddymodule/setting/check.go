package setting

import (
	"fmt"
	"net/url"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// CheckRange refuses a value that is negative or more than most.
func CheckRange[T int | caddy.Duration](name string, v, most T) error {
	came, limit := any(v), any(most)
	if t, ok := came.(caddy.Duration); ok {
		came, limit = time.Duration(t), time.Duration(most)
	}
	switch {
	case v < 0:
		return fmt.Errorf("%s: negative value %v; expected 0 or more", name, came)
	case v > most:
		return fmt.Errorf("%s: value %v out of range; expected at most %v", name, came, limit)
	}
	return nil
}

// CheckHostname refuses a text that cannot be the host of a URL.
func CheckHostname(host string) error {
	if host == "" {
		return nil
	}
	if u, err := url.Parse("http://" + host); err != nil || u.Host != host || u.Hostname() == "" {
		return fmt.Errorf("hostname: invalid value %q; expected a host and perhaps a port, such as radio.example.org or radio.example.org:8000", host)
	}
	return nil
}

// Value returns the value that p points to, zero for nil.
func Value[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}

// Is reports whether a flag is set to a value.
func Is(b *bool, value bool) bool { return b != nil && *b == value }
