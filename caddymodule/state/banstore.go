package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/caddymodule/ban"
)

const (
	banStoreTime  = 5 * time.Second  // bounds one access to the storage
	banSaveSoon   = time.Second      // after bans of other nodes
	banStoreRetry = 30 * time.Second // after an error

	maxStoredBans = 32 << 20 // bytes
)

// banStore stores the bans of a station in the storage of the current configuration, at
// icecast/bans/<instance>/<station>.json. What is stored is merged with what is known, so that neither
// is lost if the storage was away.
type banStore struct {
	station *Station

	mu     sync.Mutex // held while the storage is used
	timer  *time.Timer
	closed bool
}

// load merges the stored bans, and stores all.
func (s *banStore) load() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sync()
}

// saveSoon stores the bans within a second.
func (s *banStore) saveSoon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.again(banSaveSoon)
}

// again syncs after a while. mu is held.
func (s *banStore) again(after time.Duration) {
	if s.timer == nil && !s.closed {
		s.timer = time.AfterFunc(after, s.load)
	}
}

// close stores what is not stored yet.
func (s *banStore) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	s.sync()
}

// sync merges the stored bans, and stores all if there are more. mu is held.
func (s *banStore) sync() {
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), banStoreTime)
	defer cancel()
	if err := s.try(ctx); err != nil {
		s.station.Logger().Error("bans not stored; they are in force until the next start", zap.Error(err))
		s.again(banStoreRetry)
	}
}

func (s *banStore) try(ctx context.Context) error {
	storage := hookStore{s.station}.storage()
	if storage == nil {
		return nil
	}
	id, err := instanceID()
	if err != nil {
		return err
	}
	place := path.Join("icecast", "bans", id.String(), hashed(s.station.name)+".json")
	text, err := storage.Load(ctx, place)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var stored []ban.Ban
	if err == nil {
		if stored, err = readBans(text); err != nil {
			s.station.Logger().Error("stored bans unreadable; they are replaced", zap.String("key", place), zap.Error(err))
		}
	}
	if fresh, _ := s.station.bans.Merge(stored); len(fresh) > 0 { // invalid ones are of other versions
		s.station.endBanned()
	}
	var other ban.List
	_, _ = other.Merge(stored)
	defer other.Close()
	now := time.Now()
	if other.Digest(now) == s.station.bans.Digest(now) {
		return nil
	}
	if text, err = json.Marshal(s.station.bans.Known()); err != nil {
		return err
	}
	return storage.Store(ctx, place, text)
}

func readBans(text []byte) (all []ban.Ban, err error) {
	if len(text) > maxStoredBans {
		return nil, fmt.Errorf("%d bytes; expected at most %d", len(text), maxStoredBans)
	}
	return all, json.Unmarshal(text, &all)
}
