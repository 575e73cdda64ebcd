package recording

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// verbs are the letters of strftime(3) that a pattern may have, and their layouts for package
// time. A library for strftime would not replace this table: those that exist copy an unknown
// letter to the name of the file, so Parse would need the list of letters anyway.
var verbs = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'j': "002",
	'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'h': "Jan",
	'z': "-0700", 'Z': "MST", 'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04",
}

// mountVerb is replaced by the name of the mount.
const mountVerb = "{mount}"

// maxName bounds the part of a mount in the name of a file, in bytes: file systems take 255.
const maxName = 200

// Pattern is the path of a file with placeholders for the time and the mount. Parse makes
// one.
type Pattern struct{ text string }

// Parse parses a pattern: %Y, %m, %d, %H, %M, %S and others of strftime, %s for the seconds
// since 1970, %% for a percent sign, and {mount}.
func Parse(text string) (Pattern, error) {
	if text == "" {
		return Pattern{}, errors.New("missing pattern; expected a path such as /srv/rec/live-%Y%m%d-%H%M%S.mp3")
	}
	if strings.ContainsRune(text, 0) || strings.HasSuffix(text, "/") {
		return Pattern{}, fmt.Errorf("%.200q is no name of a file; expected a path such as /srv/rec/live-%%Y%%m%%d-%%H%%M%%S.mp3", text)
	}
	for rest := text; ; {
		_, after, found := strings.Cut(rest, "%")
		switch {
		case !found:
			return Pattern{text}, nil
		case after == "":
			return Pattern{}, fmt.Errorf("%.200q: percent sign at the end; expected a letter such as %%Y, or %%%%", text)
		case after[0] != '%' && after[0] != 's' && verbs[after[0]] == "":
			return Pattern{}, fmt.Errorf("%.200q: unknown placeholder %%%c; expected %%Y %%m %%d %%H %%M %%S %%j %%F %%T %%z or another one of strftime", text, after[0])
		}
		rest = after[1:]
	}
}

// Find returns an error if the folder of the files is missing, as far as it is the same for all.
// It is created with the first file then.
func (p Pattern) Find() error {
	fixed, _, _ := strings.Cut(p.text, "%")
	fixed, _, _ = strings.Cut(fixed, mountVerb)
	folder := filepath.Dir(fixed)
	info, err := os.Stat(folder)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s: not a directory", folder)
	}
	return err
}

// Expand returns the path of a file for a mount and the time of its beginning.
func (p Pattern) Expand(mount string, at time.Time) string {
	var b strings.Builder
	for rest := p.text; ; {
		before, after, found := strings.Cut(rest, "%")
		b.WriteString(strings.ReplaceAll(before, mountVerb, fileName(mount)))
		if !found {
			return filepath.Clean(b.String())
		}
		switch verb := after[0]; verb {
		case '%':
			b.WriteByte('%')
		case 's':
			fmt.Fprint(&b, at.Unix())
		default:
			b.WriteString(at.Format(verbs[verb]))
		}
		rest = after[1:]
	}
}

// globs returns patterns of filepath.Glob for the files of a mount: with the name of Expand, and with
// a number after it.
func (p Pattern) globs(mount string) []string {
	var b strings.Builder
	for rest := p.text; ; {
		before, after, found := strings.Cut(rest, "%")
		b.WriteString(globEscaper.Replace(strings.ReplaceAll(before, mountVerb, fileName(mount))))
		if !found {
			break
		}
		switch verb := after[0]; verb {
		case '%':
			b.WriteByte('%')
		case 's':
			b.WriteString("[0-9]*")
		default:
			b.WriteString(globOf(verbs[verb]))
		}
		rest = after[1:]
	}
	glob := filepath.Clean(b.String())
	ext := filepath.Ext(glob)
	return []string{glob, strings.TrimSuffix(glob, ext) + "-[0-9]*" + ext}
}

// globOf returns a glob for the times of a layout: digits are digits, names are anything.
func globOf(layout string) string {
	switch layout {
	case "Mon", "Monday", "Jan", "January", "MST":
		return "*"
	case "PM":
		return "[AP]M"
	}
	var b strings.Builder
	for _, c := range layout {
		switch {
		case c >= '0' && c <= '9':
			b.WriteString("[0-9]")
		case c == '_':
			b.WriteString("[ 0-9]")
		case c == '-' && layout == "-0700":
			b.WriteString("[+-]")
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// globEscaper takes the meaning from the characters that a glob has.
var globEscaper = strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, `\`, `\\`)

// fileName returns a part of a file name for the path of a mount: it has no separator, does
// not begin with a dot, and is bounded.
func fileName(mount string) string {
	name := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, strings.TrimPrefix(mount, "/"))
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "")
	}
	if strings.HasPrefix(name, ".") {
		name = "_" + name[1:]
	}
	return name
}
