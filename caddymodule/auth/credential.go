package auth

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"
	"golang.org/x/crypto/bcrypt"
)

// Credential is a user and a password.
type Credential struct {
	// The user name. The default depends on the purpose of the credential.
	User string `json:"user,omitempty"`

	// The password, plain or as a hash made by `caddy hash-password` (bcrypt
	// or argon2id). Placeholders such as {env.NAME} and {file.PATH} are
	// replaced when the configuration is loaded.
	Password string `json:"password,omitempty"`
}

// check refuses a credential that no client could log in with.
func (c *Credential) check() error {
	if strings.Contains(c.User, ":") && !strings.Contains(c.User, "{") { // not a placeholder
		return fmt.Errorf("invalid user %q; expected a name without a colon", c.User)
	}
	_, err := comparer(c.Password)
	return err
}

// argon2idShape is the form of the hashes that are accepted. Caddy accepts others too, but
// comparing with one whose cost is zero panics, with one whose cost is absurd takes all
// memory, and with one whose key was cut off may accept any password.
var argon2idShape = regexp.MustCompile(`^\$argon2id\$v=19\$m=[1-9]\d{0,6},t=[1-9]\d{0,2},p=[1-9]\d{0,2}\$[^$]+\$[^$]{22,}$`)

// comparer returns what compares passwords with a hash, nil for a plain password.
func comparer(password string) (caddyauth.Comparer, error) {
	switch {
	case strings.HasPrefix(password, "$argon2id$"):
		if _, _, err := caddyauth.DecodeHash([]byte(password)); err != nil || !argon2idShape.MatchString(password) {
			return nil, errors.New("invalid argon2id hash; expected one of caddy hash-password")
		}
		return caddyauth.Argon2idHash{}, nil
	case strings.HasPrefix(password, "$2a$"), strings.HasPrefix(password, "$2b$"), strings.HasPrefix(password, "$2y$"):
		if _, err := bcrypt.Cost([]byte(password)); err != nil {
			return nil, errors.New("invalid bcrypt hash; expected one of caddy hash-password")
		}
		return caddyauth.BcryptHash{}, nil
	}
	return nil, nil
}

// ParseCredential parses a password, with a user before it if there are two values.
func ParseCredential(d *caddyfile.Dispenser, dst **Credential) func() error {
	return func() error {
		directive := d.Val()
		c := new(Credential)
		switch args := d.RemainingArgs(); len(args) {
		case 0: // as an unset variable leaves it
		case 1:
			c.Password = args[0]
		case 2:
			c.User, c.Password = args[0], args[1]
		default:
			return d.Errf("%s: %d values; expected [<user>] <password>", directive, len(args))
		}
		if c.Password == "" {
			return d.Errf("%s: empty password; expected [<user>] <password> (is its environment variable set?)", directive)
		}
		if err := c.check(); err != nil {
			return d.WrapErr(fmt.Errorf("%s: %w", directive, err))
		}
		*dst = c
		return nil
	}
}
