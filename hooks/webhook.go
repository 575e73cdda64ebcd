package hooks

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// maxResponse is how many bytes of a response are read, so that its connection can be
// used again.
const maxResponse = 64 << 10

// Webhook is a Runner that posts events to a URL. A response of 2xx is a success. The
// error of another 4xx than 408, 425 and 429 is permanent; all other errors are not.
type Webhook struct {
	// RetryAll makes no response permanent: no event is given up while an endpoint is
	// moved or its password is changed.
	RetryAll bool

	URL    func(*Event) string // an empty URL: the event is not posted, without an error
	Client *http.Client        // must not follow redirects; its timeout bounds a try
	Secret []byte              // signs the body; empty: it is not signed
	Body   func(*Event) Body   // nil: all fields of the event as a JSON object

	// Prepare adds to the request, which has all but that; nil: nothing is added.
	Prepare func(*http.Request, *Event)
}

// Body is the body of a request.
type Body struct {
	Type string // Content-Type
	Text []byte
}

// Run implements Runner. No part of the URL's path or query is in its errors.
func (w *Webhook) Run(ctx context.Context, e *Event) error {
	to := w.URL(e)
	if to == "" {
		return nil
	}
	body, err := w.body(e)
	if err != nil {
		return Permanent(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body.Text))
	if err != nil {
		return Permanent(withoutURL(err))
	}
	req.Header.Set("Content-Type", body.Type)
	req.Header.Set("X-Icecast-Event", string(e.Name))
	req.Header.Set("X-Icecast-Delivery", e.ID)
	if len(w.Secret) > 0 {
		req.Header.Set("X-Icecast-Signature", Sign(w.Secret, body.Text))
	}
	if w.Prepare != nil {
		w.Prepare(req, e)
	}
	resp, err := w.Client.Do(req)
	if err != nil {
		return withoutURL(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxResponse))
	return statusError(resp.StatusCode, w.RetryAll)
}

// withoutURL returns an error without the URL that it may have: that may hold a secret.
func withoutURL(err error) error {
	if u := new(url.Error); errors.As(err, &u) {
		return u.Err
	}
	return err
}

func (w *Webhook) body(e *Event) (Body, error) {
	if w.Body != nil {
		return w.Body(e), nil
	}
	text, err := json.Marshal(e.All())
	return Body{"application/json", text}, err
}

// statusError returns the error of a response; nil if it is a success. With retryAll,
// it is never permanent.
func statusError(status int, retryAll bool) error {
	err := fmt.Errorf("response %d %s; expected 2xx", status, http.StatusText(status))
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		return err
	case status >= 400 && status < 500 && !retryAll:
		return Permanent(err)
	case status >= 300 && status < 400:
		return fmt.Errorf("%w (redirects are not followed; set the URL of their target)", err)
	}
	return err
}

// Sign returns the value of X-Icecast-Signature: "sha256=" and the HMAC of the body in
// hexadecimal.
func Sign(secret, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
