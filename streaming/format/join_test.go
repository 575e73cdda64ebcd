package format

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/programs"
)

// encode makes a stream like an encoder that cannot seek. It has video if there is an option for
// a video codec.
func encode(t *testing.T, ffmpeg string, length time.Duration, options string) []byte {
	t.Helper()
	seconds := strconv.FormatFloat(length.Seconds(), 'f', -1, 64)
	args := "-v error -f lavfi -i sine=frequency=440:beep_factor=3:sample_rate=48000:duration=" + seconds
	if strings.Contains(options, "-c:v") {
		args += " -f lavfi -i testsrc=size=192x144:rate=25:duration=" + seconds
	}
	args += " -metadata title=Aria -metadata artist=Bach " + options + " pipe:1"
	return []byte(run(t, ffmpeg, strings.Fields(args)...))
}

// taken is a unit with its own memory.
type taken struct {
	Unit
	data []byte
}

// takeAll returns the units of a stream. before is called before each unit.
func takeAll(t *testing.T, f Framer, stream []byte, before func(unit int)) (all []taken) {
	t.Helper()
	for lo, hi := 0, 0; hi < len(stream); {
		hi = min(len(stream), hi+4096)
		for lo < hi {
			if before != nil {
				before(len(all))
			}
			n, u := f.Next(stream[lo:hi], hi == len(stream))
			if n == 0 && u.Data == nil {
				break
			}
			lo += n
			if u.Data != nil {
				all = append(all, taken{u, bytes.Clone(u.Data)})
			}
		}
	}
	return all
}

// heard is the output for a listener that starts at a unit.
func heard(units []taken) (stream []byte) {
	var init *Init
	for _, u := range units {
		if u.Init.IsDue(init) {
			stream = append(stream, u.Init.Data...)
		}
		init = u.Init
		stream = append(stream, u.data...)
	}
	return stream
}

// tenStarts returns ten starting points, spread over a stream.
func tenStarts(units []taken) (starts []int) {
	for i, u := range units {
		if u.Start {
			starts = append(starts, i)
		}
	}
	few := make([]int, 0, 10)
	for i := range min(10, len(starts)) {
		few = append(few, starts[i*len(starts)/min(10, len(starts))])
	}
	return few
}

// decode decodes streams as if from a connection and fails on any message of ffmpeg. It returns
// the audio if there is any.
func decode(t *testing.T, ffmpeg string, streams ...[]byte) []byte {
	t.Helper()
	args := []string{"-v", "error", "-xerror"}
	var maps []string
	cmd := exec.CommandContext(t.Context(), ffmpeg)
	for i, stream := range streams {
		path := filepath.Join(t.TempDir(), strconv.Itoa(i))
		if err := os.WriteFile(path, stream, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, file)
		args = append(args, "-i", "pipe:"+strconv.Itoa(3+i)) // in a pipe it can't go back
		maps = append(maps, "-map", strconv.Itoa(i))
	}
	output := strings.Fields("-f null -")
	if len(streams) == 1 {
		output = strings.Fields("-vn -f s16le -ar 48000 -ac 1 pipe:1")
	}
	var out, said bytes.Buffer
	cmd.Args = slices.Concat(cmd.Args, args, maps, output)
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil || said.Len() > 0 {
		t.Errorf("%v: ffmpeg says: %s", err, said.Bytes())
	}
	return out.Bytes()
}

var containerCases = []struct {
	name, options string
	want          string
	starts        int // at least
	retitle       bool
}{
	{"Ogg Vorbis", "-c:a libvorbis -f ogg", "application/ogg", 10, true},
	{"Ogg Opus", "-c:a libopus -f ogg", "application/ogg", 10, true},
	{"Ogg Opus in small pages", "-c:a libopus -page_duration 20000 -f ogg", "application/ogg", 400, true},
	{"Ogg FLAC", "-c:a flac -f ogg", "application/ogg", 8, true},
	{"Ogg Speex", "-c:a libspeex -ar 16000 -f ogg", "application/ogg", 8, false},
	{"Ogg Theora with Vorbis", "-c:v libtheora -g 25 -c:a libvorbis -f ogg", "application/ogg", 10, false},
	{"FLAC", "-c:a flac -f flac", "audio/flac", 80, true},
	{"FLAC, 8 channels of noise", "-af aeval=exprs=random(0)|random(1)|random(2)|random(3)|random(4)|random(5)|random(6)|random(7):c=7.1 -c:a flac -f flac", "audio/flac", 80, true},
	{"WebM with Opus", "-c:a libopus -cluster_time_limit 500 -f webm", "audio/webm", 10, false},
	{"WebM with VP8 and Opus", "-c:v libvpx -g 25 -c:a libopus -f webm", "video/webm", 8, false},
	{"WebM, live", "-c:v libvpx -g 25 -c:a libvorbis -live 1 -f webm", "video/webm", 8, false},
	{"Matroska with sound", "-c:a libvorbis -cluster_time_limit 500 -f matroska", "audio/x-matroska", 10, false},
	{"Matroska with pictures", "-c:v libx264 -g 25 -c:a aac -cluster_time_limit 500 -f matroska", "video/x-matroska", 4, false},
	{"MPEG-TS with H.264", "-c:v libx264 -g 25 -c:a aac -f mpegts", "video/mp2t", 8, false},
	{"MPEG-TS with MPEG-2", "-c:v mpeg2video -g 25 -c:a mp2 -f mpegts", "video/mp2t", 8, false},
	{"MPEG-TS with sound", "-c:a aac -f mpegts", "video/mp2t", 10, false},
}

func TestListenersMayJoinARealStreamAtAnyStart(t *testing.T) {
	ffmpeg := programs.Path(t, "ffmpeg")
	const length = 10 * time.Second
	for _, c := range containerCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // it is ffmpeg that is waited for
			stream := encode(t, ffmpeg, length, c.options)
			f := New("")
			units := takeAll(t, f, stream, nil)
			checkCuts(t, c.name, func() Framer { return New("") }, stream, 700, 30000)
			if f.Type() != c.want {
				t.Errorf("the type is %q, want %q", f.Type(), c.want)
			}
			if len(units) == 0 {
				t.Fatal("no units")
			}
			var sounds time.Duration
			starts := 0
			for _, u := range units {
				sounds += u.Duration
				if u.Init == nil || u.Init != units[0].Init {
					t.Fatal("the init is missing, or changes")
				}
				if u.Start {
					starts++
				}
			}
			if sounds < length-1200*time.Millisecond || sounds > length+200*time.Millisecond {
				t.Errorf("the units sound for %v, want %v", sounds, length)
			}
			if starts < c.starts || starts > len(units) {
				t.Errorf("%d starts in %d units, want %d", starts, len(units), c.starts)
			}
			if got := units[0].Init.Comments; !strings.HasPrefix(c.want, "video/mp2t") && (got == nil || *got != (Comments{"Bach", "Aria"})) {
				t.Errorf("the comments are %v", got)
			}
			var joined [][]byte
			for _, at := range tenStarts(units) {
				joined = append(joined, heard(units[at:]))
			}
			decode(t, ffmpeg, joined...)
		})
	}
}

func TestARealStreamTakesTitles(t *testing.T) {
	ffmpeg := programs.Path(t, "ffmpeg")
	for _, c := range containerCases {
		if !c.retitle {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // it is ffmpeg that is waited for
			stream := encode(t, ffmpeg, 16*time.Second, c.options)
			f := New("").(Retitler)
			titled := 0
			units := takeAll(t, f, stream, func(at int) {
				if at > 0 && at%4 == 0 && titled < 3 {
					titled++
					if !f.Retitle(Comments{"Another", fmt.Sprintf("Title %d", titled)}) {
						t.Fatal("it takes no title")
					}
				}
			})
			for i, u := range units {
				if i > 0 && u.Init != units[i-1].Init && u.Start {
					want := Comments{"Another", "Title"}
					if got := u.Init.Comments; got.Artist != want.Artist || !strings.HasPrefix(got.Title, want.Title) {
						t.Errorf("the comments are %v", got)
					}
				}
			}
			last := units[len(units)-1].Init
			if want := (Comments{"Another", "Title 3"}); last.Comments == nil || *last.Comments != want {
				t.Errorf("the last comments are %v, want %v", last.Comments, want)
			}
			var joined [][]byte
			for _, at := range tenStarts(units) {
				if units[at].Init == last {
					joined = append(joined, heard(units[at:]))
				}
			}
			decode(t, ffmpeg, joined...)
			checkProbed(t, joined[0], "Another", "Title 3")
			before, after := decode(t, ffmpeg, stream), decode(t, ffmpeg, heard(units))
			if strings.Contains(c.options, "flac") && !bytes.Equal(before, after) {
				t.Error("it does not sound the same")
			}
			if len(after) < len(before)-3*2*1200 || len(after) > len(before)+3*2*1200 {
				t.Errorf("it sounds for %d bytes, want %d", len(after), len(before))
			}
		})
	}
}

// A station that plays one file after another sends such a stream.
func TestListenersMayJoinEachOfTwoRealFiles(t *testing.T) {
	ffmpeg := programs.Path(t, "ffmpeg")
	for _, c := range containerCases {
		if strings.HasPrefix(c.want, "video/mp2t") {
			continue // its tables are the same, so it is one stream
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // it is ffmpeg that is waited for
			// No frame of FLAC is shorter than the others.
			first := encode(t, ffmpeg, 3072*time.Millisecond, c.options)
			second := encode(t, ffmpeg, 4992*time.Millisecond, c.options+" -metadata title=Other")
			units := takeAll(t, New(""), slices.Concat(first, second), nil)
			turned := slices.IndexFunc(units, func(u taken) bool { return u.Init != units[0].Init })
			if turned < 0 || units[len(units)-1].Init != units[turned].Init {
				t.Fatal("there are not two inits")
			}
			if got := *units[turned].Init.Comments; got.Title != "Other" {
				t.Errorf("the comments are %v", got)
			}
			alone := takeAll(t, New(""), first, nil)
			if !bytes.Equal(heard(units[:turned]), heard(alone)) {
				t.Error("the first one is not the same before the second one")
			}
			if units[turned].Init.Once { // frames have other numbers
				if sound := decode(t, ffmpeg, heard(units)); !bytes.Equal(sound, slices.Concat(decode(t, ffmpeg, first), decode(t, ffmpeg, second))) {
					t.Errorf("both are not heard: %d bytes", len(sound))
				}
				return
			}
			alone = takeAll(t, New(""), second, nil)
			if !bytes.Equal(heard(units[turned:]), heard(alone)) {
				t.Error("the second one is not the same after the first one")
			}
			if strings.Contains(c.name, "Vorbis") && c.retitle {
				if got, want := len(decode(t, ffmpeg, heard(units))), 8064*2*48; got < want-9600 || got > want+9600 {
					t.Errorf("both sound for %d bytes, want %d", got, want)
				}
			}
		})
	}
}

func checkProbed(t *testing.T, stream []byte, words ...string) {
	t.Helper()
	ffprobe := programs.Path(t, "ffprobe")
	path := filepath.Join(t.TempDir(), "stream")
	if err := os.WriteFile(path, stream, 0o600); err != nil {
		t.Fatal(err)
	}
	tags := run(t, ffprobe, "-v", "error", "-show_entries", "stream_tags:format_tags", path)
	for _, w := range words {
		if !strings.Contains(tags, "="+w+"\n") {
			t.Errorf("no %q among the tags:\n%s", w, tags)
		}
	}
}
