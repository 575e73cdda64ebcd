package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
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
	secret := []byte(v.hash)
	if v.plain != nil {
		secret = v.plain[:]
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

// IsSlave reports whether a listener has the credentials of a slave. The error is a refusal: the
// password could not be compared in time. A listener waits among listeners for that.
func (g *Gate) IsSlave(r *request.Facts) (bool, error) {
	l, ok := loginOf(r, listenerQueue)
	if !ok {
		return false, nil
	}
	verifiers := g.slavesOf(&l)
	if g.Relay != nil && g.Relay.isUser(&l) == 1 { // see isLogin
		verifiers = append(verifiers, g.Relay)
	}
	v, err := l.verify(r.Context(), verifiers...)
	if err != nil {
		return false, Busy(err)
	}
	return v != nil, nil
}

// FailedSlave is the refusal of a listener that has the user of a slave and another password. It
// is nil if there is nothing to log. The listener may still be admitted, as any other.
func (g *Gate) FailedSlave(r *request.Facts, mount string) *response.Refusal {
	l, ok := loginOf(r, listenerQueue)
	if !ok || len(g.slavesOf(&l)) == 0 && (g.Relay == nil || g.Relay.isUser(&l) == 0) {
		return nil
	}
	return Failed(mount, l.user, KindRelay)
}

// slavesOf returns the verifiers of the slaves with credentials of their own that have the user
// of a login.
func (g *Gate) slavesOf(l *login) (all []*Verifier) {
	for i := range g.Slaves {
		if v := g.Slaves[i].Verifier; v.isUser(l) == 1 {
			all = append(all, v)
		}
	}
	return all
}

// withProof returns a credential with the key of proofs by the password of a request.
func withProof(c relay.Credential, r *http.Request) *relay.Credential {
	_, password, _ := r.BasicAuth()
	c.Proof = relay.ProofKey(password)
	return &c
}

// AuthorizeSlave returns a refusal unless a request has the credentials of a slave, which it
// returns, or of the administrator, for which it returns nil.
func (g *Gate) AuthorizeSlave(r *request.Facts) (*relay.Credential, error) {
	l, _ := loginOf(r, operatorQueue)
	v, err := authorize(r, "", append(g.slavesOf(&l), g.Relay, g.Admin)...)
	if err != nil {
		return nil, err
	}
	if v == g.Relay {
		return withProof(g.relayCredential(), r.Request), nil
	}
	for i := range g.Slaves {
		if g.Slaves[i].Verifier == v {
			return withProof(g.Slaves[i].credential(), r.Request), nil
		}
	}
	return nil, nil
}
