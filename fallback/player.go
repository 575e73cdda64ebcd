package fallback

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddycast/caddycast/streaming/format"
)

// Options configure a Player. With the zero value the first file decides the type.
type Options struct {
	// ContentType is the required type of all files, by any of its names, and the
	// player's own type. Empty: the type of the first playable file.
	ContentType string

	// OnTitle is called for each new title, by the reading goroutine, before Read
	// returns the first audio of it. It must not read. It may be nil.
	OnTitle func(artist, title string)

	// Log gets a line for each file that cannot be played. It may be nil.
	Log *zap.Logger
}

// Player plays files in an endless loop, in real time. It is an io.Reader for one
// goroutine and one stream. Only Close may be called from other goroutines.
type Player struct {
	// Set once.
	onTitle func(artist, title string)
	open    func(path string) (file, error)
	title   *format.Comments // of all files; nil: each has its own

	closed chan struct{} // closed by Close, once
	once   sync.Once

	// mu is held during Open and Read. Close never waits for it, see closeFile.
	mu        sync.Mutex
	kind      streamKind // of all files; without a type until a file was opened
	list      playlist
	stream    outputStream
	pace      pace
	track     *track      // current track; nil: none
	info      fs.FileInfo // of its file, before it was opened
	next      unit        // the next unit; without data: not read yet
	remainder []byte      // of a unit returned in part
}

// file is an os.File, or a file that is part of the program.
type file interface {
	io.ReadSeekCloser
	io.ReaderAt
}

// NewPlayer returns a player of files. Entries are paths, patterns as of filepath.Match,
// and directories, whose audio files are played in the order of their names. The entries
// are looked up in each round through the list, and not before the first call of Open or
// Read. The caller must close the player.
func NewPlayer(entries []string, o Options) *Player {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.OnTitle == nil {
		o.OnTitle = func(string, string) {}
	}
	return &Player{
		onTitle: o.OnTitle,
		open: func(path string) (file, error) {
			return os.Open(path) //nolint:gosec // G304: the path is from the configuration
		},
		closed: make(chan struct{}),
		kind:   streamKind{contentType: format.Canonical(o.ContentType)},
		list:   playlist{entries: entries, stat: os.Stat, log: o.Log, faults: make(map[string]fault)},
		stream: outputStream{serials: newSerials()},
		pace:   pace{now: time.Now, sleep: sleep},
	}
}

// Open opens the first playable file and returns its kind. That of the player does not change,
// but for the audio. It is optional before Read and must not be called during a Read.
func (p *Player) Open() (streamKind, error) {
	p.mu.Lock()
	defer p.unlock()
	err := p.load()
	return p.kind, err
}

// Read waits until audio is due and returns one batch of it, in whole frames or pages. A
// unit longer than b is split over several calls. One call never returns audio of two
// files.
//
// Read returns io.EOF after Close, and an error that wraps ErrNothingToPlay if no file can
// be played. The next call tries again.
func (p *Player) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.unlock()
	if len(p.remainder) > 0 && !p.isClosed() {
		n := copy(b, p.remainder)
		p.remainder = p.remainder[n:]
		return n, nil
	}
	if err := p.load(); err != nil {
		return 0, err
	}
	p.pace.wait(p.closed)
	if p.isClosed() {
		return 0, io.EOF
	}
	n, from := 0, p.pace.position()
	for n < len(b) {
		if u := p.next; n > 0 && (u.title != nil || len(u.data) > len(b)-n) {
			break
		}
		n += p.handOut(b[n:])
		if p.pace.position()-from >= batch || len(p.remainder) > 0 || p.load() != nil {
			break // the next call returns the error
		}
	}
	return n, nil
}

// Close makes Read return io.EOF, also a Read that is waiting. Close itself does not wait.
// It may be called from any goroutine, and more than once.
func (p *Player) Close() {
	p.once.Do(func() { close(p.closed) })
	p.closeFile()
}

// handOut copies the next unit into b, as far as it fits.
func (p *Player) handOut(b []byte) int {
	u := p.next
	if u.title != nil {
		p.onTitle(u.title.Artist, u.title.Title)
	}
	n := copy(b, u.data)
	p.remainder = u.data[n:]
	p.pace.add(u.duration, len(u.data))
	p.next = unit{}
	return n
}

// load reads the next unit, if it is not read yet.
func (p *Player) load() error {
	for p.next.data == nil {
		if p.isClosed() {
			return io.EOF
		}
		if p.track == nil {
			if err := p.beginTrack(); err != nil {
				return err
			}
		}
		u, err := p.track.next()
		if err != nil {
			p.endTrack(err)
			continue
		}
		p.next, p.list.playedAny = u, true
	}
	return nil
}

// beginTrack opens the next playable file.
func (p *Player) beginTrack() error {
	for !p.isClosed() {
		path, err := p.list.next()
		if err != nil {
			return err
		}
		info, ok := p.list.check(path)
		if !ok {
			continue
		}
		t, err := p.openTrack(path, info.Size())
		if err == nil {
			p.track, p.info = t, info
			return nil
		}
		if !errors.Is(err, errClosed) {
			p.list.reject(path, info, err)
		}
	}
	return io.EOF
}

// openTrack opens a file and checks that it can be played.
func (p *Player) openTrack(path string, size int64) (*track, error) {
	f, err := p.open(path)
	if err != nil {
		return nil, err
	}
	if err = p.checkKind(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	title := p.title
	if title == nil {
		c := titleOf(path, f, size)
		title = &c
	}
	cut := newUnitReader(f, p.kind.contentType, p.closed)
	return &track{path: path, file: f, units: cut, stream: &p.stream, title: title, fixedTitle: p.title != nil}, nil
}

// checkKind checks that a file has the kind of the others; the first file decides the
// kind. The file is then at its beginning.
func (p *Player) checkKind(f file) error {
	k, err := probe(f, "", p.closed)
	if err == nil && p.kind.contentType != "" && p.kind.contentType != k.contentType {
		// The player's type may be another name of the file's type.
		named, again := probe(f, p.kind.contentType, p.closed)
		if err = again; named.contentType == p.kind.contentType {
			k = named
		}
	}
	if err != nil {
		return err
	}
	if p.kind.kind == "" && (p.kind.contentType == "" || p.kind.contentType == k.contentType) {
		p.kind = k
	}
	k.audio = p.kind.audio
	if k != p.kind {
		return contentError{fmt.Sprintf("wrong content type %v; expected %v", k, p.kind)}
	}
	return nil
}

// endTrack closes the current file after its end or an error.
func (p *Player) endTrack(why error) {
	t := p.track
	p.track = nil
	_ = t.file.Close()
	p.pace.endFile()
	switch {
	case errors.Is(why, errClosed):
	case !errors.Is(why, io.EOF):
		p.list.reject(t.path, p.info, why)
	case t.title != nil: // no audio: the file has changed since it was opened
		p.list.reject(t.path, nil, errNoAudio)
	}
}

func (p *Player) isClosed() bool { return closed(p.closed) }

// unlock ends Open and Read.
func (p *Player) unlock() {
	p.mu.Unlock()
	p.closeFile()
}

// closeFile closes the file of a closed player. If Open or Read is running, it calls
// closeFile at its end. So the last user closes the file, and Close does not wait.
func (p *Player) closeFile() {
	if !p.isClosed() || !p.mu.TryLock() {
		return
	}
	defer p.mu.Unlock()
	if p.track != nil {
		_ = p.track.file.Close()
	}
	p.track, p.next, p.remainder = nil, unit{}, nil
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
