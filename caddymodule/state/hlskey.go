package state

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"time"

	"go.uber.org/zap"
)

const (
	hlsKeySize = 32
	hlsKeyTime = 5 * time.Second
)

// hlsKey returns the secret that the addresses of HLS are made of. It is in the storage, so that
// they stay valid after a restart, and at all servers that share it. Without a storage it is
// that of the process.
func (st *Station) hlsKey() []byte {
	key := make([]byte, hlsKeySize)
	_, _ = rand.Read(key) // never fails
	ctx, cancel := context.WithTimeout(context.Background(), hlsKeyTime)
	defer cancel()
	stored, err := st.storedKey(ctx, "icecast/hls/"+hashed(st.name)+".key", key)
	if err != nil {
		st.Logger().Warn("the key of HLS is not stored; its listeners have to begin anew after a restart", zap.Error(err))
		return key
	}
	return stored
}

// storedKey returns the stored value at a place, which is key if there is none yet.
func (st *Station) storedKey(ctx context.Context, place string, key []byte) ([]byte, error) {
	storage := hookStore{st}.storage()
	if storage == nil {
		return key, nil
	}
	if err := storage.Lock(ctx, place); err != nil {
		return nil, err
	}
	defer func() { _ = storage.Unlock(context.WithoutCancel(ctx), place) }()
	stored, err := storage.Load(ctx, place)
	if err == nil && len(stored) == hlsKeySize {
		return stored, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return key, storage.Store(ctx, place, key)
}
