package sources

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/caddycast/caddycast/tests/harness"
)

// encoderLab is what encoders find: a server, its two ports, music, and a directory.
type encoderLab struct {
	*harness.Server
	upper string // the port above the plain one
	dir   string

	mp3, ogg [2]string // files with titles, "Song 1" and "Song 2", by "Artist"
}

func newEncoderLab(t *testing.T) *encoderLab {
	s, upper := startFor(t, wrapped, harness.Station)
	// Not a directory of the test alone, which only its user may enter: VLC does
	// not run as root.
	dir, err := os.MkdirTemp("", "caddycast-studio-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	st := &encoderLab{Server: s, upper: upper, dir: dir}
	for i := range 2 {
		make := func(name string, args ...string) string {
			path := filepath.Join(dir, fmt.Sprintf(name, i+1))
			args = append(append([]string{
				"-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=440:duration=%d", 5+10*i), "-ac", "2",
				"-metadata", "artist=Artist", "-metadata", fmt.Sprintf("title=Song %d", i+1),
			}, args...), path)
			if out, err := exec.Command(harness.Program(t, "ffmpeg"), args...).CombinedOutput(); err != nil {
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

// file writes a file into the folder of the lab and returns its path.
func (st *encoderLab) file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(st.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// pipe sends two songs in Ogg to a program's standard input.
func (st *encoderLab) pipe(t testing.TB, name string, args ...string) work {
	harness.Program(t, name)
	cmd, _ := harness.Launch(t, "sh", append([]string{"-c", `cat "$1" "$2" | (shift 2; exec "$@")`, "sh", st.ogg[0], st.ogg[1], name}, args...)...)
	return work{cmd: cmd}
}

func ezstreamPlaylist(t testing.TB, st *encoderLab, mount string) work {
	list := st.file(t, "ezstream.m3u", st.mp3[0]+"\n"+st.mp3[1]+"\n")
	config := st.file(t, "ezstream.xml", fmt.Sprintf(`<ezstream>
	<servers><server><hostname>127.0.0.1</hostname><port>%s</port><password>hackme</password><tls>none</tls></server></servers>
	<streams><stream><mountpoint>%s</mountpoint><format>MP3</format></stream></streams>
	<intakes><intake><type>playlist</type><filename>%s</filename><stream_once>yes</stream_once></intake></intakes>
</ezstream>`, harness.Port(st.Plain), mount, list))
	cmd, _ := harness.Launch(t, "ezstream", "-c", config)
	return work{cmd: cmd}
}

// darkice gets a sound card that is a pipe, into which ffmpeg plays at the speed of
// the sound.
func darkice(t testing.TB, st *encoderLab, mount string) work {
	fifo := filepath.Join(st.dir, "darkice.fifo")
	if err := syscall.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	harness.Launch(t, "ffmpeg", "-v", "error", "-y", "-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100", "-ac", "2", "-f", "s16le", fifo)
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
`, harness.Port(st.Plain), mount[1:]))
	harness.Program(t, "darkice")
	cmd, _ := harness.Launch(t, "env", "ALSA_CONFIG_PATH="+card, "darkice", "-c", config)
	return work{cmd: cmd}
}

func (st *encoderLab) liquidsoap(t testing.TB, name, output string) work {
	cmd, _ := harness.Launch(t, "liquidsoap", st.file(t, name+".liq", `
settings.init.allow_root.set(true)
settings.log.stdout.set(true)
radio = insert_metadata(sine(440.))
`+output+`
thread.run(delay=2., fun () -> radio.insert_metadata([("artist", "Liquid"), ("title", "Song 1")]))
thread.run(delay=5., fun () -> radio.insert_metadata([("artist", "Liquid"), ("title", "Song 2")]))
`))
	return work{cmd: cmd}
}

func (st *encoderLab) gstreamer(t testing.TB, protocol, mount, password string) work {
	cmd, _ := harness.Launch(t, "gst-launch-1.0", "-q", "audiotestsrc", "is-live=true", "!", "audioconvert", "!", "lamemp3enc", "!",
		"taginject", "tags=title=Song1,artist=Artist", "!",
		"shout2send", "protocol="+protocol, "ip=127.0.0.1", "port="+harness.Port(st.Plain), "mount="+mount, "password="+password, "send-title-info=true")
	return work{cmd: cmd}
}

func mpd(t testing.TB, st *encoderLab, mount string) work {
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
`, music, st.dir, socket, harness.Port(st.Plain), mount))
	cmd, _ := harness.Launch(t, "mpd", "--no-daemon", config)
	mpc := func(args ...string) error {
		out, err := exec.Command(harness.Program(t, "mpc"), append([]string{"--host", socket, "--quiet"}, args...)...).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return err
	}
	harness.Eventually(t, "mpd is there", func() error { return mpc("update", "--wait") })
	for _, args := range [][]string{{"add", "0.mp3"}, {"add", "1.mp3"}, {"play"}} {
		if err := mpc(args...); err != nil {
			t.Fatal(err)
		}
	}
	return work{cmd: cmd}
}

// vlc does not run as root.
func (st *encoderLab) vlc(t testing.TB, file, output string) work {
	args := []string{"HOME=" + st.dir, "cvlc", "--no-one-instance", "-q", "-I", "dummy", file, "--sout", output}
	harness.Program(t, "cvlc")
	if os.Getuid() == 0 {
		args = append([]string{"setpriv", "--reuid", "65534", "--clear-groups", "env"}, args...)
	} else {
		args = append([]string{"env"}, args...)
	}
	cmd, _ := harness.Launch(t, args[0], args[1:]...)
	return work{cmd: cmd}
}

// butt is a window, and wants a screen and a sound card, which is silent.
func butt(t testing.TB, st *encoderLab, mount string) work {
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
`, harness.Port(st.Plain), mount[1:]))
	harness.Program(t, "butt")
	screen := ":" + harness.Port(st.upper)
	harness.Launch(t, "Xvfb", screen, "-screen", "0", "800x600x24", "-nolisten", "tcp")
	harness.Eventually(t, "there is a screen", func() error {
		_, err := os.Stat("/tmp/.X11-unix/X" + screen[1:])
		return err
	})
	control := harness.Port(harness.FreeAddress(t))
	cmd, _ := harness.Launch(t, "env", "HOME="+st.dir, "DISPLAY="+screen, "butt", "-c", config, "-p", control)
	return work{cmd: cmd, title: func(song string) error {
		return exec.Command("butt", "-p", control, "-u", song).Run()
	}}
}
