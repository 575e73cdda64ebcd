package hls

import (
	"bytes"
	"compress/gzip"
	"sync"
	"time"
)

// Playlist is the text of a media playlist, plain and compressed.
type Playlist struct{ Text, Gzip []byte }

func newPlaylist(text []byte) *Playlist { return &Playlist{text, compress(text)} }

// compressors are reused: each has a megabyte.
var compressors = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func compress(text []byte) []byte {
	var b bytes.Buffer
	w := compressors.Get().(*gzip.Writer)
	w.Reset(&b)
	_, _ = w.Write(text) // a buffer takes all
	_ = w.Close()
	compressors.Put(w)
	return b.Bytes()
}

// playlists are the texts of a page. Each is made with the first call.
type playlists struct {
	text                  *text
	full, delta, relative func() *Playlist
}

// playlists returns the texts of the content in a form, which may be set until one is asked for.
func (t *text) playlists(f *Form) *playlists {
	p := &playlists{
		text: t,
		full: sync.OnceValue(func() *Playlist { return newPlaylist(t.render(*f, 0)) }),
		relative: sync.OnceValue(func() *Playlist {
			return newPlaylist(t.render(Form{DateRanges: f.DateRanges, Renditions: f.Renditions}, 0))
		}),
	}
	p.delta = p.full
	if n := t.skipped(); n > 0 {
		p.delta = sync.OnceValue(func() *Playlist { return newPlaylist(t.render(*f, n)) })
	}
	return p
}

// Full returns the media playlist. It is made with the first call.
func (p *Page) Full() *Playlist { return p.full() }

// Relative returns the media playlist with relative names, as other nodes mirror it.
func (p *Page) Relative() *Playlist {
	if p.Form.Base == "" {
		return p.full()
	}
	return p.relative()
}

// Delta returns what is new in the media playlist, for a player that has had one shortly before;
// the full one if that is not long.
func (p *Page) Delta() *Playlist { return p.delta() }

// starts are the pages of a long list for players that begin earlier, by their start.
type starts struct {
	mu    sync.Mutex
	pages map[int]*Page
}

// maxStarts bounds the pages that are kept. Others are made for each request.
const maxStarts = 64

// maxStart is the earliest start, in seconds.
const maxStart = 25 * 60 * 60

// Start returns how many seconds before the end of a long list players begin who are to begin so much
// earlier than by default; 0 for the default, and for other lists.
func (p *Page) Start(behind time.Duration) int {
	if behind <= 0 || p.starts == nil {
		return 0
	}
	return p.text.start + int(behind/time.Second)
}

// Starting returns the page of a long list whose players begin so many seconds before its end; the page
// itself for 0, and if it is another list.
func (p *Page) Starting(start int) *Page {
	if p.starts == nil || start <= 0 || start > maxStart || start == p.text.start {
		return p
	}
	p.starts.mu.Lock()
	defer p.starts.mu.Unlock()
	if known := p.starts.pages[start]; known != nil {
		return known
	}
	t, other := *p.text, *p
	t.start = start
	other.playlists = t.playlists(&other.Form)
	if p.starts.pages == nil {
		p.starts.pages = make(map[int]*Page)
	}
	if len(p.starts.pages) < maxStarts {
		p.starts.pages[start] = &other
	}
	return &other
}
