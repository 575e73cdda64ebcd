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

// maxAnswer is how much of an answer is read, so that its connection may be used again.
const maxAnswer = 64 << 10

// Webhook is a Runner that posts events to a URL. Any answer of 2xx is a success.
// One of 4xx will not get better, but for 408, 425 and 429; all else is tried
// again, as far as the hook's policy goes.
type Webhook struct {
	// RetryAll makes every answer but success one that is tried again: no event is
	// given up because an endpoint is being moved, or its password changed.
	RetryAll bool

	URL    func(*Event) string // empty: there is nothing to post
	Client *http.Client        // must not follow redirects; its timeout bounds a try
	Secret []byte              // signs the body; empty: it is not signed
	Body   func(*Event) Body   // nil: the event in JSON

	// Prepare sets what else the request has.
	Prepare func(*http.Request, *Event)
}

// Body is what is posted.
type Body struct {
	Type string
	Text []byte
}

// Run implements Runner.
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
		return Permanent(err)
	}
	req.Header.Set("Content-Type", body.Type)
	req.Header.Set("X-Icecast-Event", string(e.Name))
	req.Header.Set("X-Icecast-Delivery", e.ID)
	if len(w.Secret) > 0 {
		req.Header.Set("X-Icecast-Signature", Sign(w.Secret, body.Text))
	}
	w.Prepare(req, e)
	resp, err := w.Client.Do(req)
	if err != nil {
		if u := new(url.Error); errors.As(err, &u) { // the URL may hold what nobody shall read in the log
			err = u.Err
		}
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	return verdict(resp.StatusCode, w.RetryAll)
}

func (w *Webhook) body(e *Event) (Body, error) {
	if w.Body != nil {
		return w.Body(e), nil
	}
	text, err := json.Marshal(e.All())
	return Body{"application/json", text}, err
}

// verdict tells what a status means. With insists nothing but success is final.
func verdict(status int, insists bool) error {
	err := fmt.Errorf("the answer is %d %s", status, http.StatusText(status))
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		return err
	case status >= 400 && status < 500 && !insists:
		return Permanent(err)
	case status >= 300 && status < 400:
		return fmt.Errorf("%w, and no redirect is followed; write the URL that it leads to", err)
	}
	return err
}

// Sign returns how a body is signed: X-Icecast-Signature.
func Sign(secret, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
