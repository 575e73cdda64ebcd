package status

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"net/http"
	"sync"

	"github.com/caddycast/caddycast/caddymodule/mountpath"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
)

// hlsScript is the light build of hls.js from npm: without subtitles and encryption. Its licence
// is beside it.
//
//go:embed hlsjs/hls.light.min.js
var hlsScript []byte

// hlsScripts returns the script with its name and licence in front, and the same compressed. They
// are made for the first one who asks.
var hlsScripts = sync.OnceValues(func() (plain, compressed []byte) {
	plain = append([]byte("/*! hls.js "+mountpath.HLSVersion+", Apache-2.0, https://github.com/video-dev/hls.js */\n"), hlsScript...)
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // a valid level
	_, _ = w.Write(plain)                                 // to memory
	_ = w.Close()
	return plain, b.Bytes()
})

// serveHLSScript answers with hls.js, which caches keep: another version has another address.
func serveHLSScript(w http.ResponseWriter, r *request.Facts) error {
	body, compressed := hlsScripts()
	header := w.Header()
	header.Add("Vary", "Accept-Encoding")
	if response.AcceptsGzip(r.Request) {
		header.Set("Content-Encoding", "gzip")
		body = compressed
	}
	response.SetDefault(header, "Cache-Control", "public, max-age=31536000, immutable")
	return response.Send(w, r.Request, "text/javascript; charset=utf-8", body)
}
