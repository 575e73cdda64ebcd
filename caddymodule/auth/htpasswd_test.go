package auth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

const md5OfPassword = "5f4dcc3b5aa765d61d8327deb882cf99"

// newHtpasswd is a module that reads a file with that text, and what it logs.
func newHtpasswd(t *testing.T, text string) (*Htpasswd, *observer.ObservedLogs) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	core, lines := observer.New(zap.DebugLevel)
	return openHtpasswd(t, file, zap.New(core)), lines
}

// openHtpasswd is a module that reads a file. Provision takes its logger from Caddy.
func openHtpasswd(t *testing.T, file string, log *zap.Logger) *Htpasswd {
	t.Helper()
	users, err := openUserFile(file, log)
	if err != nil {
		t.Fatal(err)
	}
	a := &Htpasswd{File: file, users: users}
	a.Bind(Station{Sessions: new(Sessions)})
	return a
}

func listenAs(a *Htpasswd, user, password string) (end func(time.Duration), err error) {
	admission, err := a.AdmitListener(httptest.NewRequest(http.MethodGet, "/m", nil), Request{User: user, Password: password, Tried: true})
	if err != nil {
		return nil, err
	}
	return admission.OnEnd, nil
}

func TestAUserOfAStrangeHashIsNamedAndTheOthersMayListen(t *testing.T) {
	a, lines := newHtpasswd(t, "ann:"+md5OfPassword+"\nbob:$6$salt$hash\n")
	if _, err := listenAs(a, "ann", "password"); err != nil {
		t.Error(err)
	}
	if _, err := listenAs(a, "bob", "hash"); !errors.Is(err, ErrDenied) {
		t.Errorf("%v; want that he is denied", err)
	}
	if all := lines.FilterMessageSnippet("cannot log in").All(); len(all) != 1 || all[0].ContextMap()["users"] != int64(1) {
		t.Errorf("logged is %v", lines.All())
	}
}

// A panel makes the file when there is a first user.
func TestAFileThatIsNotThereYetLetsNobodyIn(t *testing.T) {
	core, lines := observer.New(zap.DebugLevel)
	a := openHtpasswd(t, filepath.Join(t.TempDir(), "users"), zap.New(core))
	if _, err := listenAs(a, "ann", ""); !errors.Is(err, ErrDenied) {
		t.Errorf("%v; want that she is denied", err)
	}
	if lines.FilterMessageSnippet("file missing").Len() != 1 {
		t.Errorf("logged is %v", lines.All())
	}
	if err := a.AddUser("ann", "password"); err != nil {
		t.Fatal(err)
	}
	if _, err := listenAs(a, "ann", "password"); err != nil {
		t.Error(err)
	}
	if err := os.Remove(a.File); err != nil {
		t.Fatal(err)
	}
	_ = a.users.Refresh()
	if _, err := listenAs(a, "ann", "password"); err != nil { // the users are those of before
		t.Error(err)
	}
}

func TestWhatIsNoFileIsRefused(t *testing.T) {
	a := &Htpasswd{File: t.TempDir()}
	if err := a.Provision(caddy.Context{}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
}

// Whoever is refused learns nothing from how long that takes.
func TestAnUnknownUserIsComparedWithAHashAsSlowAsOthers(t *testing.T) {
	a, _ := newHtpasswd(t, "ann:"+bcryptHash(t, "hackme")+"\n")
	t.Run("it waits for its turn", func(t *testing.T) {
		occupy(t, listenerQueue)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/m", nil)
		if _, err := a.AdmitListener(r, Request{User: "nobody", Password: "hackme", Tried: true}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%v; want that it could not be found out", err)
		}
	})
	if _, err := listenAs(a, "nobody", "hackme"); !errors.Is(err, ErrDenied) {
		t.Errorf("%v; want that he is denied", err)
	}
	if _, err := listenAs(a, "ann", "hackme"); err != nil {
		t.Error(err)
	}
}

func TestSessionsCountWhenThereIsNoLimitYet(t *testing.T) {
	a, _ := newHtpasswd(t, "ann:"+md5OfPassword)
	end, err := listenAs(a, "ann", "password")
	if err != nil {
		t.Fatal(err)
	}
	a.MaxSessions = 1 // as in the next configuration, which has the same sessions
	if _, err := listenAs(a, "ann", "password"); !errors.Is(err, ErrSessions) {
		t.Errorf("%v; want that she listens already", err)
	}
	end(0)
	if _, err := listenAs(a, "ann", "password"); err != nil {
		t.Error(err)
	}
}
