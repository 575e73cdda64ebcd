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
	maxMounts = 10000 // of one list
)

// ProtectedHeader is a field of a slave's request. It says that the slave reads the marks of
// protected mounts, and serves such a mount only if it protects it in the same way. A master
// does not list protected mounts to others.
const ProtectedHeader = "Relay-Protected"

// Protection is a mark of a mount on a master's list. The marks follow the path after a tab,
// with commas between them.
type Protection string

// The marks of protected mounts.
const (
	ProtectedByAuth  Protection = "auth"  // listeners are authenticated
	ProtectedByAllow Protection = "allow" // only some clients are allowed
	ProtectedByTLS   Protection = "tls"   // listeners are served over HTTPS only
)

// IsKnown reports whether p is one of the marks above.
func (p Protection) IsKnown() bool {
	return p == ProtectedByAuth || p == ProtectedByAllow || p == ProtectedByTLS
}

// listed is a mount on a master's list, and its URL.
type listed struct {
	mount       string
	url         string
	protections []Protection // none: the master serves it to everybody
}

// readList reads a master's list, one mount in each line: a path at the master, or a URL,
// and perhaps a tab and marks. Other lines are skipped. A mount with several lines has the
// URL of the first and the marks of all.
func readList(r io.Reader, base *url.URL) ([]listed, error) {
	var all []listed
	index := make(map[string]int)
	lines := bufio.NewScanner(io.LimitReader(r, maxList))
	lines.Buffer(nil, maxLine)
	for lines.Scan() && len(all) < maxMounts {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		line, marks, _ := strings.Cut(line, "\t")
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
		if !IsMount(mount) {
			continue
		}
		i, ok := index[mount]
		if !ok {
			i = len(all)
			index[mount] = i
			all = append(all, listed{mount: mount, url: at.String()})
		}
		all[i].protections = addProtections(all[i].protections, parseProtections(marks))
	}
	return all, lines.Err()
}

// parseProtections returns the marks of a line. An unknown mark is kept: no slave has that
// protection, so that none serves the mount. The same is true of marks that are unreadable.
func parseProtections(marks string) (all []Protection) {
	for mark := range strings.SplitSeq(marks, ",") {
		if mark = strings.TrimSpace(mark); mark != "" {
			all = append(all, Protection(mark))
		}
	}
	if all == nil && marks != "" {
		all = []Protection{Protection(marks)}
	}
	return all
}

// addProtections returns all with those of more that it lacks.
func addProtections(all, more []Protection) []Protection {
	for _, p := range more {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
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

// IsMount reports whether a path may be that of a mount.
func IsMount(p string) bool {
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
