package auth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/request"
	"github.com/caddycast/caddycast/caddymodule/response"
	"github.com/caddycast/caddycast/streaming"
)

// refusingModule is a module that refuses every source, and counts them.
type refusingModule struct{ asked int }

func (*refusingModule) Bind(Station) []hook.Bound { return nil }
func (m *refusingModule) AdmitListener(*http.Request, Request) (*streaming.Admission, error) {
	return nil, ErrDenied
}

func (m *refusingModule) AdmitSource(*http.Request, Request) (bool, error) {
	m.asked++
	return true, ErrDenied
}

// A password of an administrator or a slave that waits too long for its comparison is not
// passed on: a module, such as an endpoint of somebody else, would get it.
func TestABusyLoginIsSaidAndNotPassedOn(t *testing.T) {
	hash := bcryptHash(t, "secret")
	newOne := func(name, user string) *Verifier {
		v, err := NewVerifier(name, user, &Credential{Password: hash})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	module := new(refusingModule)
	g := &Gate{
		Admin: newOne("admin_password", "admin"), Relay: newOne("relay_password", "relay"),
		Source: func(string) *Verifier { return nil },
	}
	g.Modules.Add("/m", module)
	occupy(t, operatorQueue)
	occupy(t, listenerQueue)
	impatient, cancel := context.WithCancel(context.Background())
	cancel()
	by := func(user string) *request.Facts {
		r := httptest.NewRequest(http.MethodGet, "/m", nil).WithContext(impatient)
		r.SetBasicAuth(user, "secret")
		return request.New(r)
	}
	_, slave := g.IsSlave(by("relay"))
	_, source := g.AuthorizeSource(by("admin"), "/m", true)
	_, _, title := g.AuthorizePassword(by(""), "/m", "secret", true)
	for name, err := range map[string]error{"a slave": slave, "a command": source, "a title by password": title} {
		var refusal *response.Refusal
		if !errors.As(err, &refusal) || refusal.Status != http.StatusServiceUnavailable {
			t.Errorf("%s: %v; want 503", name, err)
		}
	}
	if module.asked > 0 {
		t.Errorf("the module was asked %d times", module.asked)
	}
	if ok, err := g.IsSlave(by("listener")); ok || err != nil {
		t.Errorf("a listener with another user: %v, %v; want no slave, at once", ok, err)
	}
}

// occupy takes all places of a queue until the test ends.
func occupy(t *testing.T, q *queue) {
	t.Helper()
	for i := range q.places + q.reserve {
		address := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
		if err := q.await(t.Context(), address); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { q.done(address, true) })
	}
}
