package tests

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// atWork is how long each encoder is on the air.
const atWork = 10 * time.Second

// studio is what encoders find: a server, its two ports, music, and a directory.
type studio struct {
	*server
	upper string // the port above the plain one
	dir   string

	mp3, ogg [2]string // files with titles, "Song 1" and "Song 2", by "Artist"
}

func newStudio(t *testing.T) *studio {
	s, upper := startFor(t, wrapped, station)
	// Not a directory of the test alone, which only its user may enter: VLC does
	// not run as root.
	dir, err := os.MkdirTemp("", "caddycast-studio-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	st := &studio{server: s, upper: upper, dir: dir}
	for i := range 2 {
		make := func(name string, args ...string) string {
			path := filepath.Join(dir, fmt.Sprintf(name, i+1))
			args = append(append([]string{
				"-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=440:duration=%d", 5+10*i), "-ac", "2",
				"-metadata", "artist=Artist", "-metadata", fmt.Sprintf("title=Song %d", i+1),
			}, args...), path)
			if out, err := exec.Command(program(t, "ffmpeg"), args...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			return path
		}
		st.mp3[i] = make("song%d.mp3", "-c:a", "libmp3lame", "-b:a", "128k", "-write_xing", "0")
		st.ogg[i] = make("song%d.ogg", "-c:a", "libvorbis")
	}
	if err := exec.Command("chmod", "-R", "a+rwX", dir).Run(); err != nil {
		t.Fatal(err)
	}
	return st
}

// file writes a file into the studio and returns its path.
func (st *studio) file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(st.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// work is an encoder that works; title changes the title, if it can do so when it
// is told.
type work struct {
	cmd   *exec.Cmd
	title func(song string) error
}

// encodersOfDebian are programs as Debian has them, each in a way in which it can
// be a source.
var encodersOfDebian = []struct {
	name  string
	mount string
	typ   string // that listeners are told
	title string // that the program itself gives at last; "" if it gives none
	start func(t testing.TB, st *studio, mount string) work
}{
	{"ffmpeg by PUT", "/ffmpeg", "audio/mpeg", "", func(t testing.TB, st *studio, mount string) work {
		return work{cmd: ffmpegSource(t, "icecast://source:hackme@"+st.plain+mount, st.mp3[1], "mp3")}
	}},
	{"ffmpeg by SOURCE", "/ffmpeg-legacy", "audio/mpeg", "", func(t testing.TB, st *studio, mount string) work {
		return work{cmd: ffmpegSource(t, "icecast://source:hackme@"+st.plain+mount, st.mp3[1], "mp3", "-legacy_icecast", "1")}
	}},
	{"ffmpeg by PUT in chunks", "/ffmpeg-chunks", "audio/mpeg", "", func(t testing.TB, st *studio, mount string) work {
		return work{cmd: ffmpegSource(t, "http://source:hackme@"+st.plain+mount, st.mp3[1], "mp3",
			"-method", "PUT", "-auth_type", "basic", "-content_type", "audio/mpeg")}
	}},
	{"ezstream", "/ezstream", "audio/mpeg", "Artist - Song 2", ezstreamPlaylist},
	{"shout", "/shout", "application/ogg", "Artist - Song 2", func(t testing.TB, st *studio, mount string) work {
		return st.pipe(t, "shout", "--format", "ogg", "--host", "127.0.0.1", "--port", port(st.plain), "--mount", mount, "--pass", "hackme", "--tls-mode", "disabled")
	}},
	{"oggfwd", "/oggfwd", "application/ogg", "Artist - Song 2", func(t testing.TB, st *studio, mount string) work {
		return st.pipe(t, "oggfwd", "127.0.0.1", port(st.plain), "hackme", mount)
	}},
	{"ices2", "/ices2", "application/ogg", "Artist - Song 2", func(t testing.TB, st *studio, mount string) work {
		return work{cmd: ices2Of(t, st.server, mount, st.ogg[0], st.ogg[1])}
	}},
	{"darkice", "/darkice", "audio/mpeg", "", darkice},
	{"liquidsoap by SOURCE", "/liquidsoap", "audio/mpeg", "Liquid - Song 2", func(t testing.TB, st *studio, mount string) work {
		return st.liquidsoap(t, "source", fmt.Sprintf(`output.icecast(%%mp3, host="127.0.0.1", port=%s, password="hackme", mount="%s", radio)`, port(st.plain), mount))
	}},
	{"liquidsoap by PUT", "/liquidsoap-put", "audio/mpeg", "Liquid - Song 2", func(t testing.TB, st *studio, mount string) work {
		return st.liquidsoap(t, "put", fmt.Sprintf(`output.icecast(%%mp3, method="put", host="127.0.0.1", port=%s, password="hackme", mount="%s", radio)`, port(st.plain), mount))
	}},
	{"liquidsoap by SHOUTcast v1", "/liquidsoap-v1", "audio/mpeg", "Liquid - Song 2", func(t testing.TB, st *studio, mount string) work {
		return st.liquidsoap(t, "v1", fmt.Sprintf(`output.shoutcast(%%mp3, host="127.0.0.1", port=%s, password="%s:hackme", radio)`, port(st.plain), mount))
	}},
	{"gstreamer by HTTP", "/gst", "audio/mpeg", "Artist - Song1", func(t testing.TB, st *studio, mount string) work {
		return st.gstreamer(t, "http", mount, "hackme")
	}},
	{"gstreamer by SHOUTcast v1", "/gst-v1", "audio/mpeg", "Artist - Song1", func(t testing.TB, st *studio, mount string) work {
		return st.gstreamer(t, "icy", mount, mount+":hackme")
	}},
	{"gstreamer by Icecast 1", "/gst-x", "audio/mpeg", "Artist - Song1", func(t testing.TB, st *studio, mount string) work {
		return st.gstreamer(t, "xaudiocast", mount, "hackme")
	}},
	{"mpd", "/mpd", "audio/mpeg", "Artist - Song 2", mpd},
	{"vlc by HTTP", "/vlc", "application/ogg", "", func(t testing.TB, st *studio, mount string) work {
		return st.vlc(t, st.ogg[1], "#std{access=shout,mux=ogg,dst=source:hackme@"+st.plain+mount+"}")
	}},
	{"vlc by SHOUTcast v1", "/m", "audio/mpeg", "", func(t testing.TB, st *studio, _ string) work {
		return st.vlc(t, st.mp3[1], "#std{access=shout{mp3},mux=raw,dst=source:hackme@"+st.plain+"/unheard}")
	}},
	{"butt", "/butt", "audio/mpeg", "", butt},
}

// Each encoder is on the air for ten seconds and changes its title; a listener
// hears it to the end and decodes it without a complaint.
func TestEncodersOfDebian(t *testing.T) {
	st := newStudio(t)
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
			if heard := decodes(t, files[i]); heard < atWork-2*time.Second {
				t.Errorf("%v were heard", heard)
			}
		})
	}
}

// shift follows an encoder from the moment it is on the air until it has worked for
// long enough, and returns the file of what a listener heard.
func (st *studio) shift(w work, mount, contentType, title string) (file string, err error) {
	defer func() { _ = w.cmd.Process.Kill() }()
	if err := await(func() error { return st.onAir(mount) }); err != nil {
		return "", fmt.Errorf("it does not come on the air: %w", err)
	}
	began := time.Now()
	var recording sync.WaitGroup
	recording.Go(func() { file = st.record(mount, contentType) })
	defer recording.Wait()
	defer func() { _ = w.cmd.Process.Kill() }()
	if title != "" {
		if err := await(func() error { return st.isTitled(mount, title) }); err != nil {
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
		st.retitle(mount, told)
	}
	if w.title != nil || !strings.HasSuffix(title, "2") {
		if err := await(func() error { return st.isTitled(mount, told) }); err != nil {
			return "", err
		}
	}
	time.Sleep(time.Until(began.Add(atWork)))
	return // the recording, which has yet to end
}

// onAir tells whether a mount is on the air.
func (s *server) onAir(path string) error {
	resp, err := http.Head("http://" + s.plain + path)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", resp.Status)
	}
	return nil
}

// isTitled tells whether a mount plays a song.
func (s *server) isTitled(mount, song string) error {
	artist, title := s.title(mount)
	if artist != "" {
		title = artist + " - " + title
	}
	if title != song {
		return fmt.Errorf("the title is %q, not %q", title, song)
	}
	return nil
}

// pipe sends two songs in Ogg to a program's standard input.
func (st *studio) pipe(t testing.TB, name string, args ...string) work {
	program(t, name)
	cmd, _ := launch(t, "sh", append([]string{"-c", `cat "$1" "$2" | (shift 2; exec "$@")`, "sh", st.ogg[0], st.ogg[1], name}, args...)...)
	return work{cmd: cmd}
}

func ezstreamPlaylist(t testing.TB, st *studio, mount string) work {
	list := st.file(t, "ezstream.m3u", st.mp3[0]+"\n"+st.mp3[1]+"\n")
	config := st.file(t, "ezstream.xml", fmt.Sprintf(`<ezstream>
	<servers><server><hostname>127.0.0.1</hostname><port>%s</port><password>hackme</password><tls>none</tls></server></servers>
	<streams><stream><mountpoint>%s</mountpoint><format>MP3</format></stream></streams>
	<intakes><intake><type>playlist</type><filename>%s</filename><stream_once>yes</stream_once></intake></intakes>
</ezstream>`, port(st.plain), mount, list))
	cmd, _ := launch(t, "ezstream", "-c", config)
	return work{cmd: cmd}
}

// darkice gets a sound card that is a pipe, into which ffmpeg plays at the speed of
// the sound.
func darkice(t testing.TB, st *studio, mount string) work {
	fifo := filepath.Join(st.dir, "darkice.fifo")
	if err := syscall.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	launch(t, "ffmpeg", "-v", "error", "-y", "-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100", "-ac", "2", "-f", "s16le", fifo)
	card := st.file(t, "darkice.asound", fmt.Sprintf(`</usr/share/alsa/alsa.conf>
pcm.studio { type file slave.pcm "null" file "/dev/null" infile "%s" format "raw" }
pcm.!default { type plug slave.pcm "studio" }
`, fifo))
	config := st.file(t, "darkice.cfg", fmt.Sprintf(`[general]
duration = 60
bufferSecs = 2
reconnect = no
realtime = no
[input]
device = default
sampleRate = 44100
bitsPerSample = 16
channel = 2
[icecast2-0]
bitrateMode = cbr
format = mp3
bitrate = 128
server = 127.0.0.1
port = %s
password = hackme
mountPoint = %s
name = Darkice
`, port(st.plain), mount[1:]))
	program(t, "darkice")
	cmd, _ := launch(t, "env", "ALSA_CONFIG_PATH="+card, "darkice", "-c", config)
	return work{cmd: cmd}
}

func (st *studio) liquidsoap(t testing.TB, name, output string) work {
	cmd, _ := launch(t, "liquidsoap", st.file(t, name+".liq", `
settings.init.allow_root.set(true)
settings.log.stdout.set(true)
radio = insert_metadata(sine(440.))
`+output+`
thread.run(delay=2., fun () -> radio.insert_metadata([("artist", "Liquid"), ("title", "Song 1")]))
thread.run(delay=5., fun () -> radio.insert_metadata([("artist", "Liquid"), ("title", "Song 2")]))
`))
	return work{cmd: cmd}
}

func (st *studio) gstreamer(t testing.TB, protocol, mount, password string) work {
	cmd, _ := launch(t, "gst-launch-1.0", "-q", "audiotestsrc", "is-live=true", "!", "audioconvert", "!", "lamemp3enc", "!",
		"taginject", "tags=title=Song1,artist=Artist", "!",
		"shout2send", "protocol="+protocol, "ip=127.0.0.1", "port="+port(st.plain), "mount="+mount, "password="+password, "send-title-info=true")
	return work{cmd: cmd}
}

func mpd(t testing.TB, st *studio, mount string) work {
	music := filepath.Join(st.dir, "mpd")
	if err := os.MkdirAll(music, 0o755); err != nil {
		t.Fatal(err)
	}
	for i, song := range st.mp3 {
		if err := os.Link(song, filepath.Join(music, fmt.Sprintf("%d.mp3", i))); err != nil {
			t.Fatal(err)
		}
	}
	socket := filepath.Join(st.dir, "mpd.socket")
	config := st.file(t, "mpd.conf", fmt.Sprintf(`music_directory "%s"
db_file "%s/mpd.db"
log_file "%[2]s/mpd.log"
bind_to_address "%s"
audio_output {
	type "shout"
	name "Mpd"
	host "127.0.0.1"
	port "%s"
	mount "%s"
	password "hackme"
	bitrate "128"
	format "44100:16:2"
	encoder "lame"
}
`, music, st.dir, socket, port(st.plain), mount))
	cmd, _ := launch(t, "mpd", "--no-daemon", config)
	mpc := func(args ...string) error {
		out, err := exec.Command(program(t, "mpc"), append([]string{"--host", socket, "--quiet"}, args...)...).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return err
	}
	eventually(t, "mpd is there", func() error { return mpc("update", "--wait") })
	for _, args := range [][]string{{"add", "0.mp3"}, {"add", "1.mp3"}, {"play"}} {
		if err := mpc(args...); err != nil {
			t.Fatal(err)
		}
	}
	return work{cmd: cmd}
}

// vlc does not run as root.
func (st *studio) vlc(t testing.TB, file, output string) work {
	args := []string{"HOME=" + st.dir, "cvlc", "--no-one-instance", "-q", "-I", "dummy", file, "--sout", output}
	program(t, "cvlc")
	if os.Getuid() == 0 {
		args = append([]string{"setpriv", "--reuid", "65534", "--clear-groups", "env"}, args...)
	} else {
		args = append([]string{"env"}, args...)
	}
	cmd, _ := launch(t, args[0], args[1:]...)
	return work{cmd: cmd}
}

// butt is a window, and wants a screen and a sound card, which is silent.
func butt(t testing.TB, st *studio, mount string) work {
	st.file(t, ".asoundrc", "pcm.!default { type null }\npcm.silence { type null }\nctl.!default { type null }\n")
	config := st.file(t, "buttrc", fmt.Sprintf(`[main]
server = here
num_of_srv = 1
srv_ent = here
num_of_icy = 0
connect_at_startup = 1
check_for_update = 0
[audio]
device = default
samplerate = 44100
bitrate = 128
channel = 2
codec = mp3
resample_mode = 1
buffer_ms = 50
[here]
address = 127.0.0.1
port = %s
password = hackme
type = 1
tls = 0
mount = %s
usr = source
protocol = 1
`, port(st.plain), mount[1:]))
	program(t, "butt")
	screen := ":" + port(st.upper)
	launch(t, "Xvfb", screen, "-screen", "0", "800x600x24", "-nolisten", "tcp")
	eventually(t, "there is a screen", func() error {
		_, err := os.Stat("/tmp/.X11-unix/X" + screen[1:])
		return err
	})
	control := port(freeAddress(t))
	cmd, _ := launch(t, "env", "HOME="+st.dir, "DISPLAY="+screen, "butt", "-c", config, "-p", control)
	return work{cmd: cmd, title: func(song string) error {
		return exec.Command("butt", "-p", control, "-u", song).Run()
	}}
}
