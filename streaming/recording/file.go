package recording

import (
	"bufio"
	"cmp"
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
	whole int64 // bytes that are known to be written, to the end of a piece
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
		_ = lock(f) // without it nothing happens: what is left of a killed process is not completed
		return &file{path: name, f: f, w: bufio.NewWriterSize(f, bufferSize), began: now, synced: now}, nil
	}
	return nil, fmt.Errorf("%s: %d files of that name exist; expected a pattern with a time", path, maxTries)
}

// write writes a piece. The file ends with a whole piece at any time, also if the process is killed:
// each write to the system is one of whole pieces.
func (f *file) write(p []byte) error {
	if f.w.Buffered() > 0 && f.w.Available() < len(p) {
		if err := f.writeOut(); err != nil {
			return err
		}
	}
	n, err := f.w.Write(p)
	f.bytes += int64(n)
	return err
}

// writeOut writes the buffer to the file.
func (f *file) writeOut() error {
	if err := f.w.Flush(); err != nil {
		return err
	}
	f.whole = f.bytes
	return nil
}

// abandon closes a file that can't be written, without a piece that was cut off. One without a byte is
// removed: each attempt would leave one.
func (f *file) abandon() {
	_ = f.f.Truncate(f.whole)
	if f.whole == 0 {
		_ = os.Remove(f.path + partSuffix)
	}
	_ = f.f.Close()
}

// flush writes the buffer to the file, and syncs the file once in each period; 0: never.
func (f *file) flush(period time.Duration, now time.Time) error {
	if err := f.writeOut(); err != nil {
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

// completeLeft completes the files of a pattern and a mount that a killed process has left, and calls
// completed for each. A file in progress is locked.
func completeLeft(p Pattern, mount string, completed func(path string, bytes int64)) {
	for _, glob := range p.globs(mount) {
		left, _ := filepath.Glob(glob + partSuffix) // the only error is that of a malformed pattern
		for _, part := range left {
			path := strings.TrimSuffix(part, partSuffix)
			if size, err := completeOne(part, path); err == nil {
				completed(path, size)
			}
		}
	}
}

// completeOne gives a file that nobody writes its name, and returns its size. A file without a byte is
// removed.
func completeOne(part, path string) (size int64, err error) {
	f, err := os.OpenFile(part, os.O_WRONLY, 0) //nolint:gosec // G304: the configuration names it
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err := lock(f); err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() == 0 {
		return 0, errors.Join(fs.ErrNotExist, os.Remove(part))
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return 0, cmp.Or(err, fs.ErrExist)
	}
	return info.Size(), os.Rename(part, path)
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
