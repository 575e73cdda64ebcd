package icy

import (
	"bytes"
	"regexp"
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
