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
	maxList   = 4 << 20 // bytes of a master's list
	maxLine   = 4 << 10
	maxMount  = 255   // bytes of a mount's path
	maxMounts = 10000 // of one list, or one report
)

// listed is a mount on a master's list, and its URL.
type listed struct {
	mount string
	url   string
}

// readList reads a master's list, one mount in each line: a path at the master, or a URL.
// Other lines are skipped.
func readList(r io.Reader, base *url.URL) ([]listed, error) {
	var all []listed
	seen := make(map[string]bool)
	lines := bufio.NewScanner(io.LimitReader(r, maxList))
	lines.Buffer(nil, maxLine)
	for lines.Scan() && len(all) < maxMounts {
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

// resolve returns the URL of a line. A path is relative to the base URL of the master.
func resolve(base *url.URL, line string) (*url.URL, error) {
	at, err := url.Parse(line)
	if err != nil || at.Host != "" || at.Opaque != "" {
		return at, err
	}
	if !strings.HasPrefix(at.Path, "/") {
		return nil, errors.New("list line: neither a path nor a URL; expected one of them")
	}
	whole := *base
	whole.Path = strings.TrimSuffix(base.Path, "/") + at.Path
	whole.RawPath = ""
	whole.RawQuery = at.RawQuery
	return &whole, nil
}

// pages are the paths of a station's own pages, which are no mounts.
var pages = []string{"/admin", "/admin.cgi", "/status-json.xsl", "/status.xsl"}

// isMount reports whether a path may be that of a mount.
func isMount(p string) bool {
	return len(p) > 1 && len(p) <= maxMount && p[0] == '/' && path.Clean(p) == p &&
		!slices.Contains(pages, p) && !strings.HasPrefix(p, "/admin/") && utf8.ValidString(p) &&
		strings.IndexFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}

// matches reports whether a mount matches one of some patterns. It reports true if there
// are none.
func matches(patterns []string, mount string) bool {
	for _, p := range patterns {
		if ok, _ := path.Match(p, mount); ok || p == mount {
			return true
		}
	}
	return len(patterns) == 0
}
