package icecastxml

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// endpoint is an address and port of the server.
type endpoint struct {
	line          int
	port          int
	bind          string
	tls           bool
	cert, key     string
	shoutcast     string // the mount of SHOUTcast v1 sources
	shoutcastLine int    // of shoutcast in icecast.xml
}

// endpoints returns the endpoints of all sockets, also the second ports of SHOUTcast v1, which
// are one above the configured ones.
func (g *generator) endpoints() (ends []*endpoint) {
	add := func(n *endpoint) {
		if n.port < 1 || n.port > 65535 {
			g.errorf(elementAt(n.line, "port"), "invalid port %d; expected 1 to 65535", n.port)
		}
		for _, o := range ends {
			if o.port == n.port && o.bind == n.bind {
				if n.shoutcast != "" {
					o.shoutcast = n.shoutcast
				}
				g.notef(elementAt(n.line, "port"), "port %d is already set in line %d", n.port, o.line)
				return
			}
		}
		ends = append(ends, n)
	}
	for _, s := range g.config.sockets {
		end := &endpoint{line: s.line, port: s.port.or(defaultPort), bind: s.host.or(""), tls: s.tls.or(false)}
		if end.tls {
			g.certificate(end, s)
		}
		if s.shoutcast.set() || s.compat.or(false) || g.config.shoutcastMount.set() {
			end.shoutcast = s.shoutcast.or(g.config.shoutcastMount.or(defaultShoutcastMount))
			end.shoutcastLine = max(s.shoutcast.line, s.compat.line, g.config.shoutcastMount.line)
		}
		add(end)
		if s.shoutcast.set() && !s.compat.or(false) {
			above := *end
			above.port++
			add(&above)
		}
	}
	return ends
}

// certificate sets the certificate of a socket. Without one, Caddy obtains it for the hostname.
func (g *generator) certificate(end *endpoint, s *socket) {
	cert, key := s.cert, s.key
	if !cert.set() {
		cert, key = g.config.paths.cert, g.config.paths.key
	}
	end.cert, end.key = cert.v, key.or(cert.v)
	if cert.set() {
		return
	}
	if name := g.hostname(); strings.Contains(name, ".") && net.ParseIP(name) == nil {
		g.notef(elementAt(s.tls.line, "ssl"), "no <ssl-certificate>; Caddy obtains one for %s, if port 80 or 443 is reachable from outside. Icecast would use plain HTTP", name)
		return
	}
	g.errorf(elementAt(s.tls.line, "ssl"), "no certificate; expected <ssl-certificate> in <paths>, or a <hostname> for which Caddy can obtain one")
}

func (g *generator) hostname() string {
	for _, d := range g.config.identity {
		if d.words[0] == "hostname" {
			return d.words[1]
		}
	}
	return ""
}

// address returns the site address of an endpoint.
func (n *endpoint) address(hostname string) string {
	if n.tls && n.cert == "" {
		return "https://" + hostname + ":" + strconv.Itoa(n.port)
	}
	return scheme(n.tls) + "://:" + strconv.Itoa(n.port)
}

// servers returns the server options: one block if they are the same for all endpoints, else one
// per endpoint.
func (g *generator) servers(ends []*endpoint) (ds []*directive) {
	settings := make([][]*directive, len(ends))
	texts := make([]string, len(ends))
	for i, n := range ends {
		settings[i] = g.serverSettings(n)
		p := new(printer)
		p.print(settings[i], 0, false)
		texts[i] = p.text.String()
	}
	if len(ends) > 0 && !slices.ContainsFunc(texts, func(s string) bool { return s != texts[0] }) {
		return []*directive{block(ends[0].line, []string{"servers"}, settings[0])}
	}
	for i, n := range ends {
		ds = append(ds, block(n.line, []string{"servers", net.JoinHostPort(n.bind, strconv.Itoa(n.port))}, settings[i]))
	}
	for _, d := range ds {
		d.words[1] = strings.TrimPrefix(d.words[1], "[]")
	}
	return ds
}

// serverSettings returns the server options of one endpoint.
func (g *generator) serverSettings(n *endpoint) []*directive {
	wrapper := line(n.line, "icecast")
	if n.shoutcast != "" {
		wrapper.block = []*directive{line(n.shoutcastLine, "mount", n.shoutcast)}
	}
	wrappers := block(n.line, []string{"listener_wrappers"}, []*directive{wrapper})
	if n.tls {
		wrappers.block = append(wrappers.block, line(n.line, "tls"))
	}
	ds := []*directive{wrappers}
	timeout := g.config.limits.headerTimeout
	if seconds := timeout.or(defaultHeaderTimeout); seconds > 0 {
		from := max(timeout.line, n.line)
		ds = append(ds, block(from, []string{"timeouts"}, []*directive{line(from, "read_header", duration(seconds))}))
	}
	if proxies := g.config.paths.proxies; len(proxies) > 0 {
		words := []string{"trusted_proxies", "static"}
		for _, p := range proxies {
			words = append(words, p.v)
		}
		ds = append(ds, line(proxies[0].line, words...))
	}
	return ds
}

// sites returns one site for all endpoints with the same address and certificate. Several sites
// share a snippet.
func (g *generator) sites(ends []*endpoint) (ds []*directive) {
	type kind struct {
		bind, cert, key string
		tls             bool
	}
	var kinds []kind
	of := make(map[kind][]*endpoint)
	for _, n := range ends {
		k := kind{n.bind, n.cert, n.key, n.tls}
		if of[k] == nil {
			kinds = append(kinds, k)
		}
		of[k] = append(of[k], n)
	}
	content := g.siteContent()
	// An import would replace escaped placeholders, so such content is repeated in each site.
	if len(kinds) > 1 && !slices.ContainsFunc(content, (*directive).escapes) {
		ds = append(ds, block(g.root.line, []string{"(station)"}, content))
		content = []*directive{line(g.root.line, "import", "station")}
	}
	for _, k := range kinds {
		first := of[k][0].line
		var addresses []string
		for _, n := range of[k] {
			addresses = append(addresses, n.address(g.hostname()))
		}
		var inner []*directive
		if k.bind != "" {
			inner = append(inner, line(first, "bind", k.bind))
		}
		if k.cert != "" {
			inner = append(inner, line(first, "tls", literal(k.cert), literal(k.key)))
		}
		// Each address is one word, so none is quoted.
		ds = append(ds, block(first, withCommas(addresses), append(inner, content...)))
	}
	return ds
}

// withCommas appends commas to all words except the last.
func withCommas(words []string) []string {
	for i := range words[:len(words)-1] {
		words[i] += ","
	}
	return words
}

// siteContent returns the content of each site.
func (g *generator) siteContent() []*directive {
	var ds []*directive
	if g.logFile(g.config.logging.access, "access.log") != "" {
		ds = append(ds, line(g.root.line, "log"))
	}
	ds = append(ds, g.headerLines()...)
	ds = append(ds, g.aliasLines()...)
	ds = append(ds, line(g.root.line, "icecast"))
	if root := g.config.paths.webroot; root.set() && g.config.fileserve.or(true) {
		ds = append(ds, line(root.line, "root", literal(g.rootPath(root.v))),
			block(root.line, []string{"file_server"}, []*directive{
				line(root.line, "hide", "*.xsl", "*.xslt"), // XSLT is not supported
				line(root.line, "pass_thru"),               // the station answers requests for other paths
			}))
	}
	return ds
}

// isStatusPage reports whether an alias makes of / what it is without one: the status page, unless
// the web root has a page for it.
func (g *generator) isStatusPage(a alias) bool {
	if a.source != "/" || a.to != "/status.xsl" {
		return false
	}
	root := g.config.paths.webroot
	return !root.set() || !g.config.fileserve.or(true) || !slices.ContainsFunc([]string{"index.html", "index.txt"}, func(name string) bool {
		return g.on.IsFile(joinUnder(g.rootPath(root.v), name))
	})
}

// aliasLines returns the rewrites for aliases. They apply to listeners only; a source uses the
// real mount name.
func (g *generator) aliasLines() (ds []*directive) {
	for i, a := range g.config.paths.aliases {
		if g.isStatusPage(a) {
			continue
		}
		if a.port == "" && a.host == "" && a.virtual == "" && a.source == "/" {
			ds = append(ds, line(a.line, "rewrite", "/", literal(a.to)))
			continue
		}
		name := "@alias" + strconv.Itoa(i+1)
		which := []*directive{line(a.line, "method", "GET", "HEAD"), line(a.line, "path", literal(a.source))}
		if a.port != "" {
			which = append(which, line(a.line, "vars", "{http.request.local.port}", a.port))
		}
		if a.host != "" {
			if _, err := netip.ParseAddr(a.host); err != nil {
				g.errorf(elementAt(a.line, "alias"), "invalid bind-address %q; expected an address, such as 127.0.0.1", a.host)
			}
			which = append(which, line(a.line, "vars", "{http.request.local.host}", a.host))
		}
		if a.virtual != "" {
			which = append(which, line(a.line, "host", literal(a.virtual)))
		}
		ds = append(ds, block(a.line, []string{name}, which), line(a.line, "rewrite", name, literal(a.to)))
	}
	return ds
}
