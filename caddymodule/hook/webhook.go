package hook

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"golang.org/x/net/http/httpguts"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/internal/version"
)

func init() {
	caddy.RegisterModule(new(Webhook))
}

const (
	// webhookTime bounds one attempt, webhookRetry all attempts, if nothing is set.
	webhookTime  = 10 * time.Second
	webhookRetry = time.Hour
	// maxAnswerHead bounds the header of an answer, in bytes.
	maxAnswerHead = 64 << 10
	// webhookWorkers bounds the requests of a hook at a time.
	webhookWorkers = 4
)

// Webhook posts events to a URL, in JSON. Failed attempts are repeated; the events of a mount
// arrive in order. Undelivered events outlive a reload and, in Caddy's storage, a restart.
type Webhook struct {
	// The URL. Placeholders such as {event.mount} are filled in and escaped.
	URL string `json:"url"`

	// Key of an HMAC-SHA256 of the body in the header X-Icecast-Signature. A form then has
	// the id and the time of the event. Default: no signature.
	Secret string `json:"secret,omitempty"`

	// Whether a form with the fields of Icecast's URL authentication is posted in place of
	// JSON. Default: false.
	Form bool `json:"form,omitempty"`

	// Headers of the request. Default: none.
	Headers map[string]string `json:"headers,omitempty"`

	// The longest time of one attempt, at most 1h. Default: 10s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// The time after an event in which failed attempts are repeated, at most 30d. 0: one
	// attempt. Default: 1h.
	Retry *caddy.Duration `json:"retry,omitempty"`

	// The number of events that may wait. Default: 10000.
	Queue int `json:"queue,omitempty"`

	client *http.Client
}

// CaddyModule returns the Caddy module information.
func (*Webhook) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "icecast.hooks.webhook",
		New: func() caddy.Module { return new(Webhook) },
	}
}

// Provision fills in placeholders other than those of events, and refuses what could not be
// sent.
func (w *Webhook) Provision(caddy.Context) error {
	repl := caddy.NewReplacer()
	var err error
	if w.Secret, err = repl.ReplaceOrErr(w.Secret, true, true); err != nil {
		return fmt.Errorf("secret: %w", err)
	}
	if w.URL, err = repl.ReplaceOrErr(w.URL, true, false); err != nil {
		return fmt.Errorf("url: %w", err)
	}
	if err := CheckURL(eventReplacer(new(hooks.Event), hooks.Escape).ReplaceKnown(w.URL, "")); err != nil {
		return err
	}
	if err := checkEventPlaceholders(w.URL); err != nil {
		return fmt.Errorf("url: %w", err)
	}
	for name, value := range w.Headers {
		if w.Headers[name], err = repl.ReplaceOrErr(value, true, false); err != nil {
			return fmt.Errorf("header %q: %w", name, err)
		}
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(w.Headers[name]) {
			return fmt.Errorf("header %q: invalid name or value; expected those of a header, such as Authorization", name)
		}
	}
	w.client = NewClient(cmp.Or(time.Duration(w.Timeout), webhookTime), webhookWorkers)
	retry := caddy.Duration(webhookRetry)
	if w.Retry != nil {
		retry = *w.Retry
	}
	w.Retry = &retry
	return cmp.Or(
		setting.CheckRange("timeout", w.Timeout, caddy.Duration(time.Hour)),
		setting.CheckRange("retry", retry, caddy.Duration(30*24*time.Hour)),
		setting.CheckRange("queue", w.Queue, 1_000_000),
	)
}

// Cleanup closes idle connections.
func (w *Webhook) Cleanup() error {
	if w.client != nil {
		w.client.CloseIdleConnections()
	}
	return nil
}

// NewClient returns a client for one endpoint. It follows no redirects: they would take the
// body and the credentials to another host.
func NewClient(timeout time.Duration, connections int) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = connections
	transport.IdleConnTimeout = 30 * time.Second
	transport.MaxResponseHeaderBytes = maxAnswerHead
	return &http.Client{
		Transport:     transport,
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// CheckURL refuses a text that is no http or https URL with a host.
func CheckURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return errors.New("url: invalid URL; expected one such as https://example.org/hook")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return fmt.Errorf("url: invalid URL %q; expected one such as https://example.org/hook", u.Redacted())
	}
	return nil
}

// Identity implements Identifier.
func (w *Webhook) Identity() string { return w.URL }

// Hook implements Module.
func (w *Webhook) Hook(st Station) hooks.Hook {
	hook := &hooks.Webhook{
		URL: func(e *hooks.Event) string {
			return eventReplacer(e, hooks.Escape).ReplaceKnown(w.URL, "")
		},
		Client: w.client,
		Secret: []byte(w.Secret),
		Prepare: func(req *http.Request, _ *hooks.Event) {
			req.Header.Set("User-Agent", version.ServerID)
			for name, value := range w.Headers {
				if req.Header.Set(name, value); strings.EqualFold(name, "Host") {
					req.Host = value
				}
			}
		},
	}
	if w.Form {
		hook.Body = func(e *hooks.Event) hooks.Body {
			server, port := st.Address()
			form := hooks.IcecastForm(e, server, port)
			if w.Secret != "" {
				form = form.Stamped(e)
			}
			return form
		}
	}
	host := "an endpoint"
	if u, err := url.Parse(w.URL); err == nil { // the rest may hold secrets
		host = u.Host
	}
	return hooks.Hook{
		Label:  "webhook " + host,
		Runner: hook,
		Policy: hooks.Policy{
			Workers: webhookWorkers, Length: w.Queue, Retry: time.Duration(*w.Retry), Persist: true,
		},
	}
}

// UnmarshalCaddyfile parses the URL and its settings.
//
//	webhook <url> {
//		secret  <secret>
//		form
//		header  <name> <value>
//		timeout <duration>
//		retry   <duration>|off
//		queue   <number>
//	}
func (w *Webhook) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // webhook
	var err error
	if w.URL, err = setting.OneArg(d, "https://example.org/hook"); err != nil {
		return err
	}
	if err := CheckURL(w.URL); err != nil && !strings.Contains(w.URL, "{") {
		return d.WrapErr(err)
	}
	if err := checkEventPlaceholders(w.URL); err != nil {
		return d.WrapErr(err)
	}
	return setting.ParseBlock(d, "webhook", setting.Directives{
		"secret":  setting.Text(d, &w.Secret),
		"form":    func() error { return parseForm(d, &w.Form) },
		"header":  func() error { return w.parseHeader(d) },
		"timeout": setting.PositiveDuration(d, &w.Timeout),
		"retry":   func() error { return w.parseRetry(d) },
		"queue":   setting.Count(d, &w.Queue),
	})
}

func parseForm(d *caddyfile.Dispenser, dst *bool) error {
	var on *bool
	err := setting.Flag(d, &on)()
	*dst = setting.Is(on, true)
	return err
}

func (w *Webhook) parseHeader(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) != 2 {
		return d.Errf("header: %d values; expected a name and a value, such as header Authorization \"Bearer secret\"", len(args))
	}
	if !httpguts.ValidHeaderFieldName(args[0]) {
		return setting.InvalidValue(d, "header", args[0], "the name of a header, such as Authorization")
	}
	if w.Headers == nil {
		w.Headers = make(map[string]string)
	}
	w.Headers[args[0]] = args[1]
	return nil
}

func (w *Webhook) parseRetry(d *caddyfile.Dispenser) error {
	arg, err := setting.OneArg(d, "24h")
	if err != nil {
		return err
	}
	t, ok := setting.ParseDuration(arg)
	if !ok && arg != "off" {
		return setting.InvalidValue(d, "retry", arg, "a duration such as 24h, or off")
	}
	w.Retry = new(caddy.Duration)
	*w.Retry = caddy.Duration(t)
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Webhook)(nil)
	_ caddy.CleanerUpper    = (*Webhook)(nil)
	_ Module                = (*Webhook)(nil)
	_ caddyfile.Unmarshaler = (*Webhook)(nil)
)
