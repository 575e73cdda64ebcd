package fallback

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// brittle is a file with a read error before its end.
type brittle struct {
	file
	left int
}

func (b *brittle) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errors.New("the disk is on fire")
	}
	n, err := b.file.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func (b *brittle) Seek(offset int64, whence int) (int64, error) { return b.file.Seek(offset, whence) }

func TestAFileThatCannotBeReadToItsEndIsHeardUpToThere(t *testing.T) {
	dir := t.TempDir()
	good, bad := write(t, dir, "good.mp3", mp3(10)), write(t, dir, "bad.mp3", mp3(100))
	log, lines := observed()
	l := listenTo(t, Options{Log: log}, good, bad)
	open := l.player.open
	l.player.open = func(path string) (file, error) {
		f, err := open(path)
		if path == bad {
			f = &brittle{f, firstBuffer + 20*418} // what is read to look at it, too
		}
		return f, err
	}
	for _, s := range l.hear(t, 6) {
		if s.title == "bad" && (len(s.data) == 0 || !bytes.HasPrefix(mp3(100), s.data)) {
			t.Errorf("heard %d bytes of the bad one, want the frames before the fault", len(s.data))
		}
	}
	if all := lines.All(); len(all) != 1 || all[0].ContextMap()["error"] != "the disk is on fire" {
		t.Errorf("logged %v, want one line", all)
	}
}

func TestAFileThatIsEmptyByTheTimeItIsPlayedDoesNotSpin(t *testing.T) {
	path := write(t, t.TempDir(), "a.mp3", mp3(10))
	l := listenTo(t, Options{}, path)
	open := l.player.open
	l.player.open = func(path string) (file, error) {
		f, err := open(path)
		return &vanishing{file: f}, err
	}
	checkNothing(t, l.read(), path+": no audio found")
}

// vanishing is a file that is empty after a seek.
type vanishing struct {
	file
	gone bool
}

func (v *vanishing) Read(p []byte) (int, error) {
	if v.gone {
		return 0, io.EOF
	}
	return v.file.Read(p)
}

func (v *vanishing) Seek(offset int64, whence int) (int64, error) {
	v.gone = true
	return v.file.Seek(offset, whence)
}

// ending is a file whose first read closes its player.
type ending struct {
	file
	end func()
}

func (e *ending) Read(p []byte) (int, error) {
	e.end()
	return e.file.Read(p)
}

func TestClosingWhileAFileIsLookedThroughIsNoFaultOfTheFile(t *testing.T) {
	path := write(t, t.TempDir(), "a.mp3", make([]byte, 10*maxBuffer))
	log, lines := observed()
	l := listenTo(t, Options{Log: log}, path)
	open := l.player.open
	l.player.open = func(path string) (file, error) {
		f, err := open(path)
		return &ending{f, l.player.Close}, err
	}
	if err := l.read(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the end", err)
	}
	if lines.Len() > 0 {
		t.Errorf("logged %v, want nothing", lines.All())
	}
}
