package fallback

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

// ErrNothingToPlay says that a player has no file that can be played now.
var ErrNothingToPlay = errors.New("nothing to play")

// maxFaults is how many files are named in an error.
const maxFaults = 5

// sounds are the names of the files that are played of a directory.
var sounds = []string{".mp3", ".mp2", ".mpga", ".aac", ".adts", ".ogg", ".oga", ".ogv", ".opus", ".spx", ".flac"}

// playlist is what a player plays, in rounds. In each of them the files are looked
// up anew.
type playlist struct {
	// Set once.
	entries []string
	stat    func(path string) (fs.FileInfo, error)
	log     *zap.Logger

	begun   bool // a round has
	sounded bool // a file of this round was heard
	left    []string
	faults  map[string]fault // by path or entry, those of this round
}

// fault is why a file was passed over.
type fault struct {
	size     int64
	modified time.Time
	why      error
	lasting  bool // it is no use to try again before the file has changed
}

// of tells whether the file is still what it was.
func (f fault) of(info fs.FileInfo) bool {
	return info != nil && f.size == info.Size() && f.modified.Equal(info.ModTime())
}

// next returns the next file. It returns an error if there is none, or if none in
// the whole round before could be played; then the next call begins another one.
func (l *playlist) next() (string, error) {
	if len(l.left) == 0 {
		silent := l.begun && !l.sounded
		if !silent {
			l.begun, l.sounded = true, false
			l.look()
		}
		if len(l.left) == 0 {
			l.begun = false
			return "", l.nothing()
		}
	}
	path := l.left[0]
	l.left = l.left[1:]
	return path, nil
}

// look looks the files of a round up. Of faults, those are forgotten whose files
// are not among them.
func (l *playlist) look() {
	known := make(map[string]bool)
	for _, entry := range l.entries {
		paths, err := l.expand(entry)
		if err != nil {
			l.blame(entry, nil, err)
			known[entry] = true
		}
		for _, path := range paths {
			known[path] = true
		}
		l.left = append(l.left, paths...)
	}
	maps.DeleteFunc(l.faults, func(path string, _ fault) bool { return !known[path] })
}

// expand returns the files that an entry stands for.
func (l *playlist) expand(entry string) ([]string, error) {
	info, err := l.stat(entry)
	switch {
	case err == nil && info.IsDir():
		return directory(entry)
	case err == nil || !strings.ContainsAny(entry, "*?["):
		return []string{entry}, nil
	}
	paths, err := filepath.Glob(entry)
	if err != nil {
		return nil, err
	}
	paths = slices.DeleteFunc(paths, func(path string) bool {
		info, err := l.stat(path)
		return err == nil && info.IsDir()
	})
	if len(paths) == 0 {
		return nil, errors.New("no file has such a name")
	}
	return paths, nil
}

// directory returns the files of a directory whose names say that they are sound.
func directory(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		name := e.Name()
		if !e.IsDir() && name[0] != '.' && slices.Contains(sounds, strings.ToLower(filepath.Ext(name))) {
			paths = append(paths, filepath.Join(path, name))
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("the directory has no file that ends in %s", strings.Join(sounds, ", "))
	}
	return paths, nil
}

// admit tells whether to try a file, and what it is like.
func (l *playlist) admit(path string) (fs.FileInfo, bool) {
	info, err := l.stat(path)
	if err == nil && !info.Mode().IsRegular() { // to open a pipe may take for ever
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		l.blame(path, nil, err)
		return nil, false
	}
	f, known := l.faults[path]
	return info, !known || !f.lasting || !f.of(info)
}

// blame notes why a file, or an entry, can't be played. It is said once, until the
// file changes or there is another reason. info is nil if there is none.
func (l *playlist) blame(path string, info fs.FileInfo, why error) {
	var inPath *fs.PathError
	if errors.As(why, &inPath) {
		why = inPath.Err // the path is said anyway
	}
	f := fault{why: why}
	if info != nil {
		f.size, f.modified = info.Size(), info.ModTime()
		f.lasting = errors.As(why, new(unfitError))
	}
	old, known := l.faults[path]
	l.faults[path] = f
	if !known || old.why.Error() != why.Error() || old.size != f.size || !old.modified.Equal(f.modified) {
		l.log.Warn("passing over a file that can't be played", zap.String("file", path), zap.Error(why))
	}
}

// nothing is the error of a round in which there was no sound.
func (l *playlist) nothing() error {
	var whys []string
	for _, path := range slices.Sorted(maps.Keys(l.faults)) {
		if len(whys) == maxFaults {
			whys = append(whys, fmt.Sprintf("and %d more", len(l.faults)-maxFaults))
			break
		}
		whys = append(whys, fmt.Sprintf("%s: %v", path, l.faults[path].why))
	}
	if len(whys) == 0 {
		whys = append(whys, "no files were named")
	}
	return fmt.Errorf("%w: %s", ErrNothingToPlay, strings.Join(whys, "; "))
}
