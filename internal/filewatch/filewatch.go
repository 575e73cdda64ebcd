// Package filewatch keeps the content of a file that may change while it is in use.
//
// A File is read once when it is made, and again when it has changed. There is no
// goroutine and no inotify: Get looks at the file at most once a second, and only one
// caller at a time does so, while the others get the value that is known. A file that
// cannot be read, or is missing, keeps its last value; the log has one line for each new
// cause. Refresh looks at once, for a caller that has just written the file. All methods
// may be called from any goroutine; none blocks longer than one read of the file.
package filewatch

import (
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// interval is the shortest time between two looks at a file.
const interval = time.Second

// File is the content of a file, as a value that a function makes of it.
type File[T any] struct {
	// Set once.
	path string
	read func(path string) (T, error)
	log  *zap.Logger

	known atomic.Pointer[T]
	next  atomic.Int64 // time of the next look, on the wall clock

	// Guarded by mu.
	mu     sync.Mutex
	info   fs.FileInfo // of the content that is known; nil: none, or the last look failed
	logged string      // the last error, which is not logged again
}

// New reads a file. If that fails, the error is logged and the value is nothing until the
// file can be read.
func New[T any](path string, log *zap.Logger, nothing T, read func(path string) (T, error)) *File[T] {
	f := newFile(path, log, nothing, read)
	_ = f.Refresh()
	return f
}

// Open is New for a file whose first error is the caller's to judge: it is returned and not
// logged. The File can be used nevertheless, for example after fs.ErrNotExist.
func Open[T any](path string, log *zap.Logger, nothing T, read func(path string) (T, error)) (*File[T], error) {
	f := newFile(path, log, nothing, read)
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.look()
	if err != nil {
		f.logged = err.Error()
	}
	return f, err
}

func newFile[T any](path string, log *zap.Logger, nothing T, read func(path string) (T, error)) *File[T] {
	f := &File[T]{path: path, read: read, log: log}
	f.known.Store(&nothing)
	return f
}

// Get returns the value of the file, after a look at the file if the last was a while ago.
func (f *File[T]) Get() T {
	if time.Now().UnixNano() >= f.next.Load() && f.mu.TryLock() {
		if time.Now().UnixNano() >= f.next.Load() { // no other caller has just looked
			f.logNew(f.look())
		}
		f.mu.Unlock()
	}
	return *f.known.Load()
}

// Refresh looks at the file now. It returns the error of this look, which is logged as any
// other.
func (f *File[T]) Refresh() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.look()
	f.logNew(err)
	return err
}

// look reads the file if it has changed. mu is held.
func (f *File[T]) look() error {
	defer func() { f.next.Store(time.Now().Add(interval).UnixNano()) }()
	info, err := os.Stat(f.path)
	if err == nil && f.info != nil && os.SameFile(info, f.info) &&
		info.Size() == f.info.Size() && info.ModTime().Equal(f.info.ModTime()) {
		return nil
	}
	var v T
	if err == nil {
		v, err = f.read(f.path)
	}
	if err != nil {
		f.info = nil
		return err
	}
	f.info, f.logged = info, ""
	f.known.Store(&v)
	return nil
}

// logNew logs an error unless it is that of the last look. mu is held.
func (f *File[T]) logNew(err error) {
	if err == nil || err.Error() == f.logged {
		return
	}
	f.logged = err.Error()
	f.log.Warn("file unreadable; its previous content stays in use", zap.String("file", f.path), zap.Error(err))
}
