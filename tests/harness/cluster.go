package harness

import (
	"fmt"
	"strings"
	"testing"
)

// Cluster is a Caddy with several stations, each with a plain and an encrypted site of
// its own, as if they were on several machines.
type Cluster struct {
	t     testing.TB
	names []string
	Nodes map[string]*Server
}

// NewCluster returns a cluster with free addresses, which is not running yet.
func NewCluster(t testing.TB, names ...string) *Cluster {
	t.Helper()
	c, admin := &Cluster{t: t, names: names, Nodes: make(map[string]*Server)}, FreeAddress(t)
	for _, name := range names {
		c.Nodes[name] = &Server{T: t, Plain: FreeAddress(t), TLS: FreeAddress(t), AdminAddress: admin, station: name}
	}
	t.Cleanup(func() { StopCaddy(t) })
	return c
}

// usual are the settings of all nodes.
const usual = `
	source_password hackme
	admin_password letmein
	relay_password pullme
`

// Caddyfile returns the configuration with these settings of the nodes, in which
// %name stands for the plain address of a node and %tls:name for the encrypted one.
func (c *Cluster) Caddyfile(settings map[string]string) string {
	var addresses []string
	for _, name := range c.names {
		n := c.Nodes[name]
		addresses = append(addresses, "%tls:"+name+"%", n.TLS, "%"+name+"%", n.Plain)
	}
	replace := strings.NewReplacer(addresses...)
	var b strings.Builder
	// All nodes have one admin endpoint. A test may stand behind a proxy: see ForwardedFor.
	fmt.Fprintf(&b, "{\n\t%s\n\tservers {\n\t\tlistener_wrappers {\n\t\t\ttest_gate\n\t\t\ttls\n\t\t}\n\t\ttrusted_proxies static 127.0.0.0/8\n\t}\n", c.first().GlobalOptions())
	for _, name := range c.names {
		fmt.Fprintf(&b, "\ticecast %s {%s%s\n\t}\n", name, usual, replace.Replace(settings[name]))
	}
	b.WriteString("}\n")
	for _, name := range c.names {
		n := c.Nodes[name]
		fmt.Fprintf(&b, "http://:%s {\n\tbind 127.0.0.1\n\ticecast %s\n}\n", Port(n.Plain), name)
		fmt.Fprintf(&b, "https://127.0.0.1:%[1]s, https://:%[1]s {\n\tbind 127.0.0.1\n\ttls %[2]s/cert.pem %[3]s/key.pem\n\ticecast %[4]s\n}\n",
			Port(n.TLS), Storage, Storage, name)
	}
	return b.String()
}

// Load loads these settings of the nodes.
func (c *Cluster) Load(settings map[string]string) {
	c.t.Helper()
	if err := c.first().LoadCaddyfile(c.Caddyfile(settings)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *Cluster) first() *Server { return c.Nodes[c.names[0]] }
