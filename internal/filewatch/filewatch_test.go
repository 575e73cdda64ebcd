package filewatch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// notes is a file for a test, with the number of its readings.
type notes struct {
	path  string
	reads int
	fault error // what the next readings return
}

func newNotes(t *testing.T) *notes {
	return &notes{path: filepath.Join(t.TempDir(), "notes")}
}

func (n *notes) read(path string) (string, error) {
	n.reads++
	if n.fault != nil {
		return "half of it", n.fault
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

// write replaces the file, as editors and panels do.
func (n *notes) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(n.path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(n.path+".new", n.path); err != nil {
		t.Fatal(err)
	}
}

func newLog() (*zap.Logger, *observer.ObservedLogs) {
	core, lines := observer.New(zap.DebugLevel)
	return zap.New(core), lines
}

func check[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v; want %v", what, got, want)
	}
}

func TestAFileIsReadAgainOnlyWhenItHasChanged(t *testing.T) {
	n := newNotes(t)
	n.write(t, "one")
	log, _ := newLog()
	f := New(n.path, log, "nothing", n.read)
	check(t, "the value", f.Get(), "one")
	for range 3 {
		check(t, "the error", f.Refresh(), nil)
	}
	check(t, "readings of the same file", n.reads, 1)
	n.write(t, "two")
	check(t, "the value within the interval", f.Get(), "one")
	f.next.Store(0) // as after the interval
	check(t, "the value after it", f.Get(), "two")
	n.write(t, "three")
	check(t, "the error", f.Refresh(), nil)
	check(t, "the value after Refresh", f.Get(), "three")
	check(t, "readings", n.reads, 3)
}

// A file of the same size and time is another one if it has taken the first one's place.
func TestAReplacedFileOfTheSameSizeAndTimeIsRead(t *testing.T) {
	n := newNotes(t)
	at := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	n.write(t, "one")
	if err := os.Chtimes(n.path, at, at); err != nil {
		t.Fatal(err)
	}
	log, _ := newLog()
	f := New(n.path, log, "", n.read)
	if err := os.WriteFile(n.path+".new", []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chtimes(n.path+".new", at, at), os.Rename(n.path+".new", n.path)); err != nil {
		t.Fatal(err)
	}
	check(t, "the error", f.Refresh(), nil)
	check(t, "the value", f.Get(), "two")
}

func TestAMissingFileIsLoggedOnceAndReadWhenItIsThere(t *testing.T) {
	n := newNotes(t)
	log, lines := newLog()
	f := New(n.path, log, "nothing", n.read)
	for range 2 {
		check(t, "the value", f.Get(), "nothing")
		check(t, "that it is missing", errors.Is(f.Refresh(), fs.ErrNotExist), true)
	}
	check(t, "lines in the log", lines.Len(), 1)
	n.write(t, "one")
	check(t, "the error", f.Refresh(), nil)
	check(t, "the value", f.Get(), "one")
}

func TestTheFirstErrorOfOpenIsReturnedAndNotLogged(t *testing.T) {
	n := newNotes(t)
	log, lines := newLog()
	f, err := Open(n.path, log, "nothing", n.read)
	check(t, "that it is missing", errors.Is(err, fs.ErrNotExist), true)
	check(t, "that it is missing still", errors.Is(f.Refresh(), fs.ErrNotExist), true)
	check(t, "lines in the log", lines.Len(), 0)
	n.write(t, "one")
	check(t, "the error", f.Refresh(), nil)
	check(t, "the value", f.Get(), "one")
	if err := os.Remove(n.path); err != nil {
		t.Fatal(err)
	}
	_ = f.Refresh()
	check(t, "the value of the removed file", f.Get(), "one")
	check(t, "lines in the log", lines.Len(), 1)
}

func TestAnUnreadableFileKeepsItsValueAndEachCauseIsLoggedOnce(t *testing.T) {
	n := newNotes(t)
	n.write(t, "one")
	log, lines := newLog()
	f := New(n.path, log, "nothing", n.read)
	n.write(t, "two")
	for i, cause := range []string{"torn", "torn", "locked", "torn"} {
		n.fault = errors.New(cause)
		check(t, "the error", f.Refresh(), n.fault)
		check(t, "the value", f.Get(), "one")
		check(t, "lines in the log", lines.Len(), []int{1, 1, 2, 3}[i])
	}
	n.fault = nil
	check(t, "the error", f.Refresh(), nil)
	check(t, "the value", f.Get(), "two")
	n.write(t, "three")
	n.fault = errors.New("torn") // after a success it is a new cause
	_ = f.Refresh()
	check(t, "lines in the log", lines.Len(), 4)
}

func TestCallersDoNotWaitForTheOneThatReads(t *testing.T) {
	n := newNotes(t)
	n.write(t, "one")
	log, _ := newLog()
	f := New(n.path, log, "nothing", n.read)
	reading, goOn := make(chan struct{}), make(chan struct{})
	f.read = func(path string) (string, error) {
		close(reading)
		<-goOn
		return n.read(path)
	}
	n.write(t, "two")
	f.next.Store(0)
	var one sync.WaitGroup
	one.Go(func() { check(t, "the value of the caller that reads", f.Get(), "two") })
	<-reading
	check(t, "the value meanwhile", f.Get(), "one")
	close(goOn)
	one.Wait()
	check(t, "readings", n.reads, 2)
}
