package relay

import (
	"bufio"
	"io"
	"net/url"
	"path"
	"strings"
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
		at, err := base.Parse(line)
		if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" || at.Opaque != "" {
			continue
		}
		at.User, at.Fragment = nil, ""
		mount := at.Path
		if at.Path == "/admin/streams" { // Icecast-KH
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

// isMount tells whether a text is the path that a mount may have.
func isMount(p string) bool {
	return len(p) > 1 && len(p) <= maxMount && p[0] == '/' && path.Clean(p) == p &&
		p != "/admin" && !strings.HasPrefix(p, "/admin/") &&
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
