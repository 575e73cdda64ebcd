package logging

import (
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

func TestAddressesAreHashedWithAKey(t *testing.T) {
	t.Setenv("LOG_SECRET", "one")
	one, two := &HashFilter{Secret: "{env.LOG_SECRET}"}, &HashFilter{Secret: "two"}
	for _, f := range []*HashFilter{one, two} {
		if err := f.Provision(caddy.Context{}); err != nil {
			t.Fatal(err)
		}
	}
	hash := func(f *HashFilter, ip string) string { return f.Filter(zap.String("client_ip", ip)).String }
	a := hash(one, "192.0.2.7")
	if len(a) != 2*hashSize || strings.Contains(a, "192") || a != hash(&HashFilter{Secret: "one"}, "192.0.2.7") {
		t.Errorf("it is %q", a)
	}
	if a == hash(one, "192.0.2.8") || a == hash(two, "192.0.2.7") || hash(one, "") != "" {
		t.Error("another address, another secret or no address has the same hash")
	}
	in := zap.Array("X-Forwarded-For", caddyhttp.LoggableStringArray{"192.0.2.7", "192.0.2.8"})
	if got := one.Filter(in).Interface.(caddyhttp.LoggableStringArray); !slices.Equal(got, caddyhttp.LoggableStringArray{a, hash(one, "192.0.2.8")}) {
		t.Errorf("several values become %q", got)
	}
}

func TestAHashNeedsASecret(t *testing.T) {
	for secret, want := range map[string]string{
		"":                     "icecast_hash: missing secret; expected a text that nobody can guess",
		"{env.SURELY_UNSET}":   "icecast_hash: secret: evaluated placeholder {env.SURELY_UNSET} is empty",
		"{surely.no.variable}": "icecast_hash: secret: unrecognized placeholder {surely.no.variable}",
	} {
		if err := (&HashFilter{Secret: secret}).Provision(caddy.Context{}); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", secret, err, want)
		}
	}
}
