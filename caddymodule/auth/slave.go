package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/streaming/relay"
)

// SlaveLogin is the login of a slave with credentials of its own.
type SlaveLogin struct {
	*Verifier

	// Hosts are those of the URLs that the slave may report for listeners; none: any.
	Hosts []string
}

// credential returns what a slave with this login is registered by.
func (l *SlaveLogin) credential() relay.Credential {
	return relay.Credential{Name: l.User, Key: l.fingerprint(), Hosts: l.Hosts}
}

// fingerprint returns a text that differs if the user or the configured secret do.
func (v *Verifier) fingerprint() string {
	secret := v.hash
	if secret == nil {
		secret = v.digest.Load()[:] // of the plain password
	}
	sum := sha256.Sum256(append([]byte(v.User+":"), secret...))
	return hex.EncodeToString(sum[:])
}

// relayCredential returns that of the slaves without one of their own.
func (g *Gate) relayCredential() relay.Credential {
	return relay.Credential{Key: g.Relay.fingerprint()}
}

// Credentials returns the credentials with which slaves may be registered.
func (g *Gate) Credentials() []relay.Credential {
	var all []relay.Credential
	if g.Relay != nil {
		all = append(all, g.relayCredential())
	}
	for i := range g.Slaves {
		all = append(all, g.Slaves[i].credential())
	}
	return all
}

// IsSlave reports whether a request has the credentials of a slave. The error is a refusal: the
// password could not be compared in time.
func (g *Gate) IsSlave(r *http.Request) (bool, error) {
	c, err := g.slave(r)
	return c != nil, err
}

// slave returns the credential that a request has of a slave, nil if it has none.
func (g *Gate) slave(r *http.Request) (*relay.Credential, error) {
	switch ok, err := isLogin(r, g.Relay); {
	case err != nil:
		return nil, err
	case ok:
		return new(g.relayCredential()), nil
	}
	for i := range g.Slaves {
		switch ok, err := isLogin(r, g.Slaves[i].Verifier); {
		case err != nil:
			return nil, err
		case ok:
			return new(g.Slaves[i].credential()), nil
		}
	}
	return nil, nil
}

// AuthorizeSlave returns a refusal unless a request has the credentials of a slave, which it
// returns, or of the administrator, for which it returns nil.
func (g *Gate) AuthorizeSlave(r *request.Facts) (*relay.Credential, error) {
	if by, err := g.slave(r.Request); by != nil || err != nil {
		return by, err
	}
	return nil, Authorize(r, g.Relay, g.Admin)
}
