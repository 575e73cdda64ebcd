package icy

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// MaxHead is the maximum length of a head for FixHead, in bytes. It is Caddy's limit.
const MaxHead = 16 << 10

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

// IsSound reports whether a head is known to need no FixHead. It allocates nothing.
func IsSound(head []byte) bool {
	first, rest, _ := bytes.Cut(head, []byte("\n"))
	method, target, _ := bytes.Cut(first, []byte(" "))
	if !endsInCRLF(first) || !slices.ContainsFunc(methods, func(m string) bool { return m[:len(m)-1] == string(method) }) ||
		!bytes.HasSuffix(target, []byte(" HTTP/1.1\r")) && (!bytes.HasSuffix(target, []byte(" HTTP/1.0\r")) || string(method) == "SOURCE") {
		return false
	}
	named := false
	for len(rest) > 0 {
		var l []byte
		if l, rest, _ = bytes.Cut(rest, []byte("\n")); !endsInCRLF(l) {
			return false
		}
		name, value, _ := bytes.Cut(l[:len(l)-1], []byte(":"))
		if len(name) == len("Host") && strings.EqualFold(string(name), "Host") {
			if named || len(bytes.TrimSpace(value)) == 0 {
				return false
			}
			named = true
		}
		if bytes.ContainsFunc(value, isControl) {
			return false
		}
	}
	return named
}

func endsInCRLF(line []byte) bool { return len(line) > 0 && bytes.IndexByte(line, '\r') == len(line)-1 }

// BodyLength returns the length of the body that a sound head announces, in bytes; -1: that is
// known by reading it only.
func BodyLength(head []byte) int64 {
	length := int64(0)
	for l := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, value, _ := bytes.Cut(l, []byte(":"))
		switch {
		case strings.EqualFold(string(name), "Transfer-Encoding"):
			return -1
		case strings.EqualFold(string(name), "Content-Length"):
			n, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 63)
			if err != nil {
				return -1
			}
			length = int64(n)
		}
	}
	return length
}

// FixHead makes the head of a request valid HTTP: ICE/1.0 becomes HTTP/1.0, each line ends in
// CRLF, a missing Host field is added, also in HTTP/1.0, and control characters are removed from
// the fields by which a source describes its stream. In others they stay, so that the server
// refuses what a proxy may have read otherwise. A SOURCE that asks to keep the connection becomes HTTP/1.1: only when
// that challenges it, libshout goes on with PUT. Other errors in the head remain.
func FixHead(head []byte, host string) []byte {
	fixed := make([]byte, 0, len(head)+len(host)+64)
	line := func(s string) { fixed = append(append(fixed, s...), "\r\n"...) }
	first, rest, _ := strings.Cut(string(head), "\n")
	method, target := fixFirstLine(strings.TrimRight(first, "\r"))
	if oldTarget, ok := strings.CutSuffix(target, " HTTP/1.0"); ok && method == "SOURCE" && keepAlive.MatchString(rest) {
		target = oldTarget + " HTTP/1.1"
	}
	line(method + " " + target)
	fromSource := method == "SOURCE" || method == "PUT"
	named := false
	lines := strings.Split(rest, "\n")
	for i, l := range lines {
		if l = strings.TrimRight(l, "\r"); l == "" {
			break
		}
		name, value, isField := strings.Cut(l, ":")
		switch {
		case strings.EqualFold(name, "host"):
			if named = true; strings.TrimSpace(value) == "" && !isFolded(lines[i+1:]) {
				l = "Host: " + host
			}
		case isField && fromSource && fieldName.MatchString(name):
			l = name + ":" + withoutControls(value)
		}
		line(l)
	}
	if !named {
		line("Host: " + host)
	}
	return append(fixed, "\r\n"...)
}

// keepAlive matches the fields of a client that asks to keep the connection.
var keepAlive = regexp.MustCompile(`(?im)^connection:[^\n]*\bkeep-alive\b`)

// fixFirstLine returns the method and the rest of the first line of a request.
func fixFirstLine(line string) (method, target string) {
	method, target, _ = strings.Cut(line, " ")
	if at := version.FindStringIndex(target); at != nil {
		v := strings.ToUpper(target[at[0]:])
		if strings.HasPrefix(v, " ICE/") {
			v = " HTTP/1.0"
		}
		target = target[:at[0]] + v
	}
	return strings.ToUpper(method), target
}

// withoutControls removes the control characters of a value. A CR stays: to others it may be the
// end of a line, which is for the server to refuse.
func withoutControls(value string) string {
	if !strings.ContainsFunc(value, isControl) {
		return value
	}
	kept := make([]byte, 0, len(value))
	for i := range len(value) {
		if c := value[i]; c == '\r' || !isControl(rune(c)) {
			kept = append(kept, c)
		}
	}
	return string(kept)
}

// isFolded reports whether the first line continues the field before it.
func isFolded(lines []string) bool {
	return len(lines) > 0 && strings.IndexAny(lines[0], " \t") == 0
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
