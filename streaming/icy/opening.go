package icy

import (
	"bytes"
	"regexp"
	"strings"
)

// Opening is how a connection begins.
type Opening int

const (
	// Undecided is an opening of which more must come.
	Undecided Opening = iota
	// Plain is HTTP as listeners and browsers speak it, TLS, and all else that
	// no encoder says.
	Plain
	// Request is an HTTP request by an encoder, whose head FixHead fixes.
	Request
	// Login is the line with a password by which a SHOUTcast v1 source begins.
	Login
	// Audiocast is the line by which a source of Icecast 1 begins.
	Audiocast
	// Poke is how libshout asks whether there is a SHOUTcast server.
	Poke
)

const (
	// MaxLine is the length in bytes, without LF, of the longest line that a
	// source that does not speak HTTP begins with.
	MaxLine = 1 << 10

	// MaxHead is the length in bytes of the longest head that is mended. It is
	// what Caddy allows.
	MaxHead = 16 << 10
)

// methods begin what no encoder wants mended: requests, and the line by which a
// proxy says whom it speaks for.
var methods = []string{"CONNECT ", "DELETE ", "HEAD ", "OPTIONS ", "PATCH ", "POST ", "PRI ", "PROXY ", "TRACE "}

// version ends the line that a request of HTTP begins with.
var version = regexp.MustCompile(`(?i) (HTTP|ICE)/[0-9.]+$`)

// Sniff tells how a connection begins, from the bytes that have come so far. It
// decides as early as it can, and what it has decided stays, whatever follows.
func Sniff(b []byte) Opening {
	raw, _, whole := bytes.Cut(b, []byte("\n"))
	line := bytes.TrimRight(raw, "\r")
	switch {
	case len(b) == 0:
		return Undecided
	case len(line) == 0, 0x80 <= line[0] && line[0] < 0xc0, line[0] == 0xff: // no letter, nor sound
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

// sniffTarget tells whether a GET is for the pages that encoders ask for.
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

// HeadLength returns the length of the head of a request that b begins with, 0 if its
// end has not come yet. Lines may end in LF, with any number of CRs before it.
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

// FieldsLength is HeadLength for what follows the first line: fields up to an empty line.
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

// FixHead makes the head of an encoder's request one that every server
// understands: ICE/1.0 becomes HTTP/1.0, every line ends in CRLF, and a host is
// named where that must be. Nothing else is changed: what was wrong otherwise
// stays wrong.
func FixHead(head []byte, host string) []byte {
	mended := make([]byte, 0, len(head)+len(host)+64)
	line := func(s string) { mended = append(append(mended, s...), "\r\n"...) }
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
	return append(mended, "\r\n"...)
}

// isFolded tells whether a field goes on in the lines that follow it.
func isFolded(lines []string) bool {
	return len(lines) > 0 && strings.IndexAny(lines[0], " \t") == 0
}

// ParseLogin takes apart what a SHOUTcast v1 source gives for its password: that
// alone, or "/mount:password".
func ParseLogin(s string) (mount, password string) {
	if strings.HasPrefix(s, "/") {
		if mount, password, ok := strings.Cut(s, ":"); ok {
			return mount, password
		}
	}
	return "", s
}

// ParseAudiocast takes apart the first line of a source of Icecast 1,
// "SOURCE password /mount".
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

// fieldName is the name of a field by which a source tells of itself.
var fieldName = regexp.MustCompile(`^(?i:(icy|ice|x-audiocast)-[a-z0-9-]+|content-type|user-agent)$`)

// SourceRequest returns the head of the HTTP request that says what a source said
// that does not speak HTTP. Path is the mount's, as it stands in a URL. Of the
// fields only those stay that tell of the stream, and they are cleaned.
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
