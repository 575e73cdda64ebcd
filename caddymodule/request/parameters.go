package request

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddycast/caddycast/streaming/format"
)

// MaxForm bounds the parameters in the body of a request, in bytes, as in Icecast 2.5.
const MaxForm = 4 << 10

// ErrFormTooLong is returned for a body of more than MaxForm bytes.
var ErrFormTooLong = errors.New("form: too long; expected at most 4 KiB")

// Parameters reads the parameters of an admin command: from the URL and, if a form
// was posted, from the body. Percent signs that encode nothing, and semicolons, are literal,
// since encoders send them so.
func Parameters(r *http.Request) (url.Values, error) {
	raw := r.URL.RawQuery
	if r.Method == http.MethodPost && format.Canonical(r.Header.Get("Content-Type")) == "application/x-www-form-urlencoded" {
		body, err := io.ReadAll(io.LimitReader(r.Body, MaxForm+1))
		if err != nil {
			return nil, err
		}
		if len(body) > MaxForm {
			return nil, ErrFormTooLong
		}
		raw += "&" + string(body)
	}
	raw = strings.ReplaceAll(raw, ";", "%3B")
	var b strings.Builder
	for i := range len(raw) {
		b.WriteByte(raw[i])
		if raw[i] == '%' && (i+2 >= len(raw) || !isHex(raw[i+1]) || !isHex(raw[i+2])) {
			b.WriteString("25")
		}
	}
	return url.ParseQuery(b.String())
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
