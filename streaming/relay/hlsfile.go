package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// ErrNoHLS is returned for a mount whose upstream does not serve it by HLS.
var ErrNoHLS = errors.New("the upstream has no HLS of the mount")

// FetchHLS loads a file of the server that a mount is pulled from now, of so many bytes at most: the
// one whose path is that of the stream with a suffix, which may have a query.
func (m *Manager) FetchHLS(ctx context.Context, mount, suffix string, most int64) ([]byte, error) {
	r := m.relay(mount)
	if r == nil {
		return nil, ErrNoHLS
	}
	c := r.filesClient()
	if c == nil {
		return nil, fmt.Errorf("%s: the relay is not connected", mount)
	}
	u := c.master
	at, err := url.Parse(u.URL)
	if err != nil {
		return nil, err
	}
	suffix, query, _ := strings.Cut(suffix, "?")
	at.Path, at.RawPath = at.Path+suffix, ""
	if query != "" {
		at.RawQuery = strings.Trim(at.RawQuery+"&"+query, "&")
	}
	u.URL = at.String()
	a, err := u.do(ctx, request{
		method: http.MethodGet, agent: m.agent, kept: c.transport,
		header: http.Header{PathHeader: {formatPath([]string{m.ID})}},
	})
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	switch a.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusForbidden, http.StatusUnauthorized:
		a.drain()
		return nil, fmt.Errorf("%w: %s: answer %s", ErrNoHLS, u.URL, a.Status)
	default:
		a.drain()
		return nil, fmt.Errorf("%s: answer %s; expected 200", u.URL, a.Status)
	}
	data, err := io.ReadAll(io.LimitReader(a.Body, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%s: more than %d bytes; expected less", u.URL, most)
	}
	return data, err
}

// filesClient returns the client for files of the upstream in use, nil if none is.
func (r *relay) filesClient() *masterClient {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn == nil {
		return nil
	}
	if r.files == nil || !r.files.master.same(r.conn.upstream) {
		r.closeFiles()
		r.files = newMasterClient(r.conn.upstream)
	}
	return r.files
}

// closeFiles closes the connections for files. mu is held.
func (r *relay) closeFiles() {
	if r.files != nil {
		r.files.close()
		r.files = nil
	}
}
