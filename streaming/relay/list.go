package relay

import (
	"bufio"
	"errors"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxList  = 4 << 20 // bytes of a master's list
	maxLine  = 4 << 10
	maxMount = 255   // bytes of a mount's path
	maxRelay = 10000 // mounts of one list
)

// listed is a line of a master's list: a mount, and where it is.
type listed struct {
	mount string
	url   string
}

// readList reads a master's list, a mount a line: a path there, or a whole URL. Lines
// that are neither are passed over.
func readList(r io.Reader, base *url.URL) ([]listed, error) {
	var all []listed
	seen := make(map[string]bool)
	lines := bufio.NewScanner(io.LimitReader(r, maxList))
	lines.Buffer(nil, maxLine)
	for lines.Scan() && len(all) < maxRelay {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		at, err := resolve(base, line)
		if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" || at.Opaque != "" {
			continue
		}
		at.User, at.Fragment = nil, ""
		mount := at.Path
		if at.Host == base.Host {
			mount = strings.TrimPrefix(at.Path, strings.TrimSuffix(base.Path, "/"))
		}
		if mount == "/admin/streams" { // Icecast-KH
			mount = at.Query().Get("mount")
		}
		if !isMount(mount) || seen[mount] {
			continue
		}
		seen[mount] = true
		all = append(all, listed{mount, at.String()})
	}
	return all, lines.Err()
}

// resolve reads a line of a list: a path is one of the master's, wherever that is put on
// its site.
func resolve(base *url.URL, line string) (*url.URL, error) {
	at, err := url.Parse(line)
	if err != nil || at.Host != "" || at.Opaque != "" {
		return at, err
	}
	if !strings.HasPrefix(at.Path, "/") {
		return nil, errors.New("neither a path nor a URL")
	}
	whole := *base
	whole.Path = strings.TrimSuffix(base.Path, "/") + at.Path
	whole.RawPath = ""
	whole.RawQuery = at.RawQuery
	return &whole, nil
}

// pages are paths that every station has and that are no mounts.
var pages = []string{"/admin", "/admin.cgi", "/status-json.xsl", "/status.xsl"}

// isMount tells whether a text is the path that a mount may have.
func isMount(p string) bool {
	return len(p) > 1 && len(p) <= maxMount && p[0] == '/' && path.Clean(p) == p &&
		!slices.Contains(pages, p) && !strings.HasPrefix(p, "/admin/") && utf8.ValidString(p) &&
		strings.IndexFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}

// matches tells whether a mount is one of those that are wanted. Without patterns all
// are.
func matches(patterns []string, mount string) bool {
	for _, p := range patterns {
		if ok, _ := path.Match(p, mount); ok || p == mount {
			return true
		}
	}
	return len(patterns) == 0
}
