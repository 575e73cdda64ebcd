package auth

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
)

func TestAPageTokenIsValidForItsCredentialAndATime(t *testing.T) {
	verifier := func(user, password string) *Verifier {
		v, err := NewVerifier("admin_password", user, &Credential{Password: password})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	hash, other := bcryptHash(t, "letmein"), bcryptHash(t, "letmein")
	for name, c := range map[string]struct {
		made, checked *Verifier
		change        func(token string) string
		after         time.Duration
		want          bool
	}{
		"at once":                       {made: verifier("admin", "letmein"), checked: verifier("admin", "letmein"), want: true},
		"of a hash":                     {made: verifier("admin", hash), checked: verifier("admin", hash), want: true},
		"at the end of its time":        {made: verifier("admin", hash), checked: verifier("admin", hash), after: pageTokenTime - 2*time.Second, want: true},
		"after its time":                {made: verifier("admin", hash), checked: verifier("admin", hash), after: pageTokenTime},
		"after a change of the secret":  {made: verifier("admin", "letmein"), checked: verifier("admin", "changed")},
		"after a change of the hash":    {made: verifier("admin", hash), checked: verifier("admin", other)},
		"after a change of the user":    {made: verifier("admin", "letmein"), checked: verifier("root", "letmein")},
		"after the end of the password": {made: verifier("admin", "letmein")},
		"none":                          {made: verifier("admin", "x"), checked: verifier("admin", "x"), change: func(string) string { return "" }},
		"one that is too long":          {made: verifier("admin", "x"), checked: verifier("admin", "x"), change: func(s string) string { return s + "AAAA" }},
		"one that is cut":               {made: verifier("admin", "x"), checked: verifier("admin", "x"), change: func(s string) string { return s[:len(s)-1] }},
		"no base64":                     {made: verifier("admin", "x"), checked: verifier("admin", "x"), change: func(s string) string { return strings.Repeat("=", len(s)) }},
		"another time":                  {made: verifier("admin", "x"), checked: verifier("admin", "x"), change: func(s string) string { return "B" + s[1:] }},
		"another MAC":                   {made: verifier("admin", "x"), checked: verifier("admin", "x"), change: func(s string) string { return s[:40] + flip(s[40]) + s[41:] }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				token := c.made.NewPageToken()
				if c.change != nil {
					token = c.change(token)
				}
				eventually.Advance(c.after)
				if got := c.checked.IsPageToken(token); got != c.want {
					t.Errorf("%q is valid: %t; want %t", token, got, c.want)
				}
			})
		})
	}
}

// flip returns another character of base64.
func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

func TestEachPageTokenIsAnother(t *testing.T) {
	v, err := NewVerifier("admin_password", "admin", &Credential{Password: "letmein"})
	if err != nil {
		t.Fatal(err)
	}
	if one, two := v.NewPageToken(), v.NewPageToken(); one == two || !v.IsPageToken(one) || !v.IsPageToken(two) {
		t.Errorf("%q and %q; want two valid ones", one, two)
	}
}
