package cluster

import (
	"crypto/ed25519"
	"strings"
	"testing"
	"time"
)

func TestATokenIsForOneNodeAndOneMount(t *testing.T) {
	from, other := NewIdentity(), NewIdentity()
	key := func(id string) ed25519.PublicKey {
		if id == from.ID {
			return from.public()
		}
		return nil
	}
	good := from.Token("/live.mp3", "here", noon)
	parts := strings.Split(good, ".")
	for _, c := range []struct {
		name, token, mount, self string
		after                    time.Duration
		want                     bool
	}{
		{"good", good, "/live.mp3", "here", 0, true},
		{"a minute later, and clocks that differ", good, "/live.mp3", "here", tokenTime + clockSkew, true},
		{"too old", good, "/live.mp3", "here", tokenTime + clockSkew + time.Second, false},
		{"before its time", good, "/live.mp3", "here", -clockSkew - time.Second, false},
		{"another mount", good, "/paid.mp3", "here", 0, false},
		{"another node", good, "/live.mp3", "there", 0, false},
		{"of an unknown node", other.Token("/live.mp3", "here", noon), "/live.mp3", "here", 0, false},
		{"of another one's key", from.ID + "." + strings.SplitN(other.Token("/live.mp3", "here", noon), ".", 2)[1], "/live.mp3", "here", 0, false},
		{"without a signature", strings.Join(parts[:3], ".") + ".", "/live.mp3", "here", 0, false},
		{"with a later end", parts[0] + "." + parts[1] + ".9" + parts[2][1:] + "." + parts[3], "/live.mp3", "here", 0, false},
		{"empty", "", "/live.mp3", "here", 0, false},
		{"dots", "...", "/live.mp3", "here", 0, false},
		{"long", strings.Repeat("x", maxToken+1), "/live.mp3", "here", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			node, err := checkToken(c.token, c.mount, c.self, noon.Add(c.after), key)
			if (err == nil) != c.want || c.want && node != from.ID {
				t.Errorf("it is from %q, %v", node, err)
			}
		})
	}
}

func FuzzToken(f *testing.F) {
	i := NewIdentity()
	f.Add(i.Token("/live.mp3", "here", noon))
	f.Add("a.b.c.d")
	f.Fuzz(func(t *testing.T, token string) {
		key := func(string) ed25519.PublicKey { return i.public() }
		if _, err := checkToken(token, "/other.mp3", "here", noon, key); err == nil {
			t.Errorf("%q is taken", token)
		}
	})
}
