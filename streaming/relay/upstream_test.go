package relay

import (
	"net/url"
	"testing"
)

func TestWhoIsTrusted(t *testing.T) {
	for _, tt := range []struct {
		home, at string
		want     bool
	}{
		{"http://a.example/x", "https://a.example:8443/x", true},
		{"https://a.example/x", "https://A.example/y", true},
		{"https://a.example/x", "http://a.example/x", false},
		{"https://a.example/x", "https://b.a.example/x", false},
		{"https://a.example/x", "https://a.example.evil.example/x", false},
	} {
		home, _ := url.Parse(tt.home)
		at, _ := url.Parse(tt.at)
		if got := trusts(home, at); got != tt.want {
			t.Errorf("from %s to %s: %v", tt.home, tt.at, got)
		}
	}
}
