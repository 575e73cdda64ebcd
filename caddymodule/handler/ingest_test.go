package handler

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestSourceAnswer(t *testing.T) {
	for _, tt := range []struct{ method, proto, expect, want string }{
		{"SOURCE", "HTTP/1.0", "", "HTTP/1.0 200 OK\r\n\r\n"},
		{"SOURCE", "HTTP/1.1", "", "HTTP/1.0 200 OK\r\n\r\n"},
		{"SOURCE", "HTTP/1.1", "100-continue", "HTTP/1.0 200 OK\r\n\r\n"},
		{"PUT", "HTTP/1.0", "", "HTTP/1.0 200 OK\r\n\r\n"},
		{"PUT", "HTTP/1.0", "100-continue", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\n"},
		{"PUT", "HTTP/1.1", "", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"},
		{"PUT", "HTTP/1.1", "100-Continue", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"},
	} {
		r := httptest.NewRequest(tt.method, "/live.mp3", nil)
		r.ProtoMajor, r.ProtoMinor, _ = http.ParseHTTPVersion(tt.proto)
		r.Header.Set("Expect", tt.expect)
		if got := sourceAnswer(r); got != tt.want {
			t.Errorf("%s %s %q: %q; want %q", tt.method, tt.proto, tt.expect, got, tt.want)
		}
	}
}

func TestSourceBody(t *testing.T) {
	const early, late = "what came with the head ", "and what comes after it"
	for _, tt := range []struct {
		name    string
		length  int64
		chunked bool
		sent    [2]string
		want    string
		wantErr error
	}{
		{"no length is all that comes", 0, false, [2]string{early, late}, early + late, nil},
		{"nothing came with the head", 0, false, [2]string{"", late}, late, nil},
		{"an unknown length is all that comes", -1, false, [2]string{early, late}, early + late, nil},
		{"a length ends it", 10, false, [2]string{early, late}, early[:10], nil},
		{"a length that is longer than what came with the head", 30, false, [2]string{early, late}, (early + late)[:30], nil},
		{"chunks", -1, true, [2]string{"5\r\nhel", "lo\r\n6;x=y\r\n there\r\n0\r\n\r\n"}, "hello there", nil},
		{"a chunk that is cut off", -1, true, [2]string{"5\r\nhel", ""}, "hel", io.ErrUnexpectedEOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server, client := net.Pipe()
			defer server.Close()
			go func() {
				_, _ = io.WriteString(client, tt.sent[0])
				_, _ = io.WriteString(client, tt.sent[1])
				_ = client.Close()
			}()
			buffered := bufio.NewReader(server)
			if _, err := buffered.Peek(len(tt.sent[0])); err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodPut, "/live.mp3", nil)
			r.ContentLength = tt.length
			if tt.chunked {
				r.TransferEncoding = []string{"chunked"}
			}
			got, err := io.ReadAll(sourceBody(r, server, buffered))
			if string(got) != tt.want || !errors.Is(err, tt.wantErr) {
				t.Errorf("%q, %v; want %q, %v", got, err, tt.want, tt.wantErr)
			}
		})
	}
}

func TestInterval(t *testing.T) {
	for value, want := range map[string]int{
		"": 0, "0": 0, "16000": 16000, "1": 1, "1048576": 1048576,
		"1048577": 0, "-1": 0, "often": 0, "99999999999999999999": 0,
	} {
		r := httptest.NewRequest("SOURCE", "/live.mp3", nil)
		r.Header.Set("Icy-Metaint", value)
		if got := interval(r); got != want {
			t.Errorf("%q: %d; want %d", value, got, want)
		}
	}
}
