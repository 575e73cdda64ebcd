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
	maxTries   = 1000 // names that are taken
	bufferSize = 64 << 10
)

// file is what is being written.
type file struct {
	path  string // that it gets when it is complete
	f     *os.File
	w     *bufio.Writer
	bytes int64
	began time.Time

	synced time.Time
}

// create begins a file, with another name if there is one of that name.
func create(path string, now time.Time) (*file, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // G301: recordings are for others, too
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
		f, err := os.OpenFile(name+partSuffix, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // G302, G304: as the configuration says, and for others, too
		if errors.Is(err, fs.ErrExist) {
			continue // it is being written, or was when the process was killed
		}
		if err != nil {
			return nil, err
		}
		return &file{path: name, f: f, w: bufio.NewWriterSize(f, bufferSize), began: now, synced: now}, nil
	}
	return nil, fmt.Errorf("%s: there are %d files of that name; write a pattern with a time in it", path, maxTries)
}

func (f *file) write(p []byte) error {
	n, err := f.w.Write(p)
	f.bytes += int64(n)
	return err
}

// flush hands what was written to the system, and with a period to the disk, as often
// as that says.
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

// isAway tells whether what is written is no longer where it was begun: somebody has
// removed or moved it, or its folder.
func (f *file) isAway() bool {
	_, err := os.Lstat(f.path + partSuffix)
	return errors.Is(err, fs.ErrNotExist)
}

// close completes the file and gives it its name.
func (f *file) close(sync bool) error {
	err := f.w.Flush()
	if sync {
		err = errors.Join(err, f.f.Sync())
	}
	if err = errors.Join(err, f.f.Close()); err != nil {
		return err // its name says that it is not complete
	}
	if err := os.Rename(f.path+partSuffix, f.path); err != nil {
		return err
	}
	if sync {
		return syncDir(filepath.Dir(f.path))
	}
	return nil
}

// syncDir makes a new name last. Not every system can do that.
func syncDir(path string) error {
	d, err := os.Open(path) //nolint:gosec // G304: a recording is in it
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}
