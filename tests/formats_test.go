package tests

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// lateJoins is how many listeners come to each stream, at moments of chance.
	lateJoins = 10

	// onAir is how long each stream is, in seconds. The last listener comes two
	// seconds before the end, so that a keyframe is left for it.
	onAir = 8
)

const sound, picture = "sine=frequency=440:sample_rate=48000", "testsrc=size=160x120:rate=10"

// sender begins to send to a mount and returns what waits for the end.
type sender = func(t testing.TB, s *server, mount string) func() error

// formats are what stations send, as encoders that are in use make it.
var formats = []struct {
	name        string
	contentType string // that listeners are told
	send        sender
	decode      func(t testing.TB, file string) time.Duration
}{
	{"MP3", "audio/mpeg", byFFmpeg("audio/mpeg", "-f", "lavfi", "-i", sound, "-c:a", "libmp3lame", "-f", "mp3"), decodes},
	{"AAC", "audio/aac", byFFmpeg("audio/aac", "-f", "lavfi", "-i", sound, "-c:a", "aac", "-f", "adts"), decodes},
	{"Vorbis", "application/ogg", byFFmpeg("application/ogg", "-f", "lavfi", "-i", sound, "-ac", "2", "-c:a", "libvorbis", "-f", "ogg"), decodes},
	{"Opus", "audio/ogg", byFFmpeg("audio/ogg", "-f", "lavfi", "-i", sound, "-c:a", "libopus", "-f", "ogg"), decodes},
	{"Ogg FLAC", "audio/ogg", byFFmpeg("audio/ogg", "-f", "lavfi", "-i", sound, "-c:a", "flac", "-f", "ogg"), decodes},
	{"Speex", "audio/ogg", byFFmpeg("audio/ogg", "-f", "lavfi", "-i", sound, "-ar", "16000", "-c:a", "libspeex", "-f", "ogg"), decodes},
	{"Theora and Vorbis", "video/ogg", byFFmpeg("video/ogg", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound,
		"-c:v", "libtheora", "-g", "10", "-ac", "2", "-c:a", "libvorbis", "-f", "ogg"), decodes},
	{"FLAC", "audio/flac", byFFmpeg("audio/flac", "-f", "lavfi", "-i", sound, "-c:a", "flac", "-f", "flac"), decodes},
	{"WebM with Opus", "audio/webm", byFFmpeg("audio/webm", "-f", "lavfi", "-i", sound, "-c:a", "libopus",
		"-cluster_time_limit", "1000", "-f", "webm", "-live", "1"), decodes},
	{"WebM with VP8 and Opus", "video/webm", byFFmpeg("video/webm", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound,
		"-c:v", "libvpx", "-g", "10", "-deadline", "realtime", "-c:a", "libopus", "-f", "webm", "-live", "1"), decodes},
	{"MPEG-TS", "video/mp2t", byFFmpeg("video/mp2t", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound,
		"-c:v", "mpeg2video", "-g", "10", "-c:a", "aac", "-f", "mpegts"), decodes},
	{"MP3 declared as Ogg", "audio/mpeg", byFFmpeg("application/ogg", "-f", "lavfi", "-i", sound, "-c:a", "libmp3lame", "-f", "mp3"), decodes},
	{"Vorbis by oggenc, chained", "application/ogg", byOggfwd("oggenc -Q -o - A; oggenc -Q -o - B"), decodes},
	{"Opus by opusenc, chained", "application/ogg", byOggfwd("opusenc --quiet A -; opusenc --quiet B -"), decodes},
	{"Ogg FLAC by flac", "audio/ogg", byRate("audio/ogg", "flac --silent --ogg --stdout"), decodes},
	{"Vorbis by ices2", "application/ogg", ices2, decodes},
	{"Vorbis by ezstream", "application/ogg", ezstreamVorbis, decodes},
	// Of these chains ffmpeg 5.1 complains wherever they come from.
	{"Vorbis by liquidsoap", "application/ogg", liquidsoap(`%vorbis`), decodesBy("oggdec", "-Q", "-o", "OUT", "IN")},
	{"Opus by liquidsoap", "application/ogg", liquidsoap(`%opus(vbr="none")`), decodesBy("opusdec", "--quiet", "IN", "OUT")},
}

// A listener that comes at any moment gets a stream that a decoder takes without
// a word.
func TestALateListenerGetsAWholeStream(t *testing.T) {
	s := start(t, "icecast {\n source_password hackme\n limits {\n burst 2KiB\n }\n}") // or none would be late
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	heard := make([][lateJoins]string, len(formats))
	var all sync.WaitGroup
	ends := make([]func() error, len(formats))
	for i, f := range formats { // all at once, since they mostly wait
		ends[i] = f.send(t, s, fmt.Sprintf("/stream%d", i))
	}
	for i, f := range formats {
		mount := fmt.Sprintf("/stream%d", i)
		var after [lateJoins]time.Duration
		for j := range after {
			after[j] = time.Duration(rnd.Float64() * (onAir - 3) * float64(time.Second))
		}
		all.Go(func() {
			if err := await(func() error { return s.onAir(mount) }); err != nil {
				t.Errorf("%s is not on the air: %v", mount, err)
				return
			}
			for j := range lateJoins {
				all.Go(func() {
					time.Sleep(after[j]) // listeners come at any time
					heard[i][j] = s.record(mount, f.contentType)
				})
			}
		})
		all.Go(func() {
			if err := ends[i](); err != nil {
				t.Logf("%s: the encoder ends with %v", f.name, err)
			}
		})
	}
	all.Wait()
	for i, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			for _, file := range heard[i] {
				f.decode(t, file)
			}
		})
	}
}

// record listens to the end and returns the file of what it heard.
func (s *server) record(mount, contentType string) string {
	resp, err := http.Get("http://" + s.plain + mount)
	if err != nil {
		s.t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	if ct := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || ct != contentType {
		s.t.Errorf("%s: answered %s, %q, want %q", mount, resp.Status, ct, contentType)
	}
	file, err := os.CreateTemp(storage, "heard")
	if err != nil {
		s.t.Error(err)
		return ""
	}
	defer file.Close()
	if _, err := io.Copy(file, resp.Body); err != nil {
		s.t.Error(err)
	}
	return file.Name()
}

// decodes lets ffmpeg decode what a listener heard: there must be sound, and
// nothing wrong. It returns how long it sounds.
func decodes(t testing.TB, file string) time.Duration {
	t.Helper()
	heard, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer heard.Close()
	var said, progress bytes.Buffer
	cmd := exec.Command(program(t, "ffmpeg"), "-hide_banner", "-v", "error", "-xerror", "-progress", "pipe:1", "-i", "pipe:0", "-f", "null", "/dev/null")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = heard, &progress, &said // a listener can't seek
	err = cmd.Run()
	var last time.Duration
	for line := range strings.Lines(progress.String()) {
		if us, ok := strings.CutPrefix(line, "out_time_us="); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(us), 10, 64)
			last = time.Duration(n) * time.Microsecond
		}
	}
	if err != nil || said.Len() > 0 || last < time.Second {
		info, _ := heard.Stat()
		t.Errorf("ffmpeg decodes %v of %d bytes: %v\n%s", last, info.Size(), err, &said)
	}
	return last
}

// decodesBy is decodes by another program, which writes a file IN to a file OUT.
func decodesBy(name string, args ...string) func(testing.TB, string) time.Duration {
	return func(t testing.TB, file string) time.Duration {
		t.Helper()
		out := file + ".wav"
		filled := slices.Clone(args)
		for i, a := range filled {
			filled[i] = strings.NewReplacer("IN", file, "OUT", out).Replace(a)
		}
		said, err := exec.Command(program(t, name), filled...).CombinedOutput()
		info, _ := os.Stat(out)
		if err != nil || len(said) > 0 || info.Size() < 44100*2*2 {
			t.Errorf("%s: %v\n%s", name, err, said)
		}
		return time.Duration(info.Size()) * time.Second / (44100 * 2 * 2)
	}
}

// byFFmpeg encodes and sends in real time.
func byFFmpeg(contentType string, args ...string) sender {
	return byFFmpegFor(onAir, contentType, args...)
}

func byFFmpegFor(seconds int, contentType string, args ...string) sender {
	return func(t testing.TB, s *server, mount string) func() error {
		all := []string{"-hide_banner", "-loglevel", "error"}
		for _, a := range args {
			if a == "lavfi" {
				all = append(all[:len(all)-1], "-re", "-f")
			}
			all = append(all, a)
		}
		all = append(all, "-t", fmt.Sprint(seconds), "-flush_packets", "1", "-content_type", contentType,
			"icecast://source:hackme@"+s.plain+mount)
		cmd, _ := launch(t, "ffmpeg", all...)
		return cmd.Wait
	}
}

// tones makes two files, each of half the time on air.
func tones(t testing.TB) (a, b string) {
	half := onAir / 2
	return music(t, "a.wav", half, "-ar", "44100", "-ac", "2"), music(t, "b.wav", half, "-ar", "44100", "-ac", "2", "-af", "volume=0.5")
}

// byRate sends, evenly over the time on air, what a command makes of a file.
func byRate(contentType, command string) sender {
	return func(t testing.TB, s *server, mount string) func() error {
		args := append(strings.Fields(command), music(t, "a.wav", onAir, "-ac", "2"))
		stream, err := exec.Command(program(t, args[0]), args[1:]...).Output()
		if err != nil || len(stream) == 0 {
			t.Fatalf("%s: %v", command, err)
		}
		conn := s.dial(false)
		resp, _ := head(t, conn, "PUT "+mount+" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic "+
			base64.StdEncoding.EncodeToString([]byte("source:hackme"))+"\r\nContent-Type: "+contentType+"\r\n\r\n")
		if resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status)
		}
		done := make(chan error, 1)
		go func() {
			defer conn.Close()
			const parts = 20 * onAir
			for i := range parts {
				if _, err := conn.Write(stream[len(stream)*i/parts : len(stream)*(i+1)/parts]); err != nil {
					done <- err
					return
				}
				time.Sleep(time.Second / 20) // the stream's own speed
			}
			done <- nil
		}()
		return func() error { return <-done }
	}
}

// byOggfwd sends, by libshout, what a command of the shell makes of two files.
func byOggfwd(command string) sender {
	return func(t testing.TB, s *server, mount string) func() error {
		a, b := tones(t)
		for _, name := range []string{"oggenc", "opusenc", "flac", "oggfwd"} {
			program(t, name)
		}
		command := strings.NewReplacer(" A", " "+a, " B", " "+b).Replace(command)
		cmd, _ := launch(t, "sh", "-c", "("+command+") | oggfwd 127.0.0.1 "+port(s.plain)+" hackme "+mount)
		return cmd.Wait
	}
}

func ices2(t testing.TB, s *server, mount string) func() error {
	a, b := tones(t)
	for _, f := range []*string{&a, &b} {
		ogg := strings.TrimSuffix(*f, ".wav") + ".ogg"
		if out, err := exec.Command(program(t, "oggenc"), "-Q", "-o", ogg, *f).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		*f = ogg
	}
	return ices2Of(t, s, mount, a, b).Wait
}

// ices2Of plays two songs, one after the other.
func ices2Of(t testing.TB, s *server, mount, a, b string) *exec.Cmd {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "playlist"), a+"\n"+b+"\n")
	config := filepath.Join(dir, "ices.xml")
	write(t, config, fmt.Sprintf(`<ices>
	<background>0</background>
	<logpath>%[1]s</logpath><logfile>ices.log</logfile><loglevel>4</loglevel><consolelog>0</consolelog>
	<stream>
		<metadata><name>test</name><genre>test</genre><description>test</description></metadata>
		<input>
			<module>playlist</module>
			<param name="type">basic</param>
			<param name="file">%[1]s/playlist</param>
			<param name="random">0</param><param name="once">1</param><param name="restart-after-reread">0</param>
		</input>
		<instance>
			<hostname>127.0.0.1</hostname><port>%[2]s</port><password>hackme</password><mount>%[3]s</mount>
			<yp>0</yp>
		</instance>
	</stream>
</ices>`, dir, port(s.plain), mount))
	cmd, _ := launch(t, "ices2", config)
	return cmd
}

func ezstreamVorbis(t testing.TB, s *server, mount string) func() error {
	a, _ := tones(t)
	ogg := strings.TrimSuffix(a, ".wav") + ".ogg"
	if out, err := exec.Command(program(t, "ffmpeg"), "-v", "error", "-stream_loop", "1", "-i", a, "-c:a", "libvorbis", ogg).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return ezstreamOf(t, s, mount, ogg, "Ogg").Wait
}

// liquidsoap encodes a tone whose title changes every two seconds, at each of
// which it begins a new link of the chain.
func liquidsoap(encoder string) sender {
	return func(t testing.TB, s *server, mount string) func() error {
		script := filepath.Join(t.TempDir(), "radio.liq")
		write(t, script, fmt.Sprintf(`
settings.init.allow_root.set(true)
settings.log.stdout.set(true)
radio = insert_metadata(sine(440.))
count = ref(0)
thread.run(every=2., fun () -> begin
  count := !count + 1
  radio.insert_metadata([("artist", "Liquid"), ("title", "Song #{!count}")])
end)
output.icecast(%s, host="127.0.0.1", port=%s, password="hackme", mount="%s", radio)
thread.run(delay=%d., shutdown)
`, encoder, port(s.plain), mount, onAir+2))
		cmd, _ := launch(t, "liquidsoap", script)
		return cmd.Wait
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
