package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/hooks"
)

// Every directive of the Caddyfile parser has a row in the reference with its syntax, default,
// an example and an explanation. A directive of several blocks has as many rows.
func TestTheReferenceHasEveryDirective(t *testing.T) {
	want := directives(t)
	if len(want) < 80 {
		t.Fatalf("only %d directives were found: %v", len(want), slices.Sorted(maps.Keys(want)))
	}
	have := make(map[string]int)
	for _, p := range pages(t) {
		if !strings.HasPrefix(p.path, "docs/reference/") {
			continue
		}
		for line := range strings.Lines(p.prose()) {
			if name, ok := rowOf(line); ok {
				have[name]++
			}
		}
	}
	for name, blocks := range want {
		if have[name] < blocks {
			t.Errorf("%s: %d blocks have this directive, and the reference has %d complete rows", name, blocks, have[name])
		}
	}
}

// rowOf returns the directive that a row of a table explains: its syntax, default, an example
// that uses it, and what it does.
func rowOf(line string) (name string, ok bool) {
	cells := strings.Split(strings.ReplaceAll(strings.Trim(strings.TrimSpace(line), "|"), `\|`, "/"), "|")
	if len(cells) < 4 || !strings.HasPrefix(cells[0], " `") || strings.TrimSpace(cells[3]) == "" {
		return "", false
	}
	name = strings.FieldsFunc(cells[0], func(r rune) bool { return r == ' ' || r == '`' })[0]
	return name, strings.Contains(cells[2], "`"+name)
}

// directives returns the directives of all blocks that the parser knows, and how many blocks
// have each: the keys of its tables.
func directives(t *testing.T) map[string]int {
	t.Helper()
	all := make(map[string]int)
	files := token.NewFileSet()
	err := filepath.WalkDir(filepath.Join(root, "caddymodule"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok || lit.Type == nil {
				return true
			}
			switch types.ExprString(lit.Type) {
			case "setting.Directives", "Directives", "map[string]*string": // the last: the URLs of auth url
				for _, element := range lit.Elts {
					if name, ok := key(element); ok {
						all[name]++
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// key returns the key of an element of a map literal, if that is a string.
func key(element ast.Expr) (string, bool) {
	pair, ok := element.(*ast.KeyValueExpr)
	if !ok {
		return "", false
	}
	lit, ok := pair.Key.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	name, err := strconv.Unquote(lit.Value)
	return name, err == nil
}

func TestTheReferenceHasEveryEvent(t *testing.T) {
	text := read(t, "docs/reference/events.md")
	for _, name := range hooks.Names {
		if !strings.Contains(text, "\n| `"+string(name)+"` |") {
			t.Errorf("the event %s has no row in docs/reference/events.md", name)
		}
	}
	for _, key := range hooks.Keys {
		if !strings.Contains(text, "`"+key+"`") {
			t.Errorf("the field %s is not in docs/reference/events.md", key)
		}
	}
}

func TestTheReferenceHasEveryModule(t *testing.T) {
	text := read(t, "docs/reference/modules.md")
	found := 0
	for _, id := range caddy.Modules() {
		if !strings.Contains(id, "icecast") {
			continue
		}
		if found++; !strings.Contains(text, "`"+id+"`") {
			t.Errorf("the module %s is not in docs/reference/modules.md", id)
		}
	}
	if found < 10 {
		t.Errorf("only %d modules are registered", found)
	}
}
