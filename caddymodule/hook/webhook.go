package hook

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/internal/version"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"golang.org/x/net/http/httpguts"
)

func init() {
	caddy.RegisterModule(new(Webhook))
}

const (
	// webhookTime bounds one try, webhookRetry the tries, if nothing else is said.
	webhookTime  = 10 * time.Second
	webhookRetry = time.Hour
	// maxAnswerHead is how long the head of an endpoint's answer may be.
	maxAnswerHead = 64 << 10
	// webhookWorkers is how many requests of a hook are under way at a time.
	webhookWorkers = 4
)

// Webhook posts events to a URL, in JSON. What fails is tried again; the events
// of a mount come in order. What is not delivered yet outlives a reload and, in
// Caddy's storage, a restart.
type Webhook struct {
	// Where to. Placeholders such as {event.mount} are filled in and escaped.
	URL string `json:"url"`

	// Signs what is posted, by HMAC-SHA256, in the field X-Icecast-Signature. A form
	// has the id and the time of the event, then.
	Secret string `json:"secret,omitempty"`

	// Whether a form is posted, with the fields of Icecast's URL
	// authentication, in place of JSON.
	Form bool `json:"form,omitempty"`

	// Fields of the request.
	Headers map[string]string `json:"headers,omitempty"`

	// How long one try may take. Default: 10s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How long after an event it is still tried again; 0 to try once.
	// Default: 1h.
	Retry *caddy.Duration `json:"retry,omitempty"`

	// How many events may wait. Default: 10000.
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

// Provision fills in what is known when the configuration is loaded, and refuses
// what could not be sent.
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
			return fmt.Errorf("header %q: that is no field of a request", name)
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

// Cleanup lets go of the connections that nothing is sent over.
func (w *Webhook) Cleanup() error {
	if w.client != nil {
		w.client.CloseIdleConnections()
	}
	return nil
}

// NewClient returns a client for one endpoint. It follows no redirects: they
// would take what is posted, and credentials, to somewhere else.
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

// CheckURL refuses what is no address to post to.
func CheckURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return errors.New("the URL can't be read; write one such as https://example.org/hook")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return fmt.Errorf("url %q: write one such as https://example.org/hook", u.Redacted())
	}
	return nil
}

// Identity implements Identifier.
func (w *Webhook) Identity() string { return w.URL }

// Hook implements HookModule.
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
	if u, err := url.Parse(w.URL); err == nil { // the rest may hold what nobody shall read in the log
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

// UnmarshalCaddyfile reads where events are posted to, and how.
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
		return d.Errf("header: write a name and a value, such as header Authorization \"Bearer secret\"; there are %d", len(args))
	}
	if !httpguts.ValidHeaderFieldName(args[0]) {
		return setting.InvalidValue(d, "header", args[0], "the name of a field, such as Authorization")
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
		return setting.InvalidValue(d, "retry", arg, "a time such as 24h, or off")
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
