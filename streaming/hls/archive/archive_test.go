package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddycast/caddycast/internal/eventually"
	"github.com/caddycast/caddycast/internal/leaks"
	"github.com/caddycast/caddycast/streaming/hls"
)

func TestMain(m *testing.M) { os.Exit(leaks.Main(m, "caddycast/streaming")) }

var (
	kind  = hls.Kind{Codec: "Opus", Ending: ".m4s", Segment: 6 * time.Second}
	inits = []*hls.Init{{Name: "init-aaaaaaaa.mp4", Data: []byte("an init")}, {Name: "init-bbbbbbbb.mp4", Data: []byte("another")}}
)

// segment returns segment n, of 6 s. A title lasts for seven.
func segment(n int) *hls.Segment {
	titled := hls.TitleRange{Sequence: 1000 + uint64(n-n%7), Time: time.Now().Add(-6 * time.Second * time.Duration(n%7)), Title: hls.Title{Name: "title " + strconv.Itoa(n/7)}}
	data := bytes.Repeat([]byte(strconv.Itoa(n)+" "), 50)
	return &hls.Segment{
		Sequence: 1000 + uint64(n), Name: strconv.Itoa(1000+n) + "-0123456789ab.m4s", Data: data, Size: len(data),
		Samples: 288000, Rate: 48000, Time: time.Now(), Init: inits[n/10%2], Codec: "Opus",
		Titles: []hls.TitleRange{titled},
	}
}

// process is an archive that runs.
type process struct {
	*Archive
	t       *testing.T
	page    *hls.Page // as of the last list
	lists   int
	ends    int
	reports []error
	done    chan struct{}
}

// start starts an archive in a folder, in a bubble.
func start(t *testing.T, folder string, change func(*Archive)) *process {
	p := &process{t: t, done: make(chan struct{})}
	p.Archive = New(Options{
		Folder: folder, Length: 10 * time.Minute, Report: func(err error) { p.reports = append(p.reports, err) },
		Show: func(page *hls.Page, begins bool) {
			page.Form.DateRanges = true
			if p.page = page; begins {
				p.lists++
			}
			if page.Ended {
				p.ends++
			}
		},
	})
	if change != nil {
		change(p.Archive)
	}
	go func() {
		p.Run()
		close(p.done)
	}()
	synctest.Wait()
	return p
}

func (p *process) stop() {
	p.Close()
	<-p.done
}

// add adds segments from a number up to another.
func (p *process) add(from, to int) {
	for n := from; n < to; n++ {
		p.Add(segment(n), kind, false)
		eventually.Advance(6 * time.Second)
	}
}

// check checks that all segments of the list load as they were, and returns their numbers.
func (p *process) check() (numbers []int) {
	p.t.Helper()
	if p.page == nil {
		return nil
	}
	for _, s := range p.page.Segments {
		n := int(s.Sequence) - 1000
		f, err := os.Open(s.Place.File)
		if err != nil {
			p.t.Fatal(err)
		}
		b := make([]byte, s.Size)
		_, err = f.ReadAt(b, s.Place.Offset)
		f.Close()
		if want := segment(n); err != nil || !bytes.Equal(b, want.Data) || s.Init.Name != want.Init.Name || !bytes.Equal(s.Init.Data, want.Init.Data) {
			p.t.Fatalf("segment %d: %q, %v", n, b, err)
		}
		numbers = append(numbers, n)
	}
	return numbers
}

func marks(p *hls.Page) (at []int) {
	for i, s := range p.Segments {
		if s.Discontinuity {
			at = append(at, i)
		}
	}
	return at
}

// A list outlasts the process, and goes on in the next one: numbers, inits and bytes.
func TestAListOutlastsTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "made")
		p := start(t, folder, nil)
		if p.lists != 0 {
			t.Error("an empty folder has a list")
		}
		p.add(0, 40)
		p.stop()
		if n := bytes.Count(p.page.Full().Text, []byte(`X-TITLE="title `)); n != 6 {
			t.Errorf("%d titles in\n%s", n, p.page.Full().Text)
		}
		if len(marks(p.page)) > 0 {
			t.Errorf("marks at %v", marks(p.page))
		}
		next := start(t, folder, nil)
		if got := next.check(); len(got) != 40 || !bytes.Equal(next.page.Full().Text, p.page.Full().Text) {
			t.Errorf("%d segments are left:\n%s\n%s", len(got), next.page.Full().Text, p.page.Full().Text)
		}
		next.add(45, 55)
		if got := next.check(); len(got) != 50 || len(marks(next.page)) != 1 || marks(next.page)[0] != 40 || next.lists != 1 {
			t.Errorf("%d segments, marks at %v, %d lists", len(got), marks(next.page), next.lists)
		}
		next.stop()
	})
}

// Whatever a crash leaves of the files, the list has segments that are whole, and goes on.
func TestATornTailIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whole := t.TempDir()
		p := start(t, whole, nil)
		p.add(0, 5)
		p.stop()
		read := func(ending string) (string, []byte) {
			names, _ := filepath.Glob(filepath.Join(whole, "*"+ending))
			text, err := os.ReadFile(names[0])
			if err != nil || len(names) != 1 {
				t.Fatal(names, err)
			}
			return filepath.Base(names[0]), text
		}
		indexName, index := read(indexEnding)
		dataName, data := read(dataEnding)
		folder := t.TempDir()
		try := func(what string, index, data []byte, least int) {
			t.Helper()
			_ = os.RemoveAll(folder)
			_ = os.Mkdir(folder, 0o755)
			for name, b := range map[string][]byte{indexName: index, dataName: data} {
				if err := os.WriteFile(filepath.Join(folder, name), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p := start(t, folder, func(a *Archive) { a.Keep(24 * time.Hour) })
			if got := p.check(); len(got) < least {
				t.Errorf("%s: %v are left", what, got)
			}
			p.add(8, 9)
			if got := p.check(); len(got) == 0 || got[len(got)-1] != 8 || len(p.reports) > 0 {
				t.Errorf("%s: it goes on as %v, %v", what, got, p.reports)
			}
			p.stop()
		}
		for n := range index {
			try(fmt.Sprintf("%d bytes of the index", n), index[:n], data, bytes.Count(index[:n], []byte("\n"))-1)
		}
		for n := range data {
			try(fmt.Sprintf("%d bytes of the data", n), index, data[:n], (n-len(inits[0].Data))/len(segment(0).Data))
		}
		for n := 0; n < len(data); n += 7 {
			zeros := append(bytes.Clone(data[:n]), make([]byte, len(data)-n)...)
			try(fmt.Sprintf("zeros after %d bytes", n), index, zeros, (n-len(inits[0].Data))/len(segment(0).Data))
		}
	})
}

// full is a disk without room for more than some bytes.
type full struct {
	io.WriteCloser
	room *int
}

func (f full) Write(b []byte) (int, error) {
	n := min(len(b), *f.room)
	*f.room -= n
	if _, err := f.WriteCloser.Write(b[:n]); err != nil || n == len(b) {
		return n, err
	}
	return n, errors.New("no space left on device")
}

// A full disk is reported once; what had no room is left out, and the list goes on behind it.
func TestAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := 5000
		folder := t.TempDir()
		limit := func(a *Archive) {
			a.create = func(path string) (io.WriteCloser, error) {
				f, err := createFile(path)
				return full{f, &room}, err
			}
		}
		p := start(t, folder, limit)
		p.add(0, 30)
		had := len(p.check())
		if had < 5 || had > 25 || len(p.reports) != 1 || !strings.Contains(p.reports[0].Error(), folder) {
			t.Fatalf("%d segments had room, reports %v", had, p.reports)
		}
		room = 1 << 20
		p.add(30, 50)
		got := p.check()
		if len(got) != had+20 || len(marks(p.page)) != 1 || len(p.reports) != 2 || p.reports[1] != nil {
			t.Errorf("%d segments, marks at %v, reports %v", len(got), marks(p.page), p.reports)
		}
		p.stop()
		next := start(t, folder, nil)
		if again := next.check(); len(again) != len(got) {
			t.Errorf("the next process finds %d of %d segments", len(again), len(got))
		}
		next.stop()
	})
}

// hanging is a disk that takes as long as it likes.
type hanging struct {
	io.WriteCloser
	wait <-chan struct{}
}

func (h hanging) Write(b []byte) (int, error) {
	<-h.wait
	return h.WriteCloser.Write(b)
}

// A disk that hangs delays nobody, and its queue is bounded.
func TestADiskThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait := make(chan struct{})
		p := start(t, t.TempDir(), func(a *Archive) {
			a.create = func(path string) (io.WriteCloser, error) {
				f, err := createFile(path)
				return hanging{f, wait}, err
			}
		})
		began := time.Now()
		for n := range 100 {
			p.Add(segment(n), kind, false)
		}
		if time.Since(began) > 0 {
			t.Error("adding waits for the disk")
		}
		close(wait)
		synctest.Wait()
		p.add(100, 101)
		if got := p.check(); len(got) > queued+2 || got[len(got)-1] != 100 || len(p.reports) != 1 || !errors.Is(p.reports[0], errSlow) {
			t.Errorf("%v are stored, reports %v", got, p.reports)
		}
		if at := marks(p.page); len(at) != 1 || at[0] != len(p.page.Segments)-1 {
			t.Errorf("marks at %v", at)
		}
		p.stop()
	})
}

// Files are removed when their segments can no longer be loaded: the disk holds twice the list.
func TestOldFilesAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		p := start(t, folder, nil)
		p.add(0, 600)
		got := p.check()
		files, _ := os.ReadDir(folder)
		if len(got) < 200 || len(got) > 204 || len(files) < 2*16 || len(files) > 2*22 {
			t.Errorf("%d segments in %d files", len(got), len(files))
		}
		p.stop()
		next := start(t, folder, func(a *Archive) { a.Keep(2 * time.Minute) })
		next.add(600, 700)
		if files, _ := os.ReadDir(folder); len(files) > 2*9 {
			t.Errorf("%d files of a shorter list", len(files))
		}
		next.check()
		next.stop()
	})
}

// What is too old is not shown by the next process; its numbers go on.
func TestAnOldListIsNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		p := start(t, folder, nil)
		p.add(0, 20)
		p.stop()
		before := p.rewind.Next()
		eventually.Advance(24 * time.Hour)
		next := start(t, folder, nil)
		if next.lists != 0 {
			t.Error("a list of yesterday is shown")
		}
		next.add(30, 40)
		if got := next.check(); len(got) != 10 || len(marks(next.page)) > 0 || next.rewind.Next() < before+10 {
			t.Errorf("%v, marks at %v", got, marks(next.page))
		}
		next.stop()
	})
}

// Segments of another kind are another list; the one before is shown with its end.
func TestAnotherKindIsAnotherList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		p := start(t, folder, nil)
		p.add(0, 20)
		other := kind
		other.Segment = 10 * time.Second
		for n := 20; n < 25; n++ {
			p.Add(segment(n), other, n == 20)
			synctest.Wait()
		}
		if got := p.check(); len(got) != 5 || p.ends != 1 || p.lists != 2 || len(marks(p.page)) > 0 {
			t.Errorf("%v after %d ends, in list %d", got, p.ends, p.lists)
		}
		p.stop()
		next := start(t, folder, nil)
		if got := next.check(); len(got) != 5 {
			t.Errorf("the next process finds %v", got)
		}
		next.stop()
	})
}
