// Package filewatch keeps what a file says while the file may change.
//
// A File is read once when it is made, and again when it has changed. There is no
// goroutine and no inotify: whoever calls Get looks at the file at most once a
// second, and only one caller at a time does so, while the others get the value that
// is known. A file that cannot be read keeps its last value; the log has one line
// for each new cause. All methods may be called from any goroutine, and none blocks
// longer than one read of the file.
package filewatch

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

// File is what stands in a file that may change while it is in use. It is read when it
// is asked for, so there is no goroutine; one of those who ask looks after the file,
// the others get what is known. What can't be read is what it was before.
type File[T any] struct {
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

// New reads a file for the first time. nothing is what counts if that fails.
func New[T any](path string, log *zap.Logger, nothing T, read func(path string) (T, error)) *File[T] {
	w := &File[T]{path: path, read: read, log: log}
	w.known.Store(&nothing)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look()
	return w
}

// Get returns what stands in the file.
func (w *File[T]) Get() T {
	if time.Now().UnixNano() >= w.next.Load() && w.mu.TryLock() {
		w.look()
		w.mu.Unlock()
	}
	return *w.known.Load()
}

// Expire makes the next Get look at the file, however short a time after the last.
func (w *File[T]) Expire() { w.next.Store(0) }

// look reads the file if it has changed. mu is held.
func (w *File[T]) look() {
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
