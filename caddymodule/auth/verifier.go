package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"
)

// Verifier compares users and passwords with one credential. A nil Verifier accepts nobody.
// All methods may be called from any goroutine.
type Verifier struct {
	User string

	// digest is that of the password: set at once for a plain one, and for a hash once a
	// password has matched it. Passwords that match it need not wait.
	digest atomic.Pointer[[sha256.Size]byte]

	hash    []byte             // nil: the password is plain
	compare caddyauth.Comparer // of the hash
}

// hashing bounds the comparisons with hashes at a time. Each takes up to a second of a
// processor, and clients that guess passwords must leave some to the streams.
var hashing = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))

// MaxHashingTime is the longest time that a login waits for its comparison.
const MaxHashingTime = 5 * time.Second

// NewVerifier makes the verifier of a credential; nil makes nil. name is the directive of the
// credential, for errors.
func NewVerifier(name, defaultUser string, c *Credential) (*Verifier, error) {
	if c == nil {
		return nil, nil
	}
	repl := caddy.NewReplacer()
	user, err := repl.ReplaceOrErr(c.User, true, true)
	if err != nil {
		return nil, fmt.Errorf("%s: user: %w", name, err)
	}
	password, err := repl.ReplaceOrErr(c.Password, true, true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if password == "" {
		return nil, fmt.Errorf("%s: empty password; expected one, or no %s", name, name)
	}
	if user == "" {
		user = defaultUser
	}
	if err := (&Credential{user, password}).check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	v := &Verifier{User: user}
	if v.compare, _ = comparer(password); v.compare == nil {
		v.learn(password)
		return v, nil
	}
	v.hash = []byte(password)
	return v, nil
}

// errBusy is the error of a comparison that has waited too long.
var errBusy = errors.New("too many logins at once, try again")

// anyAccepts reports whether a request has the user and the password of one of the
// verifiers. Known passwords are compared first, so that they do not wait behind guesses.
func anyAccepts(r *http.Request, verifiers ...*Verifier) (bool, error) {
	user, password, ok := r.BasicAuth()
	if !ok {
		return false, nil
	}
	for _, v := range verifiers {
		if v.matchesDigest(user, password) {
			return true, nil
		}
	}
	for _, v := range verifiers {
		if ok, err := v.matchesHash(r.Context(), user, password); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// Accepts reports whether this is the password, for protocols without a user. It may wait
// for MaxHashingTime.
func (v *Verifier) Accepts(ctx context.Context, password string) (bool, error) {
	if v == nil {
		return false, nil
	}
	if v.matchesDigest(v.User, password) {
		return true, nil
	}
	return v.matchesHash(ctx, v.User, password)
}

// matchesDigest reports whether these are the user and the password, as far as the digest is
// set. The time it takes reveals nothing of how much of them was right.
func (v *Verifier) matchesDigest(user, password string) bool {
	if v == nil {
		return false
	}
	good := v.digest.Load()
	if good == nil {
		return false
	}
	digest := sha256.Sum256([]byte(password))
	return v.isUser(user)&subtle.ConstantTimeCompare(digest[:], good[:]) == 1
}

func (v *Verifier) isUser(user string) int {
	return subtle.ConstantTimeCompare([]byte(user), []byte(v.User))
}

// matchesHash compares a password with the hash, after waiting for a free place. It does so
// for any user: a quick refusal would reveal that the user is wrong.
func (v *Verifier) matchesHash(ctx context.Context, user, password string) (bool, error) {
	if v == nil || v.hash == nil {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, MaxHashingTime)
	defer cancel()
	select {
	case hashing <- struct{}{}:
		defer func() { <-hashing }()
	case <-ctx.Done():
		return false, errBusy
	}
	if ok, err := v.compare.Compare(v.hash, []byte(password)); !ok || err != nil || v.isUser(user) != 1 {
		return false, nil //nolint:nilerr // an error is that of the hash, which has been checked
	}
	v.learn(password)
	return true, nil
}

// learn sets the digest.
func (v *Verifier) learn(password string) {
	digest := sha256.Sum256([]byte(password))
	v.digest.Store(&digest)
}
