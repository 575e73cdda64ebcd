package relay

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/caddycast/caddycast/streaming"
)

// While a mount plays, its listeners are those whom its master admits: also if the mount is on no
// list any more, and before the first list of a master whose password has changed.
func TestAMountIsGuardedAsLongAsItPlays(t *testing.T) {
	u := newUpstream(t, 0, false)
	var list atomic.Pointer[string]
	set := func(text string) { list.Store(&text) }
	hold := make(chan struct{}) // delays the list for another password
	master := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != ListPath {
			u.Config.Handler.ServeHTTP(w, r)
			return
		}
		if _, password, _ := r.BasicAuth(); password != "first" {
			select {
			case <-hold:
			case <-r.Context().Done():
			}
		}
		_, _ = w.Write([]byte(*list.Load()))
	}))
	t.Cleanup(master.Close)
	settings := func(password string) Settings {
		return Settings{Slave: &SlaveConfig{
			Masters: []Upstream{{URL: master.URL, User: "relay", Password: password}}, Interval: minPollGap, AsksMasters: true,
			Missing: func(string, []Protection) []Protection { return nil },
		}}
	}
	guarded := func(m *Manager, password string) bool {
		clients := m.guards.Load().of("/m")
		return slices.Equal(m.Required("/m"), []Protection{ProtectedByAuth}) &&
			len(clients) == 1 && clients[0].master.Password == password
	}
	set("/m\tauth\n")
	m := managed(t, streaming.MountSettings{})
	m.Apply(settings("first"))
	within(t, soon, "it plays", m.plays(master.URL+"/m"))
	if !guarded(m, "first") {
		t.Error("it is not guarded")
	}
	m.Apply(settings("second"))
	if !guarded(m, "second") {
		t.Error("before the first list it is not guarded")
	}
	close(hold)
	within(t, soon, "the list is known", func() bool { return m.relay("/m") != nil && guarded(m, "second") })
	set("/other\n")
	within(t, soon, "it leaves", func() bool { r := m.relay("/m"); return r == nil || r.isLeaving() })
	if is := guarded(m, "second"); m.relay("/m") != nil && !is {
		t.Error("it plays on and is not guarded")
	}
	set("/m\n")
	within(t, soon, "it is open", func() bool { return m.relay("/m") != nil && m.Required("/m") == nil })
}
