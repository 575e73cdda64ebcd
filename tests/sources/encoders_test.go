package sources

import (
	"fmt"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// atWork is how long each encoder plays.
const atWork = 10 * time.Second

// work is an encoder that runs; title changes the title, if the encoder can do so while it
// runs.
type work struct {
	cmd   *exec.Cmd
	title func(song string) error
}

// encodersOfDebian are programs as Debian has them, each in a way in which it can
// be a source.
var encodersOfDebian = []struct {
	name  string
	mount string
	typ   string // that listeners get
	title string // that the program itself gives at last; "" if it gives none
	start func(t testing.TB, st *encoderLab, mount string) work
}{
	{"ffmpeg by PUT", "/ffmpeg", "audio/mpeg", "", func(t testing.TB, st *encoderLab, mount string) work {
		return work{cmd: harness.FfmpegSource(t, "icecast://source:hackme@"+st.Plain+mount, st.mp3[1], "mp3")}
	}},
	{"ffmpeg by SOURCE", "/ffmpeg-legacy", "audio/mpeg", "", func(t testing.TB, st *encoderLab, mount string) work {
		return work{cmd: harness.FfmpegSource(t, "icecast://source:hackme@"+st.Plain+mount, st.mp3[1], "mp3", "-legacy_icecast", "1")}
	}},
	{"ffmpeg by PUT in chunks", "/ffmpeg-chunks", "audio/mpeg", "", func(t testing.TB, st *encoderLab, mount string) work {
		return work{cmd: harness.FfmpegSource(t, "http://source:hackme@"+st.Plain+mount, st.mp3[1], "mp3",
			"-method", "PUT", "-auth_type", "basic", "-content_type", "audio/mpeg")}
	}},
	{"ezstream", "/ezstream", "audio/mpeg", "Artist - Song 2", ezstreamPlaylist},
	{"shout", "/shout", "application/ogg", "Artist - Song 2", func(t testing.TB, st *encoderLab, mount string) work {
		return st.pipe(t, "shout", "--format", "ogg", "--host", "127.0.0.1", "--port", harness.Port(st.Plain), "--mount", mount, "--pass", "hackme", "--tls-mode", "disabled")
	}},
	{"oggfwd", "/oggfwd", "application/ogg", "Artist - Song 2", func(t testing.TB, st *encoderLab, mount string) work {
		return st.pipe(t, "oggfwd", "127.0.0.1", harness.Port(st.Plain), "hackme", mount)
	}},
	{"ices2", "/ices2", "application/ogg", "Artist - Song 2", func(t testing.TB, st *encoderLab, mount string) work {
		return work{cmd: ices2Of(t, st.Server, mount, st.ogg[0], st.ogg[1])}
	}},
	{"darkice", "/darkice", "audio/mpeg", "", darkice},
	{"liquidsoap by SOURCE", "/liquidsoap", "audio/mpeg", "Liquid - Song 2", func(t testing.TB, st *encoderLab, mount string) work {
		return st.liquidsoap(t, "source", fmt.Sprintf(`output.icecast(%%mp3, host="127.0.0.1", port=%s, password="hackme", mount="%s", radio)`, harness.Port(st.Plain), mount))
	}},
	{"liquidsoap by PUT", "/liquidsoap-put", "audio/mpeg", "Liquid - Song 2", func(t testing.TB, st *encoderLab, mount string) work {
		return st.liquidsoap(t, "put", fmt.Sprintf(`output.icecast(%%mp3, method="put", host="127.0.0.1", port=%s, password="hackme", mount="%s", radio)`, harness.Port(st.Plain), mount))
	}},
	{"liquidsoap by SHOUTcast v1", "/liquidsoap-v1", "audio/mpeg", "Liquid - Song 2", func(t testing.TB, st *encoderLab, mount string) work {
		return st.liquidsoap(t, "v1", fmt.Sprintf(`output.shoutcast(%%mp3, host="127.0.0.1", port=%s, password="%s:hackme", radio)`, harness.Port(st.Plain), mount))
	}},
	{"gstreamer by HTTP", "/gst", "audio/mpeg", "Artist - Song1", func(t testing.TB, st *encoderLab, mount string) work {
		return st.gstreamer(t, "http", mount, "hackme")
	}},
	{"gstreamer by SHOUTcast v1", "/gst-v1", "audio/mpeg", "Artist - Song1", func(t testing.TB, st *encoderLab, mount string) work {
		return st.gstreamer(t, "icy", mount, mount+":hackme")
	}},
	{"gstreamer by Icecast 1", "/gst-x", "audio/mpeg", "Artist - Song1", func(t testing.TB, st *encoderLab, mount string) work {
		return st.gstreamer(t, "xaudiocast", mount, "hackme")
	}},
	{"mpd", "/mpd", "audio/mpeg", "Artist - Song 2", mpd},
	{"vlc by HTTP", "/vlc", "application/ogg", "", func(t testing.TB, st *encoderLab, mount string) work {
		return st.vlc(t, st.ogg[1], "#std{access=shout,mux=ogg,dst=source:hackme@"+st.Plain+mount+"}")
	}},
	{"vlc by SHOUTcast v1", "/m", "audio/mpeg", "", func(t testing.TB, st *encoderLab, _ string) work {
		return st.vlc(t, st.mp3[1], "#std{access=shout{mp3},mux=raw,dst=source:hackme@"+st.Plain+"/unheard}")
	}},
	{"butt", "/butt", "audio/mpeg", "", butt},
}

// Each encoder plays for ten seconds and changes its title; a listener
// hears it to the end and decodes it without a complaint.
func TestEncodersOfDebian(t *testing.T) {
	st := newEncoderLab(t)
	var working sync.WaitGroup
	files, errs := make([]string, len(encodersOfDebian)), make([]error, len(encodersOfDebian))
	for i, e := range encodersOfDebian { // all at once, since they mostly wait
		w := e.start(t, st, e.mount)
		working.Go(func() { files[i], errs[i] = st.shift(w, e.mount, e.typ, e.title) })
	}
	working.Wait()
	for i, e := range encodersOfDebian {
		t.Run(e.name, func(t *testing.T) {
			if errs[i] != nil {
				t.Fatal(errs[i])
			}
			if heard := harness.Decodes(t, files[i]); heard < atWork-2*time.Second {
				t.Errorf("%v were heard", heard)
			}
		})
	}
}

// shift follows an encoder from the moment it is heard until it has worked for
// long enough, and returns the file of what a listener heard.
func (st *encoderLab) shift(w work, mount, contentType, title string) (file string, err error) {
	defer func() { _ = w.cmd.Process.Kill() }()
	if err := harness.AwaitWithin(harness.StartUp, func() error { return st.CheckMount(mount) }); err != nil {
		return "", fmt.Errorf("nothing is heard: %w", err)
	}
	began := time.Now()
	var recording sync.WaitGroup
	recording.Go(func() { file = st.Record(mount, contentType) })
	defer recording.Wait()
	defer func() { _ = w.cmd.Process.Kill() }()
	if title != "" {
		if err := harness.Await(func() error { return st.CheckTitle(mount, title) }); err != nil {
			return "", err
		}
	}
	const told = "Artist - Told"
	switch {
	case w.title != nil:
		if err := w.title(told); err != nil {
			return "", err
		}
	case !strings.HasSuffix(title, "2"): // it has not changed it by itself
		if err := st.TrySetTitle("source", "hackme", mount, url.QueryEscape(told)); err != nil {
			return "", err
		}
	}
	if w.title != nil || !strings.HasSuffix(title, "2") {
		if err := harness.Await(func() error { return st.CheckTitle(mount, told) }); err != nil {
			return "", err
		}
	}
	time.Sleep(time.Until(began.Add(atWork)))
	return // the recording, which has yet to end
}
