package icy

import (
	"bytes"
	"regexp"
	"strings"
)

// Opening is the kind of the first bytes of a connection.
type Opening int

const (
	// Undecided means that more bytes are needed.
	Undecided Opening = iota
	// Plain is anything else: HTTP of listeners and browsers, TLS.
	Plain
	// Request is an encoder's HTTP request, to be fixed by FixHead.
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

// methods begin requests that need no fix, and the PROXY line of a proxy.
var methods = []string{"CONNECT ", "DELETE ", "HEAD ", "OPTIONS ", "PATCH ", "POST ", "PRI ", "PROXY ", "TRACE "}

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
	case hasMethod(line, "GET "):
		return sniffTarget(line[len("GET "):], whole)
	case hasMethod(line, "PUT "):
		return Request
	}
	for _, method := range methods {
		if hasMethod(line, method) {
			return Plain
		}
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

// sniffTarget classifies a GET by its target: encoders request /admin pages.
func sniffTarget(target []byte, whole bool) Opening {
	const pages = "/admin"
	switch {
	case bytes.HasPrefix(target, []byte(pages)):
		return Request
	case !whole && strings.HasPrefix(pages, string(target)):
		return Undecided
	}
	return Plain
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
