package icy

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// Opening is the kind of the first bytes of a connection.
type Opening int

const (
	// Undecided means that more bytes are needed.
	Undecided Opening = iota
	// Plain is anything else: HTTP/2, TLS, bytes that nobody knows.
	Plain
	// Request is a request of HTTP/1, to be fixed by FixHead.
	Request
	// Login is a line with the password of a SHOUTcast v1 source.
	Login
	// Audiocast is the first line of an Icecast 1 source.
	Audiocast
	// Poke is libshout's test for a SHOUTcast server, "!POKE".
	Poke
)

// MaxLine is the maximum length of the first line of a source without HTTP, in
// bytes without LF.
const MaxLine = 1 << 10

// others begin what has no fields of HTTP/1 to be fixed: a tunnel, HTTP/2, the line of a proxy.
var others = []string{"CONNECT ", "PRI ", "PROXY "}

// methods begin the requests of HTTP/1.
var methods = []string{"DELETE ", "GET ", "HEAD ", "OPTIONS ", "PATCH ", "POST ", "PUT ", "SOURCE ", "TRACE "}

// BeginsRequest reports whether b begins a request of HTTP/1, or may do so once there is more
// of it.
func BeginsRequest(b []byte) bool {
	for _, method := range methods {
		if n := min(len(b), len(method)); strings.EqualFold(string(b[:n]), method[:n]) {
			return true
		}
	}
	return false
}

// version matches the end of the first line of a request.
var version = regexp.MustCompile(`(?i) (HTTP|ICE)/[0-9.]+$`)

// Sniff classifies a connection by its first bytes. It decides as early as possible; more
// bytes do not change a decision.
func Sniff(b []byte) Opening {
	raw, _, whole := bytes.Cut(b, []byte("\n"))
	line := bytes.TrimRight(raw, "\r")
	switch {
	case len(b) == 0:
		return Undecided
	case len(line) == 0, 0x80 <= line[0] && line[0] < 0xc0, line[0] == 0xff: // not text: a UTF-8 continuation byte, or MPEG audio
		return Plain
	case beginsWithAny(line, others):
		return Plain
	case !hasMethod(line, "SOURCE ") && beginsWithAny(line, methods): // SOURCE is Icecast 1's, too
		return Request
	}
	switch {
	case len(raw) > MaxLine, bytes.ContainsFunc(line, isControl): // TLS begins with 0x16
		return Plain
	case !whole:
		return Undecided
	case bytes.Equal(line, []byte("!POKE")):
		return Poke
	case hasMethod(line, "SOURCE ") && version.Match(line):
		return Request
	case version.Match(line):
		return Plain
	}
	if _, _, ok := ParseAudiocast(string(line)); ok {
		return Audiocast
	}
	return Login
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

func hasMethod(line []byte, method string) bool {
	return len(line) >= len(method) && strings.EqualFold(string(line[:len(method)]), method)
}

func beginsWithAny(line []byte, methods []string) bool {
	return slices.ContainsFunc(methods, func(method string) bool { return hasMethod(line, method) })
}

// ParseLogin splits the password line of a SHOUTcast v1 source: "password" or
// "/mount:password".
func ParseLogin(s string) (mount, password string) {
	if strings.HasPrefix(s, "/") {
		if mount, password, ok := strings.Cut(s, ":"); ok {
			return mount, password
		}
	}
	return "", s
}

// ParseAudiocast splits the first line of an Icecast 1 source: "SOURCE password /mount".
func ParseAudiocast(line string) (mount, password string, ok bool) {
	if !hasMethod([]byte(line), "SOURCE ") {
		return "", "", false
	}
	line = line[len("SOURCE "):]
	at := strings.LastIndexByte(line, ' ')
	if at < 1 || !strings.HasPrefix(line[at+1:], "/") {
		return "", "", false
	}
	return line[at+1:], line[:at], true
}
