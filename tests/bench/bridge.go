//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/quic-go/quic-go/http3"
	"golang.org/x/sys/unix"
)

// A listener over HTTP/2 or 3 is Go's client with a connection of its own, which hands on
// what it hears over a pair of sockets. To the thread that plays it is as any other.

// socketPair returns the end that the thread that plays reads, and the other one.
func socketPair() (near, far int, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, -1, fmt.Errorf("a pair of sockets: %w", err)
	}
	return pair[0], pair[1], nil
}

// bridge asks for the mount, and has what is heard handed on until it ends.
func (h *handshaker) bridge(job handshakeJob) error {
	far := os.NewFile(uintptr(job.far), "bridge")
	resp, hangUp, err := h.get(job.ask)
	if err == nil {
		_, err = fmt.Fprintf(far, "HTTP/1.1 %s\r\n\r\n", resp.Status)
	}
	if err != nil {
		hangUp()
		_ = far.Close()
		return err
	}
	h.bridges.Go(func() {
		_, _ = io.CopyBuffer(struct{ io.Writer }{far}, resp.Body, make([]byte, 4096)) // whoever plays it sees how it ends
		_ = resp.Body.Close()
		_ = far.Close()
		hangUp()
	})
	return h.players.watch(job.id, job.l.fd)
}

// get sends the request over a connection that is its own, which hangUp closes.
func (h *handshaker) get(request []byte) (resp *http.Response, hangUp func(), err error) {
	var transport http.RoundTripper
	config := h.config.Clone()
	if h.http == 3 {
		config.NextProtos = []string{http3.NextProtoH3}
		tr := &http3.Transport{TLSClientConfig: config}
		transport, hangUp = tr, func() { _ = tr.Close() }
	} else {
		config.NextProtos = []string{"h2"}
		tr := &http.Transport{TLSClientConfig: config, Protocols: new(http.Protocols)}
		tr.Protocols.SetHTTP2(true)
		transport, hangUp = tr, tr.CloseIdleConnections
	}
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(request)))
	if err != nil {
		return nil, hangUp, fmt.Errorf("request: %w", err)
	}
	req = req.WithContext(h.alive)
	req.RequestURI = ""
	req.URL.Scheme, req.URL.Host = "https", fmt.Sprintf("127.0.0.1:%d", h.players.port)
	if resp, err = transport.RoundTrip(req); err != nil {
		err = fmt.Errorf("HTTP/%d: %w", h.http, err)
	}
	return resp, hangUp, err
}
