package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/netip"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"

	"github.com/caddycast/caddycast/caddymodule/request"
)

// The kinds of credentials.
const (
	KindStation = "station" // source_password of the station
	KindMount   = "mount"   // source_password of a mount
	KindPort    = "port"    // of SHOUTcast v1 sources on a port
	KindRelay   = "relay"
	KindAdmin   = "admin"
	KindModule  = "module" // users of an auth module
)

// Verifier compares users and passwords with one credential. A nil Verifier accepts nobody.
// All methods may be called from any goroutine.
type Verifier struct {
	User string

	// Kind names the credential in the log: one of those below.
	Kind string

	plain   *[sha256.Size]byte // digest of a plain password; nil: there is a hash
	hash    string
	compare caddyauth.Comparer // of the hash
}

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
		plain := sha256.Sum256([]byte(password))
		v.plain = &plain
		return v, nil
	}
	v.hash = password
	return v, nil
}

// login is what a client logs in with.
type login struct {
	user, password string
	anyUser        bool // for protocols without a user
	from           netip.Addr
	queue          *queue // of passwords that must be compared with a hash
}

// loginOf returns the login of a request. It reports false if there is none.
func loginOf(r *request.Facts, q *queue) (login, bool) {
	user, password, ok := r.BasicAuth()
	return login{user: user, password: password, from: r.Addr, queue: q}, ok
}

// verify returns the verifier that accepts a login, nil if none does. Known passwords are
// compared first, so that they do not wait behind guesses.
func (l *login) verify(ctx context.Context, verifiers ...*Verifier) (accepting *Verifier, err error) {
	var slow []*Verifier
	for _, v := range verifiers {
		switch {
		case v == nil:
		case v.isKnown(l):
			return v, nil
		case v.plain == nil:
			slow = append(slow, v)
		}
	}
	if slow == nil {
		return nil, nil
	}
	_, err = l.queue.compare(ctx, l.from, func() bool {
		for _, v := range slow {
			if v.isKnown(l) || v.matchesHash(l) { // known: another request was first
				accepting = v
				return true
			}
		}
		return false
	})
	return accepting, err
}

// Verify returns the first of some verifiers whose password this is, nil if there is none, for
// protocols without a user. It may wait for MaxHashingTime. The error is that of a comparison
// that has waited too long.
func Verify(ctx context.Context, from netip.Addr, password string, verifiers ...*Verifier) (*Verifier, error) {
	l := login{password: password, anyUser: true, from: from, queue: operatorQueue}
	return l.verify(ctx, verifiers...)
}

// isKnown reports whether a login is the plain password, or one that has matched the hash
// before. The time it takes reveals nothing of how much of it was right.
func (v *Verifier) isKnown(l *login) bool {
	matches := 0
	if v.plain != nil {
		digest := sha256.Sum256([]byte(l.password))
		matches = subtle.ConstantTimeCompare(digest[:], v.plain[:])
	} else if operatorMemory.has(v.hash, l.password) {
		matches = 1
	}
	return v.isUser(l)&matches == 1
}

func (v *Verifier) isUser(l *login) int {
	if l.anyUser {
		return 1
	}
	return subtle.ConstantTimeCompare([]byte(l.user), []byte(v.User))
}

// matchesHash compares a password with the hash. It does so for any user: a quick refusal would
// reveal that the user is wrong.
func (v *Verifier) matchesHash(l *login) bool {
	if ok, err := v.compare.Compare([]byte(v.hash), []byte(l.password)); !ok || err != nil || v.isUser(l) != 1 {
		return false
	}
	operatorMemory.learn(v.hash, l.password)
	return true
}
