package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// logsPage is where every log message has a row.
const logsPage = "docs/reference/logs.md"

// levels are the methods of zap's logger that log a message.
var levels = map[string]string{"Debug": "debug", "Info": "info", "Warn": "warn", "Error": "error", "Warned": "warn"}

func TestEveryLogMessageHasARow(t *testing.T) {
	text := read(t, logsPage)
	found := 0
	eachGoFile(t, func(path string, file *ast.File) {
		if !imports(file, "go.uber.org/zap") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if level, message, ok := logCall(n); ok {
				found++
				if !strings.Contains(text, "\n| `"+message+"` | "+level+" |") {
					t.Errorf("%s: the message %q at level %s has no row in %s", path, message, level, logsPage)
				}
			}
			return true
		})
	})
	if found < 30 {
		t.Errorf("only %d log messages were found", found)
	}
}

// logCall returns the level and the message of a call of a logger.
func logCall(n ast.Node) (level, message string, ok bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return "", "", false
	}
	method, isMethod := call.Fun.(*ast.SelectorExpr)
	lit, isLit := call.Args[0].(*ast.BasicLit)
	if !isMethod || !isLit || lit.Kind != token.STRING || levels[method.Sel.Name] == "" {
		return "", "", false
	}
	message, err := strconv.Unquote(lit.Value)
	return levels[method.Sel.Name], message, err == nil
}

var logRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (?:debug|info|warn|error) \\|")

// A row about a message that no code logs any more is out of date.
func TestEveryRowIsAMessageThatIsLogged(t *testing.T) {
	var code strings.Builder
	eachGoFile(t, func(path string, _ *ast.File) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(text)
	})
	for _, m := range logRow.FindAllStringSubmatch(read(t, logsPage), -1) {
		if !strings.Contains(m[1], "…") && !strings.Contains(code.String(), strconv.Quote(m[1])) {
			t.Errorf("%s: no code logs %q", logsPage, m[1])
		}
	}
}

// eachGoFile calls f with each Go file that is part of the program.
func eachGoFile(t *testing.T, f func(path string, file *ast.File)) {
	t.Helper()
	files := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "tests" || d.Name() == "tools" || len(d.Name()) > 2 && d.Name()[0] == '.'):
			return filepath.SkipDir
		case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err == nil {
			f(path, file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func imports(file *ast.File, path string) bool {
	for _, i := range file.Imports {
		if i.Path.Value == strconv.Quote(path) {
			return true
		}
	}
	return false
}
