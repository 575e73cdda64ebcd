// Package mountpath says what a mount path is: which paths are valid, which belong to
// the station's own pages, which are patterns, and what a pattern matches.
//
// Index finds the value that is set for a mount, by its exact path or by the first
// pattern that matches. The package knows neither stations nor requests; its
// functions are pure, and an Index is read by any number of goroutines once it is
// complete.
package mountpath

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/caddycast/caddycast/streaming/icy"
)

// The paths of a station's own pages, which no mount can have.
const (
	StatusJSON  = "/status-json.xsl"
	StatusPage  = "/status.xsl" // Icecast's page for people
	AdminPrefix = "/admin/"
	AdminCGI    = "/admin.cgi"
)

// IsReserved reports whether a path is a page of the station, and so no mount.
func IsReserved(path string) bool {
	return path == StatusJSON || path == StatusPage || path == "/admin" || strings.HasPrefix(path, AdminPrefix) || path == AdminCGI
}

// Check says what is wrong with the path of a mount, or a pattern.
func Check(p string) error {
	switch {
	case !strings.HasPrefix(p, "/"):
		return errors.New("a mount begins with a slash, such as /live.mp3")
	case len(p) > MaxLen:
		return fmt.Errorf("the name of a mount is %d bytes at most; these are %d", MaxLen, len(p))
	case p == "/" || path.Clean(p) != p:
		return errors.New("a mount wants a name, without empty parts or dots between its slashes, such as /live.mp3")
	case IsReserved(p):
		return errors.New("that is a page of the station; name the mount otherwise")
	case icy.Clean(p) != p:
		return errors.New("the name of a mount has only characters that can be seen, in UTF-8, and no space at its end")
	}
	return nil
}

// MaxLen is the length in bytes that no mount's path exceeds.
const MaxLen = 255

// All is the pattern that every mount fits, whatever slashes are in it.
const All = "/**"

// Matches tells whether a mount fits a pattern.
func Matches(pattern, mount string) bool {
	ok, _ := path.Match(pattern, mount)
	return ok || pattern == All
}

// IsPattern reports whether a path stands for many mounts.
func IsPattern(path string) bool { return strings.ContainsAny(path, "*?[") }

// Escape writes a mount's path as it stands in a URL.
func Escape(path string) string { return (&url.URL{Path: path}).EscapedPath() }
