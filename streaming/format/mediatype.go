package format

import (
	"slices"
	"strings"
)

// OctetStream is the content type of a stream whose declared type is not valid.
const OctetStream = "application/octet-stream"

// Canonical returns a content type in lower case, without parameters: one type and one
// subtype (RFC 9110, section 8.3.1). An empty type stays empty; a type that is not
// valid, such as a list of types, is OctetStream.
func Canonical(contentType string) string {
	base, _, _ := strings.Cut(contentType, ";")
	base = strings.ToLower(strings.Trim(base, " \t"))
	if base == "" && strings.Trim(contentType, " \t") == "" {
		return ""
	}
	family, subtype, ok := strings.Cut(base, "/")
	if !ok || !isToken(family) || !isToken(subtype) {
		return OctetStream
	}
	return base
}

// isToken reports whether s is a token of RFC 9110, section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

// playable are the content types that a browser plays and never runs or shows as a page,
// besides those of the containers and codecs and their other names.
var playable = []string{
	"audio/basic", "audio/l16", "audio/mp4", "audio/opus", "audio/speex", "audio/vorbis",
	"audio/wav", "audio/wave", "audio/x-wav", "video/mp4", "video/mpeg", "video/nsv", "video/ogg",
}

// IsPlayable reports whether a content type is one of a fixed list of audio and video types:
// a browser plays them, and does nothing else with them. Parameters do not count.
func IsPlayable(contentType string) bool {
	contentType = Canonical(contentType)
	if contentType == "" {
		return false
	}
	for _, c := range containers {
		if contentType == c.contentType || slices.Contains(c.types, contentType) {
			return true
		}
	}
	for _, c := range codecs {
		if slices.Contains(c.types, contentType) {
			return true
		}
	}
	return slices.Contains(playable, contentType)
}
