package caddymodule

import (
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// lookStep is how often it is looked whether a file has changed.
const lookStep = time.Second

// watched is what stands in a file that may change while it is in use. It is read when it
// is asked for, so there is no goroutine; one of those who ask looks after the file,
// the others get what is known. What can't be read is what it was before.
type watched[T any] struct {
	// Set once.
	path string
	read func(path string) (T, error)
	log  *zap.Logger

	known atomic.Pointer[T]
	next  atomic.Int64 // when to look again, on the wall clock
	mu    sync.Mutex
	info  fs.FileInfo // nil: it could not be read
	fault string      // told last
}

// newWatched reads a file for the first time. nothing is what counts if that fails.
func newWatched[T any](path string, log *zap.Logger, nothing T, read func(path string) (T, error)) *watched[T] {
	w := &watched[T]{path: path, read: read, log: log}
	w.known.Store(&nothing)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look()
	return w
}

// get returns what stands in the file.
func (w *watched[T]) get() T {
	if time.Now().UnixNano() >= w.next.Load() && w.mu.TryLock() {
		w.look()
		w.mu.Unlock()
	}
	return *w.known.Load()
}

// look reads the file if it has changed. mu is held.
func (w *watched[T]) look() {
	if time.Now().UnixNano() < w.next.Load() {
		return // somebody else has just done so
	}
	defer func() { w.next.Store(time.Now().Add(lookStep).UnixNano()) }()
	info, err := os.Stat(w.path)
	if err == nil && w.info != nil && os.SameFile(info, w.info) &&
		info.Size() == w.info.Size() && info.ModTime().Equal(w.info.ModTime()) {
		return
	}
	var v T
	if err == nil {
		v, err = w.read(w.path)
	}
	if err != nil {
		w.info = nil
		if fault := err.Error(); fault != w.fault {
			w.fault = fault
			w.log.Warn("a file can't be read; what is known of it stays, and it is tried again and again",
				zap.String("file", w.path), zap.Error(err))
		}
		return
	}
	w.info, w.fault = info, ""
	w.known.Store(&v)
}
