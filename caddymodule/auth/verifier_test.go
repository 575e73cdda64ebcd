package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
)

// bcryptHash makes a hash as cheaply as that can be done.
func bcryptHash(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

func argon2idHash(password string) string {
	salt := []byte("0123456789abcdef")
	key := argon2.IDKey([]byte(password), salt, 1, 64, 1, 32)
	enc := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=19$m=64,t=1,p=1$%s$%s", enc(salt), enc(key))
}

func newTestLogin(t *testing.T, c *Credential) *Verifier {
	t.Helper()
	l, err := NewVerifier("source_password", "source", c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAccepts(t *testing.T) {
	t.Setenv("PASSWORD", "hackme")
	t.Setenv("HASH", bcryptHash(t, "hackme"))
	for name, password := range map[string]string{
		"plain":                  "hackme",
		"plain from a variable":  "{env.PASSWORD}",
		"bcrypt":                 bcryptHash(t, "hackme"),
		"bcrypt from a variable": "{env.HASH}",
		"argon2id":               argon2idHash("hackme"),
	} {
		t.Run(name, func(t *testing.T) {
			for _, user := range []struct{ set, is string }{{"", "source"}, {"dj", "dj"}} {
				l := newTestLogin(t, &Credential{User: user.set, Password: password})
				if l.User != user.is {
					t.Errorf("the user is %q; want %q", l.User, user.is)
				}
				for _, tt := range []struct {
					user, password string
					want           bool
				}{
					{user.is, "hackme", true},
					{user.is, "hackme", true}, // from the cache, if there is one
					{user.is, "Hackme", false},
					{user.is, "hackme ", false},
					{user.is, "", false},
					{user.is, password, password == "hackme"}, // the hash itself is no password
					{"admin", "hackme", false},
					{"", "hackme", false},
					{"", "", false},
					{user.is + "x", "hackme", false},
				} {
					if got := accepts(l, tt.user, tt.password); got != tt.want {
						t.Errorf("%q with %q: %t; want %t", tt.user, tt.password, got, tt.want)
					}
				}
			}
		})
	}
}

func TestNoCredentialLetsNobodyIn(t *testing.T) {
	l := newTestLogin(t, nil)
	if l != nil {
		t.Fatalf("no credential made a login of %q", l.User)
	}
	if accepts(l, "", "") || accepts(l, "source", "") || accepts(l, "source", "hackme") {
		t.Error("a nil login accepts somebody")
	}
}

func TestAllowsOnlyBasicAuth(t *testing.T) {
	l := newTestLogin(t, &Credential{Password: "hack:me"})
	for _, tt := range []struct {
		header string
		want   bool
	}{
		{"Basic " + base64.StdEncoding.EncodeToString([]byte("source:hack:me")), true},
		{"basic " + base64.StdEncoding.EncodeToString([]byte("source:hack:me")), true},
		{"Basic " + base64.StdEncoding.EncodeToString([]byte("source")), false},
		{"Basic source:hack:me", false},
		{"Bearer hack:me", false},
		{"", false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		if tt.header != "" {
			r.Header.Set("Authorization", tt.header)
		}
		if got := Authorize(request.New(r), l) == nil; got != tt.want {
			t.Errorf("%q: %t; want %t", tt.header, got, tt.want)
		}
	}
}

func TestHashesAreComparedByManyAtOnce(t *testing.T) {
	l := newTestLogin(t, &Credential{Password: bcryptHash(t, "hackme")})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			right := i%2 == 0
			password := map[bool]string{true: "hackme", false: "wrong"}[right]
			if got := accepts(l, "source", password); got != right {
				t.Errorf("%s: %t", password, got)
			}
		})
	}
	wg.Wait()
}

// accepts asks a login as a request does.
func accepts(l *Verifier, user, password string) bool {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth(user, password)
	return Authorize(request.New(r), l) == nil
}

// A source whose password was right once must not wait behind those who guess
// the administrator's, and a login that must wait is not answered as a wrong one.
func TestARememberedLoginDoesNotWaitAndAnUnknownOneIsToldToComeAgain(t *testing.T) {
	newOne := func() *Verifier { // each with a hash of its own
		l, err := NewVerifier("source_password", "source", &Credential{Password: bcryptHash(t, "right")})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	known, unknown := newOne(), newOne()
	if !accepts(known, "source", "right") {
		t.Fatal("the right password is refused")
	}
	occupy(t, operatorQueue)
	impatient, cancel := context.WithCancel(context.Background())
	cancel()
	ask := func(logins ...*Verifier) error {
		r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(impatient)
		r.SetBasicAuth("source", "right")
		return Authorize(request.New(r), logins...)
	}
	if err := ask(unknown, known); err != nil {
		t.Errorf("the remembered password is refused: %v", err)
	}
	var refusal *response.Refusal
	if err := ask(unknown); !errors.As(err, &refusal) || refusal.Status != http.StatusServiceUnavailable {
		t.Errorf("the other is answered %v", err)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
