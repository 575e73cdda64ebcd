package caddymodule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"github.com/google/uuid"

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

// key returns the place of a hook's queue.
func (s hookStore) key(hook string) (string, error) {
	id, err := instanceID()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(s.live.name + "\x00" + hook))
	return path.Join("icecast", "hooks", id.String(), hex.EncodeToString(sum[:16])+".json"), nil
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

// Interface guard
var _ hooks.Store = hookStore{}
