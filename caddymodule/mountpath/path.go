// Package mountpath defines the paths of mounts: which are valid, which belong to the station's
// own pages, which are patterns, and what a pattern matches.
//
// Index finds the value that is set for a mount, by its exact path or by the first
// pattern that matches. The package has no station and no request in it. Its
// functions are pure, and an Index is read by any number of goroutines once it is
// complete.
package mountpath

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/caddycast/caddycast/streaming/icy"
)

// The paths of a station's own pages, which no mount can have.
const (
	StatusJSON  = "/status-json.xsl"
	StatusPage  = "/status.xsl" // Icecast's page for people
	AdminPrefix = "/admin/"
	AdminCGI    = "/admin.cgi"
	Events      = "/events" // unless the site answers there

	// HLSScript is hls.js, which the status page plays HLS with. Its version is in the address,
	// so that caches keep it.
	HLSScript = "/hls-" + HLSVersion + ".js"

	// HLSVersion is that of the package in tests/npm; make hlsjs copies the script from there.
	HLSVersion = "1.7.4"
)

// The paths of a mount's HLS: /live.mp3.m3u8, where players enter, and /live.mp3.hls/ with the
// lists and their files.
const (
	HLSEntry  = ".m3u8"
	HLSFolder = ".hls/"
)

// playlists are the extensions of the playlists that each mount has.
var playlists = []string{".m3u", ".vclt", ".xspf"}

// IsReserved reports whether a path is a page of the station or the playlist of a mount, and so
// no mount.
func IsReserved(p string) bool {
	return p == StatusJSON || p == StatusPage || p == Events || p == HLSScript || IsAdmin(p) || slices.Contains(playlists, path.Ext(p))
}

// IsAdmin reports whether a path is one of Icecast's admin commands.
func IsAdmin(path string) bool {
	return path == "/admin" || strings.HasPrefix(path, AdminPrefix) || path == AdminCGI
}

// Check returns an error if a path cannot be that of a mount or a pattern.
func Check(p string) error {
	switch {
	case !strings.HasPrefix(p, "/"):
		return errors.New("path does not begin with a slash; expected one such as /live.mp3")
	case len(p) > MaxLen:
		return fmt.Errorf("path has %d bytes; expected %d at most", len(p), MaxLen)
	case p == "/" || path.Clean(p) != p:
		return errors.New("path has empty parts, or dots between its slashes; expected one such as /live.mp3")
	case IsReserved(p):
		return errors.New("path is a page of the station, or a playlist; expected another")
	case icy.Clean(p) != p:
		return errors.New("path has invisible characters, or a space at its end; expected visible UTF-8")
	}
	return nil
}

// MaxLen is the length in bytes that no mount's path exceeds.
const MaxLen = 255

// All is the pattern that matches every mount, also those with several slashes.
const All = "/**"

// Matches reports whether a pattern matches a mount.
func Matches(pattern, mount string) bool {
	ok, _ := path.Match(pattern, mount)
	return ok || pattern == All
}

// IsPattern reports whether a path stands for many mounts.
func IsPattern(path string) bool { return strings.ContainsAny(path, "*?[") }

// Escape returns a mount's path for a URL.
func Escape(path string) string { return (&url.URL{Path: path}).EscapedPath() }
