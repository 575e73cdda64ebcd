package access

import (
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/internal/filewatch"
)

func TestWhoIsLetIn(t *testing.T) {
	for _, tt := range []struct {
		name        string
		deny, allow *Clients
		in, out     []string
	}{
		{name: "everybody", in: []string{"192.0.2.1", "2001:db8::1", "@"}},
		{
			name: "all but some", deny: &Clients{IPs: []string{"192.0.2.7", "198.51.100.0/24", "203.0.*.*", "2001:db8::/32"}},
			in:  []string{"192.0.2.6", "192.0.2.8", "198.51.101.0", "203.1.0.0", "2001:db9::", "@"},
			out: []string{"192.0.2.7", "::ffff:192.0.2.7", "198.51.100.255", "203.0.113.9", "2001:db8:1::1"},
		},
		{
			name: "some", allow: &Clients{IPs: []string{"192.0.2.0/24", "::1"}},
			in:  []string{"192.0.2.9", "::1"},
			out: []string{"192.0.3.1", "::2", "@"},
		},
		{
			name: "some of those that are denied", deny: &Clients{IPs: []string{"192.0.2.0/24", "198.51.100.1"}},
			allow: &Clients{IPs: []string{"192.0.2.7", "198.51.100.1", "198.51.100.0/24"}},
			in:    []string{"192.0.2.7", "198.51.100.2"},
			out:   []string{"192.0.2.8", "198.51.100.1", "203.0.113.1"},
		},
		{
			name: "what both name of IPv6, and zones", deny: &Clients{IPs: []string{"2001:db8::/32", "fe80::1%eth0", "::/0"}},
			allow: &Clients{IPs: []string{"2001:db8::/32", "2001:db8:1::/48", "fe80::/10"}},
			in:    []string{"2001:db8:1::7", "fe80::2%eth1"},
			out:   []string{"2001:db8:2::7", "fe80::1", "fe80::1%eth9", "2002::1", "192.0.2.1"},
		},
		{
			name: "networks that are mapped into IPv6", deny: &Clients{IPs: []string{"::ffff:192.0.2.0/120"}},
			in: []string{"192.0.3.1", "::ffff:192.0.3.1"}, out: []string{"192.0.2.1", "::ffff:192.0.2.1"},
		},
		{
			name: "nobody of IPv4", deny: &Clients{IPs: []string{"0.0.0.0/0"}},
			in: []string{"::1"}, out: []string{"192.0.2.1"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, err := New(tt.deny, tt.allow, zap.NewNop())
			if err != nil {
				t.Fatal(err)
			}
			for want, addresses := range map[bool][]string{true: tt.in, false: tt.out} {
				for _, a := range addresses {
					r := httptest.NewRequest("GET", "/", nil)
					if r.RemoteAddr = "[" + a + "]:1"; a == "@" {
						r.RemoteAddr = a
					}
					if err := list.CheckAddress(request.New(r).Addr); (err == nil) != want {
						t.Errorf("%s: %v; want that it is allowed: %t", a, err, want)
					}
				}
			}
		})
	}
}

func TestAgentsAreComparedByPatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		in, out []string
	}{
		{"curl/7.0", []string{"curl/7.0", "CURL/7.0"}, []string{"curl/7.01", "xcurl/7.0", ""}},
		{"bad*", []string{"bad", "BadBot/1.0"}, []string{"a bad one", "ba"}},
		{"*bot*", []string{"bot", "a Bot/2 (x)", "BadBot"}, []string{"bo t"}},
		{"a?c", []string{"abc", "a*c"}, []string{"ac", "abbc"}},
		{"*", []string{"", "x"}, nil},
		{"a*b*c", []string{"abc", "aXbXbXc"}, []string{"aXc", "abcX"}},
	} {
		var a agents
		a.add(tt.pattern)
		for want, all := range map[bool][]string{true: tt.in, false: tt.out} {
			for _, agent := range all {
				if got := a.match(agent); got != want {
					t.Errorf("%q by %q: %t", agent, tt.pattern, got)
				}
			}
		}
	}
	if deadline := time.Now().Add(10 * time.Second); matchStars(strings.Repeat("*a", 500), strings.Repeat("a", 400)) || time.Now().After(deadline) {
		t.Error("a pattern of many stars is not what it says, or takes for ever")
	}
}

func TestAFileThatCannotBeReadStaysWhatItWas(t *testing.T) {
	core, lines := observer.New(zap.WarnLevel)
	path := filepath.Join(t.TempDir(), "deny-ip")
	w := filewatch.New(path, zap.New(core), new(networks), networksReader(zap.New(core)))
	ip := netip.MustParseAddr("192.0.2.7")
	look := func() bool {
		_ = w.Refresh()
		return w.Get().find(ip) >= 0
	}
	if look() {
		t.Error("a file that is not there denies somebody")
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	write("# banned\r\n192.0.2.7 # for a reason\r\nnonsense\r\n\r\n")
	if !look() {
		t.Error("it is not read once it is there")
	}
	write(strings.Repeat("x", maxListLine+1))
	if !look() {
		t.Error("it is forgotten when it can't be read")
	}
	write("")
	if look() {
		t.Error("it is not read again")
	}
	if n := lines.FilterMessageSnippet("file unreadable").Len(); n != 2 {
		t.Errorf("the log says %d times that it can't be read, want twice", n)
	}
	if n := lines.FilterMessageSnippet("ignored").Len(); n != 1 {
		t.Errorf("the log says %d times that a line is nonsense, want once", n)
	}
}

func FuzzParseNetwork(f *testing.F) {
	for _, s := range []string{"192.0.2.7", "192.0.2.0/24", "192.0.*", "192.0.2.*", "::ffff:192.0.2.0/120", "2001:db8::/32", "*", "1.2.3.4.*", "fe80::1%eth0", "/", "0.0.0.0/0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseNetwork(text)
		if err != nil {
			return
		}
		n := new(networks)
		n.add(p)
		if got := n.find(p.Addr()); got != p.Bits() {
			t.Errorf("%q: %v is found as %d, want %d", text, p.Addr(), got, p.Bits())
		}
	})
}
