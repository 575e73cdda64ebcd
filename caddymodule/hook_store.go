package caddymodule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/hooks"
)

// hookStore keeps queues of hooks in the storage of the configuration that is in
// force. The storage may be shared by many servers: each has its own place.
type hookStore struct{ live *live }

// instanceID returns what tells this server from others. Caddy makes it up and
// writes it down when it is first asked. Who asks at the same time, as Caddy's
// own TLS app may, finds it half written, and asks again.
func instanceID() (id uuid.UUID, err error) {
	instance.Lock()
	defer instance.Unlock()
	for range 20 {
		if id, err = caddy.InstanceID(); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return id, err
}

var instance sync.Mutex

// folder returns the place of the station's queues.
func (s hookStore) folder() (string, error) {
	id, err := instanceID()
	if err != nil {
		return "", err
	}
	return path.Join("icecast", "hooks", id.String(), hashed(s.live.name)), nil
}

// key returns the place of a hook's queue.
func (s hookStore) key(hook string) (string, error) {
	folder, err := s.folder()
	return path.Join(folder, hashed(hook)+".json"), err
}

// hashed is a name that any storage can have.
func hashed(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

func (s hookStore) storage() certmagic.Storage {
	if r := s.live.last.Load(); r != nil {
		return r.storage
	}
	return nil
}

// Load implements hooks.Store.
func (s hookStore) Load(ctx context.Context, hook string) ([]byte, error) {
	key, err := s.key(hook)
	storage := s.storage()
	if err != nil || storage == nil {
		return nil, err
	}
	return storage.Load(ctx, key)
}

// Save implements hooks.Store.
func (s hookStore) Save(ctx context.Context, hook string, value []byte) error {
	key, err := s.key(hook)
	storage := s.storage()
	switch {
	case err != nil || storage == nil:
		return err
	case value == nil:
		return storage.Delete(ctx, key)
	}
	return storage.Store(ctx, key, value)
}

// unclaimedTime is for how long what is queued for a hook that no configuration has
// is kept: it may come back.
const unclaimedTime = 24 * time.Hour

// Tidy implements hooks.Store.
func (s hookStore) Tidy(ctx context.Context, hooks []string) error {
	folder, err := s.folder()
	storage := s.storage()
	if err != nil || storage == nil {
		return err
	}
	keys, err := storage.List(ctx, folder, false)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	for _, key := range keys {
		if slices.ContainsFunc(hooks, func(h string) bool { return path.Base(key) == hashed(h)+".json" }) {
			continue
		}
		info, err := storage.Stat(ctx, key)
		if err != nil || time.Since(info.Modified) < unclaimedTime {
			continue
		}
		if err := storage.Delete(ctx, key); err != nil {
			return err
		}
		s.live.logger().Warn("what was kept for a hook that is no more was let go of", zap.Time("since", info.Modified))
	}
	return nil
}

// Interface guard
var _ hooks.Store = hookStore{}
