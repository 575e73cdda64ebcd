package state

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/caddycast/caddycast/hooks"
)

// hookStore stores the queues of hooks in the storage of the current configuration. Since many
// servers may share a storage, each has a folder of its own.
type hookStore struct{ station *Station }

// instanceID returns the identity of this server. Caddy makes it and writes it to a file at the
// first call. A call at the same time, such as that of Caddy's TLS app, can find the file half
// written, so it is repeated.
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

// folder returns the key prefix of the station's queues.
func (s hookStore) folder() (string, error) {
	id, err := instanceID()
	if err != nil {
		return "", err
	}
	return path.Join("icecast", "hooks", id.String(), hashed(s.station.name)), nil
}

// key returns the storage key of a value of a hook's queue: icecast/hooks/<instance>/
// <station>/<hook>.json for hooks.DocumentKey, <hook>.<key>.json for others.
func (s hookStore) key(hook, key string) (string, error) {
	folder, err := s.folder()
	if key != hooks.DocumentKey {
		key = "." + key
	}
	return path.Join(folder, hashed(hook)+key+".json"), err
}

// parseKey is the reverse of key, except that the hook's name is hashed.
func parseKey(place string) (hook, key string, ok bool) {
	name, ok := strings.CutSuffix(path.Base(place), ".json")
	hook, key, _ = strings.Cut(name, ".")
	return hook, key, ok
}

// hashed turns a name into one that any storage accepts.
func hashed(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

func (s hookStore) storage() certmagic.Storage {
	if g := s.station.current.Load(); g != nil {
		return g.Storage
	}
	return nil
}

// list returns all storage keys of the station's queues.
func (s hookStore) list(ctx context.Context) (certmagic.Storage, []string, error) {
	folder, err := s.folder()
	storage := s.storage()
	if err != nil || storage == nil {
		return nil, nil, err
	}
	places, err := storage.List(ctx, folder, false)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return storage, places, err
}

// List implements hooks.Store.
func (s hookStore) List(ctx context.Context, hook string) (keys []string, err error) {
	_, places, err := s.list(ctx)
	for _, place := range places {
		if h, key, ok := parseKey(place); ok && h == hashed(hook) {
			keys = append(keys, key)
		}
	}
	return keys, err
}

// Load implements hooks.Store.
func (s hookStore) Load(ctx context.Context, hook, key string) ([]byte, error) {
	place, err := s.key(hook, key)
	storage := s.storage()
	if err != nil || storage == nil {
		return nil, cmp.Or(err, fs.ErrNotExist)
	}
	return storage.Load(ctx, place)
}

// Save implements hooks.Store.
func (s hookStore) Save(ctx context.Context, hook, key string, value []byte) error {
	place, err := s.key(hook, key)
	storage := s.storage()
	if err != nil || storage == nil {
		return err
	}
	return storage.Store(ctx, place, value)
}

// Delete implements hooks.Store.
func (s hookStore) Delete(ctx context.Context, hook, key string) error {
	place, err := s.key(hook, key)
	storage := s.storage()
	if err != nil || storage == nil {
		return err
	}
	return storage.Delete(ctx, place)
}

// unclaimedTime is how long events of a removed hook stay stored, since the hook may come back.
const unclaimedTime = 24 * time.Hour

// DeleteStale implements hooks.Store.
func (s hookStore) DeleteStale(ctx context.Context, hooks []string) error {
	storage, places, err := s.list(ctx)
	if err != nil {
		return err
	}
	claimed := make(map[string]bool)
	for _, h := range hooks {
		claimed[hashed(h)] = true
	}
	since := make(map[string]time.Time) // by hook
	for _, place := range places {
		hook, _, ok := parseKey(place)
		if ok && claimed[hook] {
			continue
		}
		info, err := storage.Stat(ctx, place)
		if err != nil || time.Since(info.Modified) < unclaimedTime {
			continue
		}
		if err := storage.Delete(ctx, place); err != nil {
			return err
		}
		if ok { // else it is the temporary file of a killed process
			since[hook] = info.Modified
		}
	}
	for _, t := range since {
		s.station.Logger().Warn("discarded stored events of a removed hook", zap.Time("since", t))
	}
	return nil
}

// Interface guard
var _ hooks.Store = hookStore{}
