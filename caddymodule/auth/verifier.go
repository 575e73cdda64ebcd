package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"
	"golang.org/x/crypto/bcrypt"
)

// Credential is a user and what that user must know.
type Credential struct {
	// The user name. The default depends on what the credential is for.
	User string `json:"user,omitempty"`

	// The password, plain or as a hash made by `caddy hash-password` (bcrypt
	// or argon2id). Placeholders such as {env.NAME} and {file.PATH} are
	// replaced when the configuration is loaded.
	Password string `json:"password,omitempty"`
}

// Verifier is one user who may do something. A nil login lets nobody in.
type Verifier struct {
	User   string
	digest atomic.Pointer[[sha256.Size]byte] // of the password, once it is known
	hashed *caddyauth.HTTPBasicAuth          // compares, if the password is a hash
}

// hashing admits those who compare a password with a hash. That takes a second
// of a processor, and whoever guesses passwords must leave some to the streams.
var hashing = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))

// MaxHashingTime is how long a login waits for its turn.
const MaxHashingTime = 5 * time.Second

// NewVerifier makes the login of a credential; a nil credential makes a nil login.
func NewVerifier(ctx caddy.Context, name, defaultUser string, c *Credential) (*Verifier, error) {
	if c == nil {
		return nil, nil
	}
	repl := caddy.NewReplacer()
	user, err := repl.ReplaceOrErr(c.User, true, true)
	if err != nil {
		return nil, fmt.Errorf("%s: the user: %w", name, err)
	}
	password, err := repl.ReplaceOrErr(c.Password, true, true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if password == "" {
		return nil, fmt.Errorf("%s: the password is empty; write one, or leave %s out", name, name)
	}
	if user == "" {
		user = defaultUser
	}
	if err := (&Credential{user, password}).check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	l := &Verifier{User: user}
	algorithm, _ := hashAlgorithm(password)
	if algorithm == "" {
		digest := sha256.Sum256([]byte(password))
		l.digest.Store(&digest)
		return l, nil
	}
	raw, err := json.Marshal(map[string]string{"algorithm": algorithm})
	if err != nil {
		return nil, err
	}
	l.hashed = &caddyauth.HTTPBasicAuth{
		HashRaw:     raw,
		AccountList: []caddyauth.Account{{Username: user, Password: password}},
		HashCache:   new(caddyauth.Cache),
	}
	if err := l.hashed.Provision(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l, nil
}

// check refuses what nobody could log in with.
func (c *Credential) check() error {
	if strings.Contains(c.User, ":") && !strings.Contains(c.User, "{") { // not a placeholder
		return fmt.Errorf("the user %q has a colon, which ends a user name; write one without", c.User)
	}
	_, err := hashAlgorithm(c.Password)
	return err
}

// argon2idShape is how hashes of that kind look. Caddy reads others too, but
// comparing with one whose cost is zero panics, with one whose cost is absurd
// takes all memory, and with one whose key was cut off may accept any password.
var argon2idShape = regexp.MustCompile(`^\$argon2id\$v=19\$m=[1-9]\d{0,6},t=[1-9]\d{0,2},p=[1-9]\d{0,2}\$[^$]+\$[^$]{22,}$`)

// hashAlgorithm returns the name of the algorithm that made a hash, or "" for a
// password that is plain.
func hashAlgorithm(password string) (string, error) {
	switch {
	case strings.HasPrefix(password, "$argon2id$"):
		if _, _, err := caddyauth.DecodeHash([]byte(password)); err != nil || !argon2idShape.MatchString(password) {
			return "", errors.New("it begins as an argon2id hash does but is none; make one with caddy hash-password")
		}
		return "argon2id", nil
	case strings.HasPrefix(password, "$2a$"), strings.HasPrefix(password, "$2b$"), strings.HasPrefix(password, "$2y$"):
		if _, err := bcrypt.Cost([]byte(password)); err != nil {
			return "", errors.New("it begins as a bcrypt hash does but is none; make one with caddy hash-password")
		}
		return "bcrypt", nil
	}
	return "", nil
}

// errBusy says that too many passwords wait to be compared with a hash.
var errBusy = errors.New("too many logins at once, try again")

// anyAccepts tells whether the request carries the user and the password of one
// of the logins. Those that are remembered are asked first, so that they need
// not wait behind those who guess.
func anyAccepts(r *http.Request, logins ...*Verifier) (bool, error) {
	user, password, ok := r.BasicAuth()
	if !ok {
		return false, nil
	}
	for _, l := range logins {
		if l.remembers(user, password) {
			return true, nil
		}
	}
	for _, l := range logins {
		if ok, err := l.matchesHash(r.Context(), user, password); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// Accepts tells whether this is the password, whoever gives it.
func (l *Verifier) Accepts(ctx context.Context, password string) (bool, error) {
	if l == nil {
		return false, nil
	}
	if l.remembers(l.User, password) {
		return true, nil
	}
	return l.matchesHash(ctx, l.User, password)
}

// remembers tells whether these are the user and the password, as far as the
// password is known. How long it takes tells nothing of how much of them was
// right.
func (l *Verifier) remembers(user, password string) bool {
	if l == nil {
		return false
	}
	right := l.digest.Load()
	if right == nil {
		return false
	}
	digest := sha256.Sum256([]byte(password))
	return l.isUser(user)&subtle.ConstantTimeCompare(digest[:], right[:]) == 1
}

func (l *Verifier) isUser(user string) int {
	return subtle.ConstantTimeCompare([]byte(user), []byte(l.User))
}

// matchesHash compares a password with the hash, when it is its turn. It does so
// for any user: who is refused at once would learn that the user is wrong.
func (l *Verifier) matchesHash(ctx context.Context, user, password string) (bool, error) {
	if l == nil || l.hashed == nil {
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
	// Always for our user: for one it does not know, Caddy computes a hash that
	// takes a second.
	req := &http.Request{Header: make(http.Header)}
	req.SetBasicAuth(l.User, password)
	_, ok, err := l.hashed.Authenticate(noAnswer{}, req)
	if !ok || err != nil || l.isUser(user) != 1 {
		return false, nil
	}
	digest := sha256.Sum256([]byte(password))
	l.digest.Store(&digest)
	return true, nil
}

// noAnswer is a response that nobody reads: Caddy's comparison would put its own
// challenge there.
type noAnswer struct{}

func (noAnswer) Header() http.Header         { return make(http.Header) }
func (noAnswer) Write(p []byte) (int, error) { return len(p), nil }
func (noAnswer) WriteHeader(int)             {}
