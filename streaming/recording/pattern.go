package recording

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// verbs are what a pattern may hold, as of strftime(3), and the layouts of package time
// that they stand for.
var verbs = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'j': "002",
	'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'h': "Jan",
	'z': "-0700", 'Z': "MST", 'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04",
}

// mountVerb stands for the name of the mount.
const mountVerb = "{mount}"

// maxName keeps the name of a file within what file systems take.
const maxName = 200

// Pattern is the path of a file in which times and the mount are to be filled in. Parse
// makes one.
type Pattern struct{ text string }

// Parse checks a pattern: %Y, %m, %d, %H, %M, %S and the like, %s for seconds since 1970,
// %% for itself, and {mount}.
func Parse(text string) (Pattern, error) {
	if text == "" {
		return Pattern{}, errors.New("a pattern of file names is empty; write one such as /srv/rec/live-%Y%m%d-%H%M%S.mp3")
	}
	if strings.ContainsRune(text, 0) || strings.HasSuffix(text, "/") {
		return Pattern{}, fmt.Errorf("%.200q is no name of a file; write one such as /srv/rec/live-%%Y%%m%%d-%%H%%M%%S.mp3", text)
	}
	for rest := text; ; {
		_, after, found := strings.Cut(rest, "%")
		switch {
		case !found:
			return Pattern{text}, nil
		case after == "":
			return Pattern{}, fmt.Errorf("%.200q: after a percent sign there is a letter, such as %%Y, or another percent sign", text)
		case after[0] != '%' && after[0] != 's' && verbs[after[0]] == "":
			return Pattern{}, fmt.Errorf("%.200q: %%%c is unknown; there are %%Y %%m %%d %%H %%M %%S %%j %%F %%T %%z and others of strftime", text, after[0])
		}
		rest = after[1:]
	}
}

// Expand returns the path of a file of a mount that begins at a time.
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

// fileName makes a part of a file's name of the path of a mount, whatever that holds.
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
