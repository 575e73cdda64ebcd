package handler

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/caddymodule/transport"
	"github.com/caddycast/caddycast/streaming/hls"
)

// serveHLSFile answers with a segment or an init. Who has its name has it from a list.
func (h *Handler) serveHLSFile(w http.ResponseWriter, q *listenerRequest, name string) error {
	if err := cmp.Or(h.station.Access.CheckListener(q.Addr, q.UserAgent()), h.checkBan(q)); err != nil {
		return err
	}
	m := h.station.HLS().Mount(q.path)
	var file *hls.File
	if m != nil {
		if file = m.File(name); file == nil {
			ctx, cancel := context.WithTimeout(q.Context(), hlsWait)
			defer cancel()
			file = m.AwaitFile(ctx, name)
		}
	}
	if file == nil {
		return noSegment()
	}
	var stored *os.File
	if file.Data == nil {
		var err error
		if stored, err = os.Open(file.Place.File); err != nil {
			return noSegment() // its time is over
		}
		defer stored.Close()
	}
	header := w.Header()
	header.Set("Cache-Control", fileCaching(q))
	if q.Method != http.MethodHead {
		m.Sent(file.Size)
	}
	kind := hls.ContentType(name)
	switch {
	case q.Header.Get("Range") != "":
		header.Set("Content-Type", kind)
		content := io.ReadSeeker(bytes.NewReader(file.Data))
		if stored != nil {
			content = io.NewSectionReader(stored, file.Place.Offset, int64(file.Size))
		}
		http.ServeContent(w, q.Request, "", time.Time{}, content)
		return nil
	case stored != nil:
		header.Set("Accept-Ranges", "bytes")
		return answerHLSStored(w, q.Request, kind, stored, file)
	}
	header.Set("Accept-Ranges", "bytes")
	return transport.Gathered(q.Request, func() error { return response.Send(w, q.Request, kind, file.Data) })
}

// fileCaching returns what caches may do with a file. Those of a protected mount are kept for a short
// time, since who has a name can load the file, and by the cache that they come from, if there is one.
func fileCaching(q *listenerRequest) string {
	switch {
	case q.module == nil:
		return "public, max-age=86400, immutable"
	case q.policy.HLS.SegmentsFrom != "":
		return "public, max-age=600"
	}
	return "private, max-age=600"
}

func noSegment() error {
	return response.Refuse(http.StatusNotFound, "There is no such segment, or it is too old")
}

// answerHLSStored writes a part of a file. The kernel copies it, if the connection allows that.
func answerHLSStored(w http.ResponseWriter, r *http.Request, contentType string, from *os.File, file *hls.File) error {
	if _, err := from.Seek(file.Place.Offset, io.SeekStart); err != nil {
		return noSegment()
	}
	response.WriteHead(w, http.StatusOK, contentType, file.Size)
	if r.Method == http.MethodHead {
		return nil
	}
	_, err := io.CopyN(w, from, int64(file.Size))
	return err
}
