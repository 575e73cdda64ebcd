package docs

import (
	"go/ast"
	"os"
	"regexp"
	"strings"
	"testing"
)

// messagesPage explains messages by their exact text.
const messagesPage = "docs/help/messages.md"

var (
	messageRow = regexp.MustCompile(`(?m)^\| (?:\d{3} )?(.*?) \|`)
	quoted     = regexp.MustCompile("`([^`]+)`")
	joined     = regexp.MustCompile(`"\s*\+\s*"`)
	value      = regexp.MustCompile(`"…"|…`)
)

// The messages of caddycast are texts that it has, as far as they are no values.
func TestEveryMessageThatIsExplainedExists(t *testing.T) {
	var code strings.Builder
	eachGoFile(t, func(path string, _ *ast.File) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(joined.ReplaceAll(text, nil))
	})
	found := 0
	for section := range strings.SplitSeq(read(t, messagesPage), "\n## ") {
		title, rows, _ := strings.Cut(section, "\n")
		if title == "From Caddy" || title == "In the encoder or player" {
			continue
		}
		for _, row := range messageRow.FindAllStringSubmatch(rows, -1) {
			for _, m := range quoted.FindAllStringSubmatch(row[1], -1) {
				for _, part := range value.Split(m[1], -1) {
					part = strings.Trim(part, `"{}:;., 0123456789`)
					if !strings.Contains(part, " ") || strings.HasPrefix(part, "x509") {
						continue
					}
					found++
					if !strings.Contains(code.String(), part) {
						t.Errorf("%s: no code says %q", messagesPage, part)
					}
				}
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d messages were found", found)
	}
}
