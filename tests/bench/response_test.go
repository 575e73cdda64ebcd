//go:build linux

package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestHeadsOfResponses(t *testing.T) {
	for _, c := range []struct {
		head string
		want responseHead
		bad  string // what the error says
	}{
		{head: "HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg", want: responseHead{status: 200}},
		{head: "ICY 200 OK\r\nICY-METAINT: 16000", want: responseHead{status: 200, metaint: 16000}},
		{head: "HTTP/1.1 404 Not Found", want: responseHead{status: 404}},
		{head: "HTTP/1.1 200", want: responseHead{status: 200}},
		{head: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", want: responseHead{status: 200, chunked: true}},
		{head: "HTTP/1.1 twice", bad: "no status"},
		{head: "", bad: "no response"},
		{head: "SSH-2.0", bad: "no response"},
		{head: "HTTP/1.1 200 OK\r\nicy-metaint: -1", bad: "no interval"},
	} {
		got, err := parseHead([]byte(c.head))
		if c.bad != "" {
			if err == nil || !strings.Contains(err.Error(), c.bad) {
				t.Errorf("%q: %v, want %q", c.head, err, c.bad)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%q: %+v, %v", c.head, got, err)
		}
	}
}

func TestAHeadEndsAtTheEmptyLineOrIsTooLong(t *testing.T) {
	if head, rest, err := cutHead([]byte("a\r\n\r\nb")); string(head) != "a" || string(rest) != "b" || err != nil {
		t.Errorf("%q, %q, %v", head, rest, err)
	}
	if _, rest, err := cutHead([]byte("a\r\n\r\n")); rest == nil || err != nil {
		t.Errorf("without a body: %q, %v", rest, err)
	}
	if _, rest, err := cutHead([]byte("a\r\n\r")); rest != nil || err != nil {
		t.Errorf("without an end: %q, %v", rest, err)
	}
	if _, _, err := cutHead(make([]byte, maxHead+1)); err == nil {
		t.Error("a head without end is read for ever")
	}
}

func TestMetadataIsCutOutHoweverItIsCut(t *testing.T) {
	const metaint = 10
	var sound, stream []byte
	for i := range 20 {
		block := bytes.Repeat([]byte{byte(100 + i)}, metaint)
		sound = append(sound, block...)
		stream = append(stream, block...)
		stream = append(stream, byte(i%3))
		stream = append(stream, bytes.Repeat([]byte{0xee}, i%3*16)...)
	}
	for piece := 1; piece <= len(stream); piece++ {
		c := newICYCutter(metaint)
		var got []byte
		for p := range slices.Chunk(stream, piece) {
			for len(p) > 0 {
				var s []byte
				s, p = c.next(p)
				got = append(got, s...)
			}
		}
		if !bytes.Equal(got, sound) {
			t.Fatalf("%d bytes at a time: % x", piece, got)
		}
	}
	plain := newICYCutter(0)
	if s, rest := plain.next(stream); len(s) != len(stream) || rest != nil {
		t.Error("something is cut out where nothing was put in")
	}
}
