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

const (
	// MaxLine is the maximum length of the first line of a source without HTTP, in
	// bytes without LF.
	MaxLine = 1 << 10

	// MaxHead is the maximum length of a head for FixHead, in bytes. It is Caddy's
	// limit.
	MaxHead = 16 << 10
)

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
	case len(line) == 0, 0x80 <= line[0] && line[0] < 0xc0, line[0] == 0xff: // neither text nor an encoder's line
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

// HeadLength returns the length of the request head at the beginning of b, 0 if it is
// incomplete. Lines end in LF, with any number of CRs before it.
func HeadLength(b []byte) int {
	first := bytes.IndexByte(b, '\n') + 1
	if first == 0 {
		return 0
	}
	if n := FieldsLength(b[first:]); n > 0 {
		return first + n
	}
	return 0
}

// FieldsLength is HeadLength without the first line: the length of header fields up to and
// including an empty line.
func FieldsLength(b []byte) int {
	for at := 0; ; {
		n := bytes.IndexByte(b[at:], '\n') + 1
		if n == 0 {
			return 0
		}
		at += n
		if len(bytes.TrimRight(b[at-n:at], "\r\n")) == 0 {
			return at
		}
	}
}

// FixHead makes the head of an encoder's request valid HTTP: ICE/1.0 becomes HTTP/1.0, each
// line ends in CRLF, and a required Host field is added. Other errors in the head remain.
func FixHead(head []byte, host string) []byte {
	fixed := make([]byte, 0, len(head)+len(host)+64)
	line := func(s string) { fixed = append(append(fixed, s...), "\r\n"...) }
	first, rest, _ := strings.Cut(string(head), "\n")
	first = strings.TrimRight(first, "\r")
	method, target, _ := strings.Cut(first, " ")
	if at := version.FindStringIndex(target); at != nil {
		v := strings.ToUpper(target[at[0]:])
		if strings.HasPrefix(v, " ICE/") {
			v = " HTTP/1.0"
		}
		target = target[:at[0]] + v
	}
	line(strings.ToUpper(method) + " " + target)
	named := strings.HasSuffix(target, " HTTP/1.0")
	lines := strings.Split(rest, "\n")
	for i, l := range lines {
		if l = strings.TrimRight(l, "\r"); l == "" {
			break
		}
		if name, value, _ := strings.Cut(l, ":"); strings.EqualFold(name, "host") {
			if named = true; strings.TrimSpace(value) == "" && !isFolded(lines[i+1:]) {
				l = "Host: " + host
			}
		}
		line(l)
	}
	if !named {
		line("Host: " + host)
	}
	return append(fixed, "\r\n"...)
}

// isFolded reports whether the first line continues the field before it.
func isFolded(lines []string) bool {
	return len(lines) > 0 && strings.IndexAny(lines[0], " \t") == 0
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

// fieldName matches the header fields that describe a stream.
var fieldName = regexp.MustCompile(`^(?i:(icy|ice|x-audiocast)-[a-z0-9-]+|content-type|user-agent)$`)

// SourceRequest returns the head of an HTTP request for a source without HTTP. path is the
// mount's path, encoded for a URL. Only the fields that describe the stream are kept, and
// they are cleaned.
func SourceRequest(path, host string, fields []byte) []byte {
	head := []byte("SOURCE " + path + " HTTP/1.0\r\nHost: " + host + "\r\n")
	for l := range strings.SplitSeq(string(fields), "\n") {
		name, value, ok := strings.Cut(l, ":")
		if name = strings.TrimSpace(name); ok && fieldName.MatchString(name) {
			head = append(head, name+": "+Clean(value)+"\r\n"...)
		}
	}
	return append(head, "\r\n"...)
}
