package auth

import (
	"fmt"
	"testing"
)

// A reload makes new verifiers. The password that the hash has matched must not wait again.
func TestAVerifiedPasswordIsRememberedAsLongAsItsHashIsTheSame(t *testing.T) {
	hash := bcryptHash(t, "right")
	newOne := func(hash string) *Verifier { return newTestLogin(t, &Credential{Password: hash}) }
	if !accepts(newOne(hash), "source", "right") {
		t.Fatal("the right password is refused")
	}
	changed := bcryptHash(t, "right")
	occupy(t, operatorQueue)
	known := func(v *Verifier, user, password string) bool {
		l := login{user: user, password: password}
		return v.isKnown(&l)
	}
	for name, c := range map[string]struct {
		hash, user, password string
		want                 bool
	}{
		"the same":         {hash, "source", "right", true},
		"another hash":     {changed, "source", "right", false},
		"another password": {hash, "source", "wrong", false},
		"another user":     {hash, "admin", "right", false},
	} {
		if got := known(newOne(c.hash), c.user, c.password); got != c.want {
			t.Errorf("%s: known is %t; want %t", name, got, c.want)
		}
	}
	if !accepts(newOne(hash), "source", "right") {
		t.Error("after a reload the right password waits for its turn")
	}
}

func TestTheMemoryIsBoundedAndForgetsTheOldest(t *testing.T) {
	m := newMemory(3)
	for i := range 4 {
		m.learn("hash", fmt.Sprint(i))
		m.has("hash", "0") // used, so that it stays
	}
	for i, want := range []bool{true, false, true, true} {
		if got := m.has("hash", fmt.Sprint(i)); got != want {
			t.Errorf("%d: known is %t; want %t", i, got, want)
		}
	}
	if m.known.Len() != 3 {
		t.Errorf("%d are known", m.known.Len())
	}
}

func TestTheDigestTellsAHashFromItsPassword(t *testing.T) {
	m, other := newMemory(1), newMemory(1)
	if m.digest("ab", "c") == m.digest("a", "bc") {
		t.Error("two pairs have one digest")
	}
	if m.digest("a", "b") == other.digest("a", "b") {
		t.Error("two memories have one key")
	}
}
