package state

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"strconv"
	"time"

	"go.uber.org/zap"
)

const (
	hlsKeySize = 32
	hlsKeyTime = 5 * time.Second

	maxDiscontinuity = 1 << 20 // a stored number above it is none
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

// reserveDiscontinuities takes numbers for the discontinuities of lists, that no process of the
// station has used. Without a storage they are those of before, too.
func (st *Station) reserveDiscontinuities(from, count uint64) (first uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), hlsKeyTime)
	defer cancel()
	first, err := st.takeNumbers(ctx, "icecast/hls/"+hashed(st.name)+".discontinuity", from, count)
	if err != nil {
		st.Logger().Warn("the numbers of discontinuities of HLS are not stored; players that go on over a restart may be silent for a while", zap.Error(err))
		return from
	}
	return first
}

// takeNumbers takes numbers from those above the stored one, and stores the last of them.
func (st *Station) takeNumbers(ctx context.Context, place string, from, count uint64) (first uint64, err error) {
	storage := hookStore{st}.storage()
	if storage == nil {
		return from, nil
	}
	if err := storage.Lock(ctx, place); err != nil {
		return 0, err
	}
	defer func() { _ = storage.Unlock(context.WithoutCancel(ctx), place) }()
	stored, err := storage.Load(ctx, place)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	if last, err := strconv.ParseUint(string(stored), 10, 64); err == nil && last < maxDiscontinuity {
		from = max(from, last+1)
	}
	return from, storage.Store(ctx, place, strconv.AppendUint(nil, from+count-1, 10))
}
