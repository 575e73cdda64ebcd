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

// ErrNothingToPlay means that a player has no playable file at present.
var ErrNothingToPlay = errors.New("nothing to play")

// maxFaults is the maximum number of files named in an error.
const maxFaults = 5

// audioExtensions select the files of a directory.
var audioExtensions = []string{".mp3", ".mp2", ".mpga", ".aac", ".adts", ".ogg", ".oga", ".ogv", ".opus", ".spx", ".flac"}

// playlist yields the files of a player in rounds. Each round looks up the entries again.
type playlist struct {
	// Set once.
	entries []string
	stat    func(path string) (fs.FileInfo, error)
	log     *zap.Logger

	inRound   bool // a round has begun
	playedAny bool // a file of this round had audio
	remaining []string
	faults    map[string]fault // of this round, by path or entry
}

// fault is the reason why a file was skipped.
type fault struct {
	size     int64
	modified time.Time
	reason   error
	lasting  bool // until the file changes
}

// appliesTo reports whether the file is unchanged.
func (f fault) appliesTo(info fs.FileInfo) bool {
	return info != nil && f.size == info.Size() && f.modified.Equal(info.ModTime())
}

// next returns the next file. It returns an error if there is none, or if no file of the
// whole last round could be played; the next call then begins another round.
func (l *playlist) next() (string, error) {
	if len(l.remaining) == 0 {
		silent := l.inRound && !l.playedAny
		if !silent {
			l.inRound, l.playedAny = true, false
			l.lookUp()
		}
		if len(l.remaining) == 0 {
			l.inRound = false
			return "", l.nothingError()
		}
	}
	path := l.remaining[0]
	l.remaining = l.remaining[1:]
	return path, nil
}

// lookUp finds the files of a round. It drops the faults of other files.
func (l *playlist) lookUp() {
	known := make(map[string]bool)
	for _, entry := range l.entries {
		paths, err := l.expand(entry)
		if err != nil {
			l.reject(entry, nil, err)
			known[entry] = true
		}
		for _, path := range paths {
			known[path] = true
		}
		l.remaining = append(l.remaining, paths...)
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
		return nil, errors.New("no file matches the pattern")
	}
	return paths, nil
}

// directory returns the audio files of a directory.
func directory(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		name := e.Name()
		if !e.IsDir() && name[0] != '.' && slices.Contains(audioExtensions, strings.ToLower(filepath.Ext(name))) {
			paths = append(paths, filepath.Join(path, name))
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no audio file in the directory; expected a name that ends in %s", strings.Join(audioExtensions, ", "))
	}
	return paths, nil
}

// Find returns an error if entries of a player stand for no file at present.
func Find(entries []string) error {
	l := playlist{stat: os.Stat}
	var errs []error
	for _, entry := range entries {
		paths, err := l.expand(entry)
		switch {
		case err != nil && !errors.As(err, new(*fs.PathError)):
			err = fmt.Errorf("%s: %w", entry, err)
		case len(paths) == 1 && paths[0] == entry:
			_, err = os.Stat(entry)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// check reports whether to try a file, and returns its properties.
func (l *playlist) check(path string) (fs.FileInfo, bool) {
	info, err := l.stat(path)
	if err == nil && !info.Mode().IsRegular() { // opening a pipe could block forever
		err = errors.New("not a regular file")
	}
	if err != nil {
		l.reject(path, nil, err)
		return nil, false
	}
	f, known := l.faults[path]
	return info, !known || !f.lasting || !f.appliesTo(info)
}

// reject notes why a file or an entry cannot be played. It logs that once, until the file
// or the reason changes. info is nil if unknown.
func (l *playlist) reject(path string, info fs.FileInfo, why error) {
	var inPath *fs.PathError
	if errors.As(why, &inPath) {
		why = inPath.Err // the path is logged anyway
	}
	f := fault{reason: why}
	if info != nil {
		f.size, f.modified = info.Size(), info.ModTime()
		f.lasting = errors.As(why, new(contentError))
	}
	old, known := l.faults[path]
	l.faults[path] = f
	if !known || old.reason.Error() != why.Error() || old.size != f.size || !old.modified.Equal(f.modified) {
		l.log.Warn("skipping a file that cannot be played", zap.String("file", path), zap.Error(why))
	}
}

// nothingError is the error of a round without audio.
func (l *playlist) nothingError() error {
	var whys []string
	for _, path := range slices.Sorted(maps.Keys(l.faults)) {
		if len(whys) == maxFaults {
			whys = append(whys, fmt.Sprintf("and %d more", len(l.faults)-maxFaults))
			break
		}
		whys = append(whys, fmt.Sprintf("%s: %v", path, l.faults[path].reason))
	}
	if len(whys) == 0 {
		whys = append(whys, "no files configured")
	}
	return fmt.Errorf("%w: %s", ErrNothingToPlay, strings.Join(whys, "; "))
}
