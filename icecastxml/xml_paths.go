package icecastxml

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// paths reads <paths>.
func (r *reader) paths(e *element, c *config) {
	p := &c.paths
	clients := func(words ...string) func(*element) {
		return func(e *element) {
			if v, ok := r.value(e); ok {
				c.clients = append(c.clients, line(e.line, append(slices.Clone(words), v)...))
			}
		}
	}
	t := r.certificateTable(c)
	maps.Copy(t, table{
		"basedir":          store(r, r.value, &p.basedir),
		"webroot":          store(r, r.value, &p.webroot),
		"logdir":           store(r, r.value, &p.logdir),
		"alias":            func(e *element) { r.alias(e, p) },
		"resource":         func(e *element) { r.alias(e, p) },
		"deny-ip":          clients("deny", "file"),
		"ban-file":         clients("deny", "file"),
		"banfile":          clients("deny", "file"),
		"allow-ip":         clients("allow", "file"),
		"deny-agents":      clients("deny", "agent_file"),
		"x-forwarded-for":  func(e *element) { r.proxies(e, p) },
		"adminroot":        r.ignore("ignored; the pages under /admin/ are built in, without XSLT"),
		"report-db":        r.ignore("ignored; errors are plain text"),
		"pidfile":          r.ignore("ignored; start Caddy with --pidfile if the file is needed"),
		"mime-types":       r.ignore("ignored; Caddy has its own table of file types"),
		"nulldevice":       r.ignore("ignored; it is not needed"),
		"null-device":      r.ignore("ignored; it is not needed"),
		"geoipdb":          r.ignore("ignored; countries are not looked up"),
		"reportxmldb":      r.ignore("ignored; errors are plain text"),
		"well-known":       r.ignore("ignored; use Caddy's file_server"),
		"ssl-verify-peers": r.ignore("ignored"),
	})
	r.readChildren(e, t)
}

// certificateTable returns the readers for the elements of a certificate.
func (r *reader) certificateTable(c *config) table {
	cert, key := store(r, r.value, &c.paths.cert), store(r, r.value, &c.paths.key)
	return table{
		"ssl-certificate":     cert,
		"ssl_certificate":     cert,
		"tls-certificate":     cert,
		"ssl-private-key":     key,
		"tls-key":             key,
		"ssl-allowed-ciphers": r.ignore(ciphers),
		"tls-allowed-ciphers": r.ignore(ciphers),
		"ssl-ciphers":         r.ignore(ciphers),
		"ssl-cafile":          r.ignore("ignored; intermediate certificates belong in the file of <ssl-certificate>"),
	}
}

// alias reads <alias>, which 2.5 calls <resource>.
func (r *reader) alias(e *element, p *paths) {
	a := alias{
		line: e.line, source: e.attr("source"), to: e.attr("destination"),
		port: e.attr("port"), host: e.attr("bind-address"), virtual: e.attr("vhost"),
	}
	if a.to == "" {
		a.to = e.attr("dest") // Icecast 2.3 and KH
	}
	switch {
	case e.name == "resource" && e.attr("prefixmatch") != "" && a.to != "":
		r.notef(e, "ignored; prefixmatch is not supported. Use Caddy's rewrite")
		e.markKnown()
	case e.name == "resource" && a.to == "":
		r.notef(e, "ignored; supported resources have a source and a destination. Use Caddy's directives for others")
		e.markKnown()
	case !strings.HasPrefix(a.source, "/") || !strings.HasPrefix(a.to, "/"):
		r.errorf(e, "no valid source and destination; expected <%s source=\"/\" destination=\"/status.xsl\"/>", e.name)
	default:
		p.aliases = append(p.aliases, a)
	}
}

// proxies reads the addresses of trusted proxies.
func (r *reader) proxies(e *element, p *paths) {
	v, ok := r.value(e)
	if !ok {
		return
	}
	for address := range strings.FieldsFuncSeq(v, func(c rune) bool { return c == ',' || c == ' ' || c == ';' }) {
		network, ok := network(address)
		if !ok {
			r.errorf(e, "invalid address %q; expected an address or a network, such as 192.0.2.7 or 192.0.2.0/24", address)
			continue
		}
		p.proxies = append(p.proxies, setting[string]{network, e.line})
	}
}

// network returns an address or a network in Caddy's notation; in icecast.xml, stars can replace
// the last parts of an address.
func network(s string) (string, bool) {
	if parts := strings.Split(s, "."); len(parts) == 4 && parts[3] == "*" {
		bits := 32
		for i := 3; i >= 0 && parts[i] == "*"; i-- {
			parts[i], bits = "0", bits-8
		}
		prefix, err := netip.ParsePrefix(strings.Join(parts, ".") + "/" + []string{"0", "8", "16", "24"}[bits/8])
		return prefix.String(), err == nil
	}
	if prefix, err := netip.ParsePrefix(s); err == nil {
		return prefix.String(), true
	}
	_, err := netip.ParseAddr(s)
	return s, err == nil
}
