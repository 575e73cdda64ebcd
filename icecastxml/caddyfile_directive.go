package icecastxml

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// directive is a line of a Caddyfile, with an optional block.
type directive struct {
	line  int // its origin in icecast.xml
	words []string
	block []*directive
}

func line(at int, words ...string) *directive { return &directive{line: at, words: words} }

func block(at int, words []string, inner []*directive) *directive {
	return &directive{line: at, words: words, block: inner}
}

// escapes reports whether a word of the directive or of its block has an escaped brace.
func (d *directive) escapes() bool {
	return slices.ContainsFunc(d.words, func(w string) bool { return strings.ContainsAny(w, "{}") && strings.Contains(w, `\`) }) ||
		slices.ContainsFunc(d.block, (*directive).escapes)
}

// equal reports whether two directives are the same, wherever they come from.
func (d *directive) equal(o *directive) bool {
	return slices.Equal(d.words, o.words) && (d.block == nil) == (o.block == nil) && slices.EqualFunc(d.block, o.block, (*directive).equal)
}

// lines returns how many lines the directive has.
func (d *directive) lines() int {
	if d.block == nil {
		return 1
	}
	n := 2
	for _, inner := range d.block {
		n += inner.lines()
	}
	return n
}

// sortByWord sorts directives by their first words, in the order of words.
func sortByWord(ds []*directive, words []string) []*directive {
	slices.SortStableFunc(ds, func(a, b *directive) int {
		return slices.Index(words, a.words[0]) - slices.Index(words, b.words[0])
	})
	return ds
}

// printer writes directives as `caddy fmt` would.
type printer struct {
	text    strings.Builder
	origins []int // the line of icecast.xml, for each line of text

	problems []*LineError // values that cannot be written
}

// print writes directives. spaced adds an empty line around directives with blocks.
func (p *printer) print(ds []*directive, depth int, spaced bool) {
	for i, d := range ds {
		if spaced && i > 0 && (d.block != nil || ds[i-1].block != nil) {
			p.emit(d.line, "")
		}
		p.printOne(d, depth)
	}
}

func (p *printer) printOne(d *directive, depth int) {
	indent := strings.Repeat("\t", depth)
	words := make([]string, len(d.words))
	for i, w := range d.words {
		var err error
		if words[i], err = quoted(w); err != nil {
			p.problems = append(p.problems, &LineError{d.line, err.Error()})
		}
	}
	head := indent + strings.Join(words, " ")
	if d.block == nil {
		p.emit(d.line, head)
		return
	}
	if len(words) > 0 {
		head += " "
	}
	p.emit(d.line, head+"{")
	p.print(d.block, depth+1, len(words) == 0 || words[0] == "icecast")
	p.emit(d.line, indent+"}")
}

// emit writes a line; a value can contain line ends.
func (p *printer) emit(from int, text string) {
	for range 1 + strings.Count(text, "\n") {
		p.origins = append(p.origins, from)
	}
	p.text.WriteString(text + "\n")
}

// quoted returns a word in the quoting of a Caddyfile.
func quoted(w string) (string, error) {
	switch {
	case strings.Contains(w, "{$"):
		return "", fmt.Errorf("unsupported value with {$, which starts a variable in a Caddyfile; expected another value")
	case w != "" && !strings.ContainsAny(w, "\"'`{}#\\<") && !strings.ContainsFunc(w, unicode.IsSpace), isPlaceholder(w):
		return w, nil
	case !strings.ContainsAny(w, "\"\\"):
		return `"` + w + `"`, nil
	case !strings.Contains(w, "`"):
		return "`" + w + "`", nil
	case !strings.Contains(w, `\"`) && !strings.HasSuffix(w, `\`): // all other backslashes are literal
		return `"` + strings.ReplaceAll(w, `"`, `\"`) + `"`, nil
	}
	return "", fmt.Errorf("unsupported value with a backquote, and with a backslash before a quote or at its end; expected another value")
}

// isPlaceholder reports whether a word is a placeholder written by this package.
func isPlaceholder(w string) bool {
	return w == origin || (strings.HasPrefix(w, "{event.") || strings.HasPrefix(w, "{http.request.local.")) && strings.HasSuffix(w, "}")
}
