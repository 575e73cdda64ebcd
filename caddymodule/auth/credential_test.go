package auth

import (
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// TestTheKindOfAHash has hashes that would cost a panic, or the secrecy of a
// mount, when somebody logs in.
func TestTheKindOfAHash(t *testing.T) {
	const salt, key = "P2nzckEdTZ3bxCiBCkRTyA", "xQL3Z32eo5jKl7u5tcIsnEKObYiyNZQQf5/4sAau6Pg"
	const noArgon2id = "invalid argon2id hash; expected one of caddy hash-password"
	const noBcrypt = "invalid bcrypt hash; expected one of caddy hash-password"
	for _, tt := range []struct{ password, want, err string }{
		{"hackme", "", ""},
		{"$ecret", "", ""},
		{"$2", "", ""},
		{"$argon2", "", ""},
		{bcryptHash(t, "hackme"), "bcrypt", ""},
		{"$2a$10$tooshort", "", noBcrypt},
		{"$2b$", "", noBcrypt},
		{"$2y$99$S3Bkkz7Rd0zTkPB9BKYpAOa1Mkzl5FGGD3HM6lHZEQBSXvSLz9Q8u", "", noBcrypt},
		{"$argon2id$v=19$m=47104,t=1,p=1$" + salt + "$" + key, "argon2id", ""},
		{argon2idHash("hackme"), "argon2id", ""},
		{"$argon2id$v=19$m=47104,t=0,p=1$" + salt + "$" + key, "", noArgon2id},
		{"$argon2id$v=19$m=4294967295,t=1,p=1$" + salt + "$" + key, "", noArgon2id},
		{"$argon2id$v=19$m=47104,t=1,p=0$" + salt + "$" + key, "", noArgon2id},
		{"$argon2id$v=19$m=47104,t=1,p=256$" + salt + "$" + key, "", noArgon2id},
		{"$argon2id$v=16$m=47104,t=1,p=1$" + salt + "$" + key, "", noArgon2id},
		{"$argon2id$v=19$m=47104,t=1,p=1$" + salt + "$", "", noArgon2id},
		{"$argon2id$v=19$m=47104,t=1,p=1$" + salt, "", noArgon2id},
		{"$argon2id$v=19$m=47104,t=1,p=1$" + salt + "$" + key[:8], "", noArgon2id},
		{"$argon2id$", "", noArgon2id},
	} {
		compare, err := comparer(tt.password)
		got := ""
		if m, ok := compare.(caddy.Module); ok {
			got = m.CaddyModule().ID.Name()
		}
		if got != tt.want {
			t.Errorf("%q: %q; want %q", tt.password, got, tt.want)
		}
		if got := errorText(err); got != tt.err {
			t.Errorf("%q: error %q; want %q", tt.password, got, tt.err)
		}
	}
}
