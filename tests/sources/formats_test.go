package sources

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddycast/caddycast/tests/harness"
)

// lateJoins is how many listeners come to each stream, at moments of chance.
const lateJoins = 10

// formats are what stations send, as encoders that are in use make it.
var formats = []struct {
	name        string
	contentType string // that listeners get
	send        harness.Sender
	decode      func(t testing.TB, file string) time.Duration
}{
	{"MP3", "audio/mpeg", harness.ByFFmpeg("audio/mpeg", "-f", "lavfi", "-i", harness.Tone, "-c:a", "libmp3lame", "-f", "mp3"), harness.Decodes},
	{"AAC", "audio/aac", harness.ByFFmpeg("audio/aac", "-f", "lavfi", "-i", harness.Tone, "-c:a", "aac", "-f", "adts"), harness.Decodes},
	{"Vorbis", "application/ogg", harness.ByFFmpeg("application/ogg", "-f", "lavfi", "-i", harness.Tone, "-ac", "2", "-c:a", "libvorbis", "-f", "ogg"), harness.Decodes},
	{"Opus", "audio/ogg", harness.ByFFmpeg("audio/ogg", "-f", "lavfi", "-i", harness.Tone, "-c:a", "libopus", "-f", "ogg"), harness.Decodes},
	{"Ogg FLAC", "audio/ogg", harness.ByFFmpeg("audio/ogg", "-f", "lavfi", "-i", harness.Tone, "-c:a", "flac", "-f", "ogg"), harness.Decodes},
	{"Speex", "audio/ogg", harness.ByFFmpeg("audio/ogg", "-f", "lavfi", "-i", harness.Tone, "-ar", "16000", "-c:a", "libspeex", "-f", "ogg"), harness.Decodes},
	{"Theora and Vorbis", "video/ogg", harness.ByFFmpeg("video/ogg", "-f", "lavfi", "-i", harness.TestPicture, "-f", "lavfi", "-i", harness.Tone,
		"-c:v", "libtheora", "-g", "10", "-ac", "2", "-c:a", "libvorbis", "-f", "ogg"), harness.Decodes},
	{"FLAC", "audio/flac", harness.ByFFmpeg("audio/flac", "-f", "lavfi", "-i", harness.Tone, "-c:a", "flac", "-f", "flac"), harness.Decodes},
	{"WebM with Opus", "audio/webm", harness.ByFFmpeg("audio/webm", "-f", "lavfi", "-i", harness.Tone, "-c:a", "libopus",
		"-cluster_time_limit", "1000", "-f", "webm", "-live", "1"), harness.Decodes},
	{"WebM with VP8 and Opus", "video/webm", harness.ByFFmpeg("video/webm", "-f", "lavfi", "-i", harness.TestPicture, "-f", "lavfi", "-i", harness.Tone,
		"-c:v", "libvpx", "-g", "10", "-deadline", "realtime", "-c:a", "libopus", "-f", "webm", "-live", "1"), harness.Decodes},
	{"MPEG-TS", "video/mp2t", harness.ByFFmpeg("video/mp2t", "-f", "lavfi", "-i", harness.TestPicture, "-f", "lavfi", "-i", harness.Tone,
		"-c:v", "mpeg2video", "-g", "10", "-c:a", "aac", "-f", "mpegts"), harness.Decodes},
	{"MP3 declared as Ogg", "audio/mpeg", harness.ByFFmpeg("application/ogg", "-f", "lavfi", "-i", harness.Tone, "-c:a", "libmp3lame", "-f", "mp3"), harness.Decodes},
	{"Vorbis by oggenc, chained", "application/ogg", harness.ByOggfwd("oggenc -Q -o - A; oggenc -Q -o - B"), harness.Decodes},
	{"Opus by opusenc, chained", "application/ogg", harness.ByOggfwd("opusenc --quiet A -; opusenc --quiet B -"), harness.Decodes},
	{"Ogg FLAC by flac", "audio/ogg", byRate("audio/ogg", "flac --silent --ogg --stdout"), harness.Decodes},
	{"Vorbis by ices2", "application/ogg", ices2, harness.Decodes},
	{"Vorbis by ezstream", "application/ogg", ezstreamVorbis, harness.Decodes},
	// Of these chains ffmpeg 5.1 complains wherever they come from.
	{"Vorbis by liquidsoap", "application/ogg", liquidsoap(`%vorbis`), decodesBy("oggdec", "-Q", "-o", "OUT", "IN")},
	{"Opus by liquidsoap", "application/ogg", liquidsoap(`%opus(vbr="none")`), decodesBy("opusdec", "--quiet", "IN", "OUT")},
}

// A listener that comes at any moment gets a stream that a decoder takes without
// a word.
func TestALateListenerGetsAWholeStream(t *testing.T) {
	s := harness.Start(t, "icecast {\n source_password hackme\n limits {\n burst 2KiB\n }\n}") // or none would be late
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	heard := make([][lateJoins]string, len(formats))
	var all sync.WaitGroup
	for i, f := range formats { // all at once, since they mostly wait
		mount := fmt.Sprintf("/stream%d", i)
		var after [lateJoins]time.Duration
		for j := range after {
			after[j] = time.Duration(rnd.Float64() * harness.JoinSeconds * float64(time.Second))
		}
		end := f.send(t, s, mount)
		all.Go(func() {
			if err := harness.AwaitWithin(harness.StartUp, func() error { return s.CheckMount(mount) }); err != nil {
				t.Errorf("%s is not heard: %v", mount, err)
				return
			}
			for j := range lateJoins {
				all.Go(func() {
					time.Sleep(after[j]) // listeners come at any time
					heard[i][j] = s.Record(mount, f.contentType)
				})
			}
		})
		all.Go(func() {
			if err := end(); err != nil {
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

// decodesBy is decodes by another program, which writes a file IN to a file OUT.
func decodesBy(name string, args ...string) func(testing.TB, string) time.Duration {
	return func(t testing.TB, file string) time.Duration {
		t.Helper()
		out := file + ".wav"
		filled := slices.Clone(args)
		for i, a := range filled {
			filled[i] = strings.NewReplacer("IN", file, "OUT", out).Replace(a)
		}
		said, err := exec.Command(harness.Program(t, name), filled...).CombinedOutput()
		size := int64(0)
		if info, err := os.Stat(out); err == nil {
			size = info.Size()
		}
		if err != nil || len(said) > 0 || size < 44100*2*2 {
			t.Errorf("%s: %d bytes, %v\n%s", name, size, err, said)
		}
		return time.Duration(size) * time.Second / (44100 * 2 * 2)
	}
}

// byRate sends, evenly over the time on air, what a command makes of a file.
func byRate(contentType, command string) harness.Sender {
	return func(t testing.TB, s *harness.Server, mount string) func() error {
		args := append(strings.Fields(command), harness.MakeMusic(t, "a.wav", harness.StreamSeconds, "-ac", "2"))
		stream, err := exec.Command(harness.Program(t, args[0]), args[1:]...).Output()
		if err != nil || len(stream) == 0 {
			t.Fatalf("%s: %v", command, err)
		}
		conn := s.Dial(false)
		resp, _ := harness.SendHead(t, conn, "PUT "+mount+" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic "+
			base64.StdEncoding.EncodeToString([]byte("source:hackme"))+"\r\nContent-Type: "+contentType+"\r\n\r\n")
		if resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status)
		}
		done := make(chan error, 1)
		go func() {
			defer conn.Close()
			const parts = 20 * harness.StreamSeconds
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

func ices2(t testing.TB, s *harness.Server, mount string) func() error {
	a, b := harness.Tones(t)
	for _, f := range []*string{&a, &b} {
		ogg := strings.TrimSuffix(*f, ".wav") + ".ogg"
		if out, err := exec.Command(harness.Program(t, "oggenc"), "-Q", "-o", ogg, *f).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		*f = ogg
	}
	return ices2Of(t, s, mount, a, b).Wait
}

// ices2Of plays two songs, one after the other.
func ices2Of(t testing.TB, s *harness.Server, mount, a, b string) *exec.Cmd {
	dir := t.TempDir()
	harness.WriteFile(t, filepath.Join(dir, "playlist"), a+"\n"+b+"\n")
	config := filepath.Join(dir, "ices.xml")
	harness.WriteFile(t, config, fmt.Sprintf(`<ices>
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
</ices>`, dir, harness.Port(s.Plain), mount))
	cmd, _ := harness.Launch(t, "ices2", config)
	return cmd
}

func ezstreamVorbis(t testing.TB, s *harness.Server, mount string) func() error {
	a, _ := harness.Tones(t)
	ogg := strings.TrimSuffix(a, ".wav") + ".ogg"
	if out, err := exec.Command(harness.Program(t, "ffmpeg"), "-v", "error", "-stream_loop", "1", "-i", a, "-c:a", "libvorbis", ogg).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return ezstreamOf(t, s, mount, ogg, "Ogg").Wait
}

// liquidsoap encodes a tone whose title changes every two seconds, at each of
// which it begins a new link of the chain.
func liquidsoap(encoder string) harness.Sender {
	return func(t testing.TB, s *harness.Server, mount string) func() error {
		script := filepath.Join(t.TempDir(), "radio.liq")
		harness.WriteFile(t, script, fmt.Sprintf(`
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
`, encoder, harness.Port(s.Plain), mount, harness.StreamSeconds+2))
		cmd, _ := harness.Launch(t, "liquidsoap", script)
		return cmd.Wait
	}
}
