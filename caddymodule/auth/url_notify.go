package auth

import (
	"net/http"
	"strings"
	"time"

	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/hooks"
	"github.com/caddycast/caddycast/internal/version"
)

// Bind implements Module.
func (a *URL) Bind(about Station) []hook.Bound {
	a.about = about
	to := map[hooks.Name]string{
		hooks.ListenerRemoved: a.ListenerRemove, hooks.SourceConnected: a.MountAdd, hooks.SourceDisconnected: a.MountRemove,
	}
	a.notify = &hooks.Hook{
		Name:  about.Scope + " auth url",
		Label: "auth url",
		Runner: &hooks.Webhook{
			RetryAll: true, // the end of a listener is never lost
			URL:      func(e *hooks.Event) string { return to[e.Name] },
			Client:   a.client,
			Body: func(e *hooks.Event) hooks.Body {
				server, port := about.Address()
				return hooks.IcecastForm(e, server, port)
			},
			Prepare: func(req *http.Request, e *hooks.Event) {
				if e.Name == hooks.ListenerRemoved {
					a.sign(req, e.Get("user"), e.Get("pass"))
				} else {
					a.sign(req, "", "")
				}
			},
		},
		Policy: hooks.Policy{
			Workers: urlAuthWorkers, Length: urlAuthLength, Retry: urlAuthRetry, Persist: true,
			Key: func(e *hooks.Event) string { return e.Mount + " " + e.Get("client") }, // listeners don't wait for each other
		},
	}
	var events []hooks.Name
	for _, name := range []hooks.Name{hooks.SourceConnected, hooks.SourceDisconnected} {
		if to[name] != "" {
			events = append(events, name)
		}
	}
	return []hook.Bound{{Hook: a.notify, Events: events}}
}

// gone returns the function that notifies the endpoint of a listener's end, nil if it need not
// be. It holds nothing of the request but what is posted. stays is to be called once the listener is
// admitted: the endpoint is notified then even if the server is killed.
func (a *URL) gone(q Request, id uint64) (gone func(time.Duration), stays func()) {
	if a.ListenerRemove == "" {
		return nil, func() {}
	}
	who := hooks.Fields{
		hooks.Count("client", id),
		hooks.Field{Key: "user", Value: q.User},
		hooks.Text("ip", q.IP),
		hooks.Text("agent", q.Agent),
	}
	mount, _, _ := strings.Cut(q.Mount, "?") // a query or a password may be a secret, and a will is stored
	will := hooks.NewEvent(hooks.ListenerRemoved, mount, who...)
	gone = func(heard time.Duration) {
		e := hooks.NewEvent(hooks.ListenerRemoved, q.Mount,
			append(who, hooks.Field{Key: "pass", Value: q.Password}, hooks.Seconds("duration", heard))...)
		e.ID = will.ID
		a.about.Enqueue(a.notify, e)
	}
	return gone, func() { a.about.SetWill(a.notify, will) }
}

// sign sets the credentials of a request: those of the configuration, or else the listener's.
// Credentials in the URL have priority, as in Icecast.
func (a *URL) sign(req *http.Request, user, password string) {
	if a.Username != "" {
		user, password = a.Username, a.Password
	}
	if req.URL.User == nil {
		req.SetBasicAuth(user, password)
	}
	req.Header.Set("User-Agent", version.ServerID)
}
