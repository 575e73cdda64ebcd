package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddycast/caddycast/caddymodule/auth"
	"github.com/caddycast/caddycast/caddymodule/setting"
)

// OwnSlave is a slave with credentials of its own. They open what the relay password opens: the
// list of mounts, and their streams.
type OwnSlave struct {
	// The name of the slave, which is the user that it logs in as.
	Name string `json:"name"`

	// Its secret, plain or as a hash made by `caddy hash-password`. Placeholders such as
	// {env.NAME} and {file.PATH} are replaced when the configuration is loaded.
	Secret string `json:"secret"`

	// The hosts of the URLs to which it may have listeners sent, each with a port or, for all
	// ports, without. Default: any host that proves to be the slave.
	Public []string `json:"public,omitempty"`
}

// parseOwnSlave parses a slave of a master.
//
//	slave <name> <secret> {
//		public <host>...
//	}
func parseOwnSlave(d *caddyfile.Dispenser, m *Master, places *setting.Places) error {
	args := d.RemainingArgs()
	if len(args) != 2 {
		return d.Errf("slave: %d values; expected a name and a secret, such as slave edge1 {env.EDGE1_SECRET}", len(args))
	}
	s := &OwnSlave{Name: args[0], Secret: args[1]}
	places.Note(d, s)
	if err := setting.ParseBlock(d, "slave "+s.Name, setting.Directives{
		"public": setting.Texts(d, &s.Public, "edge1.example.org"),
	}); err != nil {
		return err
	}
	m.Slaves = append(m.Slaves, s)
	return nil
}

// validateSlaves returns an error for slaves that cannot log in, or not as one of them.
func (m *Master) validateSlaves() error {
	names := make(map[string]bool)
	for i, s := range m.Slaves {
		if s == nil {
			return fmt.Errorf("slaves: entry %d is null; expected an object with a name and a secret", i+1)
		}
		if s.Name == "" {
			return errors.New("slaves: empty name; expected one such as edge1")
		}
		if names[s.Name] {
			return fmt.Errorf("slave %s: duplicate slave; expected each name once", s.Name)
		}
		names[s.Name] = true
		if s.Secret == "" {
			return fmt.Errorf("slave %s: empty secret; expected one (is its environment variable set?)", s.Name)
		}
		for _, host := range s.Public {
			if strings.Contains(host, "{") { // a placeholder, to be filled in
				continue
			}
			if err := cmp.Or(checkNoScheme(host), setting.CheckHostname(host)); err != nil {
				return fmt.Errorf("slave %s: public: %w", s.Name, err)
			}
		}
	}
	return nil
}

// checkNoScheme returns an error for a text that is not just a host.
func checkNoScheme(host string) error {
	if host == "" || strings.ContainsAny(host, "/ ") {
		return fmt.Errorf("%q: invalid host; expected one such as edge1.example.org or edge1.example.org:8000", host)
	}
	return nil
}

// errSlaveName is the error of a slave that could not log in as itself.
func errSlaveName(name string) error {
	return fmt.Errorf("role master: slave %s: its name is that of another slave or the user of relay_password; expected another one", name)
}

// checkSlaveNames returns an error for a slave with the user of the relay password.
func (s *Station) checkSlaveNames() error {
	if s.Master == nil || s.RelayPassword == nil {
		return nil
	}
	for _, one := range s.Master.Slaves {
		if one != nil && one.Name == cmp.Or(s.RelayPassword.User, "relay") {
			return s.places.Wrap(one, errSlaveName(one.Name))
		}
	}
	return nil
}

// slaveLogins makes the logins of the slaves. relay is that of the others, or nil: no slave can
// have its user.
func (m *Master) slaveLogins(relay *auth.Verifier) (all []auth.SlaveLogin, err error) {
	if m == nil {
		return nil, nil
	}
	if err := m.validate(); err != nil {
		return nil, err
	}
	repl := caddy.NewReplacer()
	for _, s := range m.Slaves {
		v, err := newVerifier(auth.KindRelay, "role master: slave "+s.Name, "", &auth.Credential{User: s.Name, Password: s.Secret})
		if err != nil {
			return nil, err
		}
		if relay != nil && relay.User == v.User || slices.ContainsFunc(all, func(o auth.SlaveLogin) bool { return o.User == v.User }) {
			return nil, errSlaveName(v.User)
		}
		hosts := make([]string, 0, len(s.Public))
		for _, host := range s.Public {
			hosts = append(hosts, repl.ReplaceKnown(host, ""))
		}
		all = append(all, auth.SlaveLogin{Verifier: v, Hosts: hosts})
	}
	return all, nil
}
