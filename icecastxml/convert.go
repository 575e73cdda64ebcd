package icecastxml

import (
	"fmt"
	"slices"
	"strconv"
)

// Converted is the result of Convert.
type Converted struct {
	Caddyfile []byte
	Notes     []Note // in the order of icecast.xml

	origins []int
}

// Line returns the line of icecast.xml that is the origin of a line of the Caddyfile.
func (c *Converted) Line(n int) int {
	if n < 1 || n > len(c.origins) {
		return 1
	}
	return c.origins[n-1]
}

// Machine is what the meaning of an icecast.xml depends on.
type Machine struct {
	IsFile func(path string) bool // tells fallback files from mounts; nil: there are no files
	Dir    string                 // the working directory of the server
}

// Convert converts an icecast.xml to a Caddyfile. An error is one LineError, or several joined.
func Convert(text []byte, on Machine) (*Converted, error) {
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	r := new(reader)
	c, err := r.readConfig(root)
	if err != nil {
		return nil, err
	}
	if on.IsFile == nil {
		on.IsFile = func(string) bool { return false }
	}
	g := &generator{config: c, reader: r, root: root, on: on}
	all := g.directives()
	p := new(printer)
	p.print(all, 0, true)
	if err := joinErrors(append(r.problems, p.problems...)); err != nil {
		return nil, err
	}
	return &Converted{Caddyfile: []byte(p.text.String()), Notes: sortNotes(r.notes), origins: p.origins}, nil
}

// generator makes the directives of a Caddyfile from a config.
type generator struct {
	config *config
	*reader
	root          *element
	on            Machine
	generalMounts []*mount   // patterns and defaults
	shared        *directive // the snippet of the mounts; nil: there is none
}

// elementAt returns an element for notef and errorf.
func elementAt(line int, name string) *element { return &element{name: name, line: line} }

// directives returns the whole Caddyfile.
func (g *generator) directives() []*directive {
	if g.config.paths.basedir.set() && !g.chroot() {
		g.notef(elementAt(g.config.paths.basedir.line, "basedir"), "ignored without <chroot>, as in Icecast")
	}
	ends := g.endpoints()
	global := block(g.root.line, nil, nil)
	if secure := slices.IndexFunc(ends, func(n *endpoint) bool { return n.tls }); secure >= 0 {
		// Port 80 is not in the file and may belong to another program.
		global.block = append(global.block, line(ends[secure].line, "auto_https", "disable_redirects"))
	}
	global.block = append(global.block, g.logs()...)
	global.block = append(global.block, g.servers(ends)...)
	global.block = append(global.block, block(g.root.line, []string{"icecast"}, g.station()))
	all := append([]*directive{global}, g.sites(ends)...)
	if g.shared != nil {
		all = slices.Insert(all, 0, g.shared)
	}
	return all
}

func (g *generator) chroot() bool { return g.config.paths.chroot.or(false) }

// rootPath returns the real path of a file in the chroot, if there is one.
func (g *generator) rootPath(p string) string {
	if p == "" || !g.chroot() {
		return p
	}
	return joinUnder(g.config.paths.basedir.v, p)
}

// joinUnder returns a path within a folder.
func joinUnder(dir, p string) string {
	for dir != "" && dir[len(dir)-1] == '/' {
		dir = dir[:len(dir)-1]
	}
	if p != "" && p[0] != '/' {
		p = "/" + p
	}
	return dir + p
}

// webPath returns the real path of a file in the web root.
func (g *generator) webPath(at *element, p string) (string, bool) {
	if !g.config.paths.webroot.set() {
		g.errorf(at, "%q is in the web root, which is not set; expected <webroot> in <paths>", p)
		return "", false
	}
	return joinUnder(g.rootPath(g.config.paths.webroot.v), p), true
}

// duration returns a number of seconds in the notation of a Caddyfile.
func duration(seconds int) string {
	switch {
	case seconds%3600 == 0:
		return fmt.Sprintf("%dh", seconds/3600)
	case seconds%60 == 0:
		return fmt.Sprintf("%dm", seconds/60)
	}
	return fmt.Sprintf("%ds", seconds)
}

// size returns a number of bytes in the notation of a Caddyfile.
func size(n int) string {
	switch {
	case n%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", n>>20)
	case n%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", n>>10)
	}
	return strconv.Itoa(n)
}

// burst returns a burst in the notation of a Caddyfile.
func burst(n int) string {
	if n == 0 {
		return "off"
	}
	return size(n)
}
