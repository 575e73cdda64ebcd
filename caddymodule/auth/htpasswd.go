package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/caddycast/caddycast/caddymodule/hook"
	"github.com/caddycast/caddycast/caddymodule/setting"
	"github.com/caddycast/caddycast/internal/htpasswd"
	"github.com/caddycast/caddycast/streaming"
	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

func init() {
	caddy.RegisterModule(new(Htpasswd))
}

// htpasswdStep is how often it is looked at most whether the file has changed.
const htpasswdStep = time.Second

// Htpasswd lets those listen who are in a file of users and hashed passwords:
// bcrypt, apr1 and SHA as htpasswd makes them, or MD5 in hexadecimal as Icecast
// does. The file is read again when it has changed.
type Htpasswd struct {
	// The file.
	File string `json:"file"`

	// How often one user may listen at a time; 0 for no limit, which is the
	// default.
	MaxSessions int `json:"max_sessions,omitempty"`

	about Station

	mu      sync.Mutex
	looked  time.Time
	stamp   stamp
	broken  bool // it was said that the file can't be read
	absent  bool // the file has not been there yet
	known   htpasswd.Users
	strange []int                        // lines of the file that are of no use
	decoy   string                       // compared with what those give whom the file does not have
	right   map[string][sha256.Size]byte // what a user's slow hash has matched
}

// listenerHashing is taken while a listener's password is compared with a slow hash:
// a crowd of them keeps no source waiting.
var listenerHashing = make(chan struct{}, max(1, runtime.NumCPU()/2))

// stamp tells whether a file has changed.
type stamp struct {
	time time.Time
	size int64
}

// CaddyModule returns the Caddy module information.
func (*Htpasswd) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "icecast.auth.htpasswd",
		New: func() caddy.Module { return new(Htpasswd) },
	}
}

// Provision reads the file, so that a wrong name is known at once.
func (a *Htpasswd) Provision(caddy.Context) error {
	a.File = caddy.NewReplacer().ReplaceKnown(a.File, "")
	if a.File == "" {
		return errors.New("htpasswd: the file has no name")
	}
	if err := setting.CheckRange("max_sessions", a.MaxSessions, math.MaxInt); err != nil {
		return err
	}
	a.looked = time.Now()
	err := a.read()
	if errors.Is(err, fs.ErrNotExist) {
		if _, at := os.Stat(filepath.Dir(a.File)); at == nil { // it may be made when there is a first user
			a.absent, err = true, nil
		}
	}
	return err
}

// Bind implements AuthModule.
func (a *Htpasswd) Bind(about Station) []hook.Bound {
	a.about = about
	a.complain()
	return nil
}

// complain says which users can't log in.
func (a *Htpasswd) complain() {
	if a.absent {
		a.about.Logger().Warn("nobody can log in, since the file of users is not there yet", zap.String("file", a.File))
	}
	if len(a.strange) > 0 {
		a.about.Logger().Warn("some users can't log in, since their hashes are of a kind that is not known; make them by htpasswd -B",
			zap.String("file", a.File), zap.Ints("lines", a.strange[:min(len(a.strange), 20)]), zap.Int("users", len(a.strange)))
	}
}

// readUsers returns what is in a file of users.
func readUsers(name string) ([]byte, os.FileInfo, error) {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() { // one would wait for another's end
		err = fmt.Errorf("%s is no file", name)
	}
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(name) //nolint:gosec // G304: the configuration names it
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, htpasswd.MaxSize+1))
	if err == nil && len(text) > htpasswd.MaxSize {
		err = fmt.Errorf("%s is longer than %d bytes", name, htpasswd.MaxSize)
	}
	return text, info, err
}

// read reads the file. mu is held, or nobody knows a yet.
func (a *Htpasswd) read() error {
	text, info, err := readUsers(a.File)
	if err != nil {
		return fmt.Errorf("htpasswd: %w", err)
	}
	users, strange, err := htpasswd.Parse(text)
	if err != nil {
		return fmt.Errorf("htpasswd: %s: %w", a.File, err)
	}
	a.known, a.strange, a.decoy, a.stamp = users, strange, users.Decoy(), stamp{info.ModTime(), info.Size()}
	a.right, a.absent = make(map[string][sha256.Size]byte), false
	return nil
}

// refresh reads the file if it has changed. One that can't be read is as it was.
// mu is held.
func (a *Htpasswd) refresh(now time.Time) {
	if now.Sub(a.looked) < htpasswdStep {
		return
	}
	a.looked = now
	info, err := os.Stat(a.File)
	if err == nil {
		if a.stamp == (stamp{info.ModTime(), info.Size()}) {
			return
		}
		if err = a.read(); err == nil {
			a.complain()
		}
	}
	if a.absent && errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil && !a.broken {
		a.about.Logger().Error("the users are those of before, since their file can't be read", zap.Error(err))
	}
	a.broken = err != nil
}

// AdmitListener implements AuthModule.
func (a *Htpasswd) AdmitListener(r *http.Request, q Request) (*streaming.Admission, error) {
	if !q.Tried {
		return nil, ErrDenied
	}
	switch ok, err := a.matches(r.Context(), q.User, q.Password); {
	case err != nil:
		return nil, err
	case !ok:
		return nil, ErrDenied
	}
	end, ok := a.about.Sessions.Begin(a.about.Scope+"\x00"+q.User, a.MaxSessions)
	if !ok {
		return nil, ErrSessions
	}
	return &streaming.Admission{User: q.User, OnEnd: end}, nil
}

// AdmitSource implements AuthModule: sources have source_password.
func (*Htpasswd) AdmitSource(*http.Request, Request) (bool, error) { return false, nil }

// matches tells whether a password is the user's.
func (a *Htpasswd) matches(ctx context.Context, user, password string) (bool, error) {
	a.mu.Lock()
	a.refresh(time.Now())
	hash, known := a.known[user]
	if !known {
		hash = a.decoy // how long it takes does not tell who is there
	}
	right, remembered := a.right[user]
	a.mu.Unlock()
	digest := sha256.Sum256([]byte(hash + "\x00" + password))
	switch {
	case hash == "":
		return false, nil
	case remembered && right == digest:
		return true, nil
	case !htpasswd.IsSlow(hash):
		return htpasswd.Matches(hash, password), nil
	}
	ctx, cancel := context.WithTimeout(ctx, MaxHashingTime)
	defer cancel()
	select {
	case listenerHashing <- struct{}{}:
		defer func() { <-listenerHashing }()
	case <-ctx.Done():
		return false, fmt.Errorf("%w: %w", ErrUnavailable, errBusy)
	}
	if !htpasswd.Matches(hash, password) || !known {
		return false, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.right[user] = digest
	return true, nil
}

// Interface guards
var (
	_ caddy.Provisioner = (*Htpasswd)(nil)
	_ Module            = (*Htpasswd)(nil)
)
