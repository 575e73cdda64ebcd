package icecastxml

import (
	"path/filepath"
	"slices"
	"strings"
)

// hookLine returns the hook for the program of <on-connect> or <on-disconnect>. Icecast-KH allows
// arguments, in which ${mount} is the mount. It looks for such a program in $PATH, too.
func (g *generator) hookLine(word, event string, program setting[string]) []*directive {
	if !program.set() {
		return nil
	}
	words := strings.Fields(program.v)
	if len(words) == 1 || g.on.IsFile(program.v) { // a path can have spaces in it
		return []*directive{line(program.line, word, g.program(elementAt(program.line, xmlName(word)), program.v))}
	}
	if strings.Contains(words[0], "/") {
		words[0] = g.program(elementAt(program.line, xmlName(word)), words[0])
	}
	for i, arg := range words[1:] {
		words[i+1] = strings.ReplaceAll(literal(arg), `$\{mount\}`, "{event.mount}")
	}
	return []*directive{line(program.line, append([]string{"on", event, "exec"}, words...)...)}
}

// xmlName returns the name of an element as icecast.xml has it.
func xmlName(word string) string { return strings.ReplaceAll(word, "_", "-") }

// eventLines fills in the paths of the programs of <event-bindings>.
func (g *generator) eventLines(hooks []*directive) []*directive {
	for _, d := range hooks {
		if i := slices.Index(d.words, "exec"); d.words[0] == "on" && i > 0 {
			d.words[i+1] = g.program(elementAt(d.line, "event"), d.words[i+1])
		}
	}
	return hooks
}

// program returns the path of a program as Icecast finds it: in the chroot, if there is one, or in
// the working directory, if it begins without a slash. It is not looked up in $PATH.
func (g *generator) program(at *element, file string) string {
	if strings.HasPrefix(file, "/") {
		return literal(g.rootPath(file))
	}
	found := filepath.Join(g.on.Dir, file)
	g.notef(at, "converted to %s; Icecast looks for it in its working directory", found)
	return literal(found)
}
