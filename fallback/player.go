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

// Options are what a Player may be told. The zero value plays whatever the first
// file is.
type Options struct {
	// ContentType is the type that all files must be of, by any of its names,
	// and by which the player calls it. Empty: that of the first file that can
	// be played.
	ContentType string

	// OnTitle is called with each file, by the goroutine that reads, right
	// before its first sound is returned. It must not read. Nil: nobody is told.
	OnTitle func(artist, title string)

	// Log gets a line for each file that can't be played. Nil: there is no log.
	Log *zap.Logger
}

// Player plays files in a loop, for ever, at the speed of their sound. It is an
// io.Reader for one goroutine, and for one stream: who reads on after another has
// read begins in the midst of a file.
type Player struct {
	// Set once.
	onTitle func(artist, title string)
	open    func(path string) (file, error)
	title   *format.Comments // of all files; nil: each has its own

	closed chan struct{} // closed by Close
	once   sync.Once

	// mu is held by who reads. Close never waits for it, see tidy.
	mu     sync.Mutex
	kind   kind // of all files; its type is "" until a file could be opened
	list   playlist
	stream stream
	pace   pace
	track  *track      // that is being played; nil: none
	info   fs.FileInfo // of its file, from before it was opened
	next   unit        // to be handed out next; without data: it is not known yet
	rest   []byte      // of a unit that was handed out in part
}

// file is what is played: an os.File, or one that is part of the program.
type file interface {
	io.ReadSeekCloser
	io.ReaderAt
}

// NewPlayer returns a player of files: entries are paths, patterns as of
// filepath.Match, and directories, of which the files with the name of a sound
// format are played, in the order of their names. All of them are looked up anew
// whenever the last file has ended, and none before the first call of Open or
// Read. The player must be closed, and may be so before.
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
			return os.Open(path) //nolint:gosec // G304: the path is the configuration's
		},
		closed: make(chan struct{}),
		kind:   kind{contentType: format.Canonical(o.ContentType)},
		list:   playlist{entries: entries, stat: os.Stat, log: o.Log, faults: make(map[string]fault)},
		stream: stream{serials: newSerials()},
		pace:   pace{now: time.Now, sleep: sleep},
	}
}

// Open looks for the first file that can be played and returns the content type
// of the player, which stays the same. It is for who must know the type before
// reading; Read does the same. It must not be called while Read is.
func (p *Player) Open() (contentType string, err error) {
	p.mu.Lock()
	defer p.leave()
	err = p.load()
	return p.kind.contentType, err
}

// Read waits until sound is due and returns as much of it as should go out at
// once, in whole frames or pages; only one that is longer than b is cut, and the
// rest comes with the next call. Sound of two files is never returned together.
//
// It returns io.EOF once the player is closed, and an error that wraps
// ErrNothingToPlay if no file can be played. After that the next call tries again.
func (p *Player) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.leave()
	if len(p.rest) > 0 && !p.isClosed() {
		n := copy(b, p.rest)
		p.rest = p.rest[n:]
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
		if p.pace.position()-from >= atOnce || len(p.rest) > 0 || p.load() != nil {
			break // an error comes again with the next call
		}
	}
	return n, nil
}

// Close makes Read return io.EOF, also one that waits. It does not wait itself and
// may be called from any goroutine, and more than once.
func (p *Player) Close() {
	p.once.Do(func() { close(p.closed) })
	p.tidy()
}

// handOut copies the next unit, or what fits of it.
func (p *Player) handOut(b []byte) int {
	u := p.next
	if u.title != nil {
		p.onTitle(u.title.Artist, u.title.Title)
	}
	n := copy(b, u.data)
	p.rest = u.data[n:]
	p.pace.add(u.lasts, len(u.data))
	p.next = unit{}
	return n
}

// load makes sure that there is a next unit.
func (p *Player) load() error {
	for p.next.data == nil {
		if p.isClosed() {
			return io.EOF
		}
		if p.track == nil {
			if err := p.begin(); err != nil {
				return err
			}
		}
		u, err := p.track.next()
		if err != nil {
			p.end(err)
			continue
		}
		p.next, p.list.sounded = u, true
	}
	return nil
}

// begin opens the next file that can be played.
func (p *Player) begin() error {
	for !p.isClosed() {
		path, err := p.list.next()
		if err != nil {
			return err
		}
		info, ok := p.list.admit(path)
		if !ok {
			continue
		}
		t, err := p.openTrack(path, info.Size())
		if err == nil {
			p.track, p.info = t, info
			return nil
		}
		if !errors.Is(err, errClosed) {
			p.list.blame(path, info, err)
		}
	}
	return io.EOF
}

// openTrack opens a file and makes sure that it can be played.
func (p *Player) openTrack(path string, size int64) (*track, error) {
	f, err := p.open(path)
	if err != nil {
		return nil, err
	}
	if err = p.examine(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	title := p.title
	if title == nil {
		c := titleOf(path, f, size)
		title = &c
	}
	cut := newCutter(f, p.kind.contentType, p.closed)
	return &track{path: path, file: f, cut: cut, stream: &p.stream, title: title, fixed: p.title != nil}, nil
}

// examine tells whether a file can be played with the others, and leaves it at
// its beginning. The first one decides of what kind they are.
func (p *Player) examine(f file) error {
	k, err := probe(f, "", p.closed)
	if err == nil && p.kind.contentType != "" && p.kind.contentType != k.contentType {
		// Types have several names; that of the player counts if it is one of them.
		named, again := probe(f, p.kind.contentType, p.closed)
		if err = again; named.contentType == p.kind.contentType {
			k = named
		}
	}
	if err != nil {
		return err
	}
	if p.kind.contentType == "" || p.kind.codec == "" && p.kind.contentType == k.contentType {
		p.kind = k
	}
	if k != p.kind {
		return unfitError{fmt.Sprintf("it is %v, but %v is to be played", k, p.kind)}
	}
	return nil
}

// end closes the file that is being played, which has ended for that reason.
func (p *Player) end(why error) {
	t := p.track
	p.track = nil
	_ = t.file.Close()
	p.pace.endFile()
	switch {
	case errors.Is(why, errClosed):
	case !errors.Is(why, io.EOF):
		p.list.blame(t.path, p.info, why)
	case t.title != nil: // it has changed since it was opened
		p.list.blame(t.path, nil, errSilent)
	}
}

func (p *Player) isClosed() bool { return closed(p.closed) }

// leave is what ends each use of the player.
func (p *Player) leave() {
	p.mu.Unlock()
	p.tidy()
}

// tidy closes the file of a player that is closed. If that is being used right
// now, who uses it comes here afterwards: so the file is closed by whoever is the
// last one, and nobody waits.
func (p *Player) tidy() {
	if !p.isClosed() || !p.mu.TryLock() {
		return
	}
	defer p.mu.Unlock()
	if p.track != nil {
		_ = p.track.file.Close()
	}
	p.track, p.next, p.rest = nil, unit{}, nil
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
