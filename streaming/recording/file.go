package recording

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	partSuffix = ".part"
	maxTries   = 1000 // names with a number
	bufferSize = 64 << 10
)

// file is a recording in progress.
type file struct {
	path  string // once it is complete; partSuffix is added until then
	f     *os.File
	w     *bufio.Writer
	bytes int64
	began time.Time

	synced time.Time // the last one
}

// create creates a file. A number is added to its name if that exists.
func create(path string, now time.Time) (*file, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // G301: recordings may be read by others
		return nil, err
	}
	ext := filepath.Ext(path)
	for n := range maxTries {
		name := path
		if n > 0 {
			name = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(path, ext), n, ext)
		}
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			if err != nil {
				return nil, err
			}
			continue
		}
		f, err := os.OpenFile(name+partSuffix, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // G302, G304: the configuration names it, and others may read it
		if errors.Is(err, fs.ErrExist) {
			continue // it is in progress, or was when the process was killed
		}
		if err != nil {
			return nil, err
		}
		return &file{path: name, f: f, w: bufio.NewWriterSize(f, bufferSize), began: now, synced: now}, nil
	}
	return nil, fmt.Errorf("%s: %d files of that name exist; expected a pattern with a time", path, maxTries)
}

func (f *file) write(p []byte) error {
	n, err := f.w.Write(p)
	f.bytes += int64(n)
	return err
}

// flush writes the buffer to the file, and syncs the file once in each period; 0: never.
func (f *file) flush(period time.Duration, now time.Time) error {
	if err := f.w.Flush(); err != nil {
		return err
	}
	if period <= 0 || now.Sub(f.synced) < period {
		return nil
	}
	f.synced = now
	return f.f.Sync()
}

// isRemoved reports whether the file, or its folder, was removed or renamed by others.
func (f *file) isRemoved() bool {
	_, err := os.Lstat(f.path + partSuffix)
	return errors.Is(err, fs.ErrNotExist)
}

// close completes the file and renames it to its path.
func (f *file) close(sync bool) error {
	err := f.w.Flush()
	if sync {
		err = errors.Join(err, f.f.Sync())
	}
	if err = errors.Join(err, f.f.Close()); err != nil {
		return err // the name of an incomplete file remains
	}
	if err := os.Rename(f.path+partSuffix, f.path); err != nil {
		return err
	}
	if sync {
		return syncDir(filepath.Dir(f.path))
	}
	return nil
}

// syncDir syncs a folder, so that a new name in it is durable. Some systems can't.
func syncDir(path string) error {
	d, err := os.Open(path) //nolint:gosec // G304: the folder of a recording
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}
