package tests

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/internal/programs"
	"github.com/caddycast/caddycast/streaming/format"
)

// inside says that the test runs in a network of its own.
const inside = "CADDYCAST_TEST_NETWORK"

// inNetwork runs the rest of a test in a network namespace that is its own, and with its
// own mounts. It reports whether this is where it goes on.
func inNetwork(t *testing.T) bool {
	t.Helper()
	program(t, "ip")
	program(t, "nsenter")
	if os.Getenv(inside) != "" {
		command(t, "ip", "link", "set", "lo", "up")
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "15m")
	cmd.Env = append(os.Environ(), inside+"=1", givenBinary+"="+caddyBinary(t))
	cmd.SysProcAttr = namespaces()
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
	out, err := cmd.CombinedOutput()
	switch {
	case cmd.ProcessState == nil:
		programs.Missing(t, fmt.Sprintf("this machine lets nobody make a network namespace: %v", err))
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "    ") { // what it logged
			t.Log(strings.TrimSpace(line))
		}
	}
	return false
}

// namespaces lets a process have a network and mounts of its own, and, if we are not root,
// be root there.
func namespaces() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// command runs a command to its end.
func command(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program(t, name), args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// far is a master on another machine: a process in a network that is tied to ours by
// two links, one for its encoder, the other for its slaves.
type far struct {
	t      *testing.T
	config string
	cable  *exec.Cmd // keeps the network alive while the master is dead
	master *exec.Cmd
}

const (
	farForEncoder = "10.98.0.2"
	farForSlaves  = "10.99.0.2"
	hereForSlaves = "10.99.0.1"
)

func newFar(t *testing.T) *far {
	t.Helper()
	f := &far{t: t, config: filepath.Join(storage, "far.caddyfile")}
	f.cable = exec.Command("sleep", "1000")
	f.cable.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := f.cable.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = f.cable.Process.Kill()
		_ = f.cable.Wait()
	})
	for i, addr := range []string{farForEncoder, farForSlaves} {
		here, there := fmt.Sprintf("here%d", i), fmt.Sprintf("there%d", i)
		command(t, "ip", "link", "add", "name", here, "type", "veth", "peer", "name", there)
		command(t, "ip", "link", "set", there, "netns", strconv.Itoa(f.cable.Process.Pid))
		command(t, "ip", "addr", "add", strings.TrimSuffix(addr, "2")+"1/24", "dev", here)
		command(t, "ip", "link", "set", here, "up")
		f.there("ip", "addr", "add", addr+"/24", "dev", there)
		f.there("ip", "link", "set", there, "up")
	}
	write(t, f.config, fmt.Sprintf(`{
		admin off
		storage file_system %s/far
		auto_https off
		log {
			output file %[1]s/far.log
		}
		icecast {
			source_password hackme
			relay_password pullme
		}
	}
	http://:8000 {
		icecast
	}`, storage))
	f.start()
	t.Cleanup(f.kill)
	return f
}

// there runs a command in the far network.
func (f *far) there(args ...string) {
	f.t.Helper()
	command(f.t, "nsenter", append([]string{"-t", strconv.Itoa(f.cable.Process.Pid), "-n"}, args...)...)
}

func (f *far) start() {
	f.t.Helper()
	f.master = exec.Command("nsenter", "-t", strconv.Itoa(f.cable.Process.Pid), "-n", caddyBinary(f.t), "run", "--config", f.config)
	f.master.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := f.master.Start(); err != nil {
		f.t.Fatal(err)
	}
}

func (f *far) kill() {
	_ = f.master.Process.Kill() // nsenter has become the master
	_ = f.master.Wait()
}

// unplug lets the link to the slaves drop all that is sent, and plug mends it.
func (f *far) unplug() { f.there("ip", "link", "set", "there1", "down") }
func (f *far) plug()   { f.there("ip", "link", "set", "there1", "up") }

// encode sends numbered frames to a mount of the master in real time, and connects anew
// when that breaks, until stop is closed.
func (f *far) encode(mount string, id uint64, stop <-chan struct{}) (done chan struct{}) {
	done = make(chan struct{})
	next := id * sourceSpan
	once := func() {
		conn, err := net.DialTimeout("tcp", farForEncoder+":8000", time.Second)
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "SOURCE "+mount+" HTTP/1.0\r\n"+basic("source", "hackme")+"Content-Type: audio/mpeg\r\n\r\n")
		tick := time.NewTicker(numbered.Duration)
		defer tick.Stop()
		for {
			if _, err := conn.Write(numbered.AppendFrame(nil, next, time.Now())); err != nil {
				return
			}
			next++
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}
	go func() {
		defer close(done)
		for {
			once()
			select {
			case <-time.After(100 * time.Millisecond): // as encoders do that reconnect
			case <-stop:
				return
			}
		}
	}()
	return done
}

// tally hears, and counts, without keeping what it heard.
type tally struct {
	*listener
	last    atomic.Uint64 // number of the last numbered frame
	missing atomic.Uint64
	other   atomic.Uint64 // frames that are not numbered
	ended   chan error
}

func (s *server) tally(mount string) *tally {
	s.t.Helper()
	f := &tally{ended: make(chan error, 1)}
	f.listener = s.open(mount, http1, false, func(body io.Reader) { f.ended <- f.hear(body) })
	_ = f.conn.SetDeadline(time.Now().Add(15 * time.Minute))
	return f
}

func (f *tally) hear(body io.Reader) error {
	framer := format.New(numbered.ContentType)
	var rest []byte
	buf := make([]byte, 4096)
	for {
		n, err := body.Read(buf)
		rest = append(rest, buf[:n]...)
		for {
			used, u := framer.Next(rest, false)
			if used == 0 && u.Data == nil {
				break
			}
			if e := f.check(u); e != nil {
				return e
			}
			rest = rest[used:]
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (f *tally) check(u format.Unit) error {
	if u.Data == nil {
		return nil
	}
	n, ok := numbered.Frame(u.Data)
	if !ok {
		f.other.Add(1)
		return nil
	}
	last := f.last.Load()
	if last > 0 && n <= last {
		return fmt.Errorf("frame %d comes after %d", n%sourceSpan, last%sourceSpan)
	}
	if last > 0 {
		f.missing.Add(n - last - 1)
	}
	f.last.Store(n)
	return nil
}

// outages are how long a master is away. More of them are a matter of patience:
// CADDYCAST_TEST_OUTAGES=3s,30s,3m.
func outages(t *testing.T) (all []time.Duration) {
	t.Helper()
	text := os.Getenv("CADDYCAST_TEST_OUTAGES")
	if text == "" {
		text = "3s,13s"
	}
	for one := range strings.SplitSeq(text, ",") {
		d, err := time.ParseDuration(one)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

// Five hundred listeners of a slave stay while its master is dead, or can't be reached,
// and hear it again when it is back.
func TestFiveHundredListenersOfASlaveOutlastTheirMaster(t *testing.T) {
	if !inNetwork(t) {
		return
	}
	f := newFar(t)
	stop := make(chan struct{})
	encoders := []chan struct{}{f.encode("/live.mp3", 1, stop), f.encode("/quiet.mp3", 2, stop)}
	defer func() {
		close(stop)
		for _, e := range encoders {
			<-e
		}
	}()
	s := start(t, `icecast {
		role slave {
			master http://`+farForSlaves+`:8000
			password pullme
			interval 2s
		}
		mount /live.mp3 {
			linger 1s
			fallback standby
		}
		mount /quiet.mp3 {
			linger 10m
		}
	}`)
	var all []*tally
	for i := range 500 {
		mount := []string{"/live.mp3", "/quiet.mp3"}[i%2]
		if i < 2 {
			s.eventuallyOn(mount)
		}
		all = append(all, s.tally(mount))
	}
	returned := func(what string) {
		t.Helper()
		before := make([]uint64, len(all))
		for i, l := range all {
			before[i] = l.last.Load()
		}
		began := time.Now()
		eventually(t, what+": all hear the master", func() error {
			for i, l := range all {
				select {
				case err := <-l.ended:
					t.Fatalf("%s: listener %d was let go: %v", what, i, err)
				default:
				}
				if l.last.Load() < before[i]+40 {
					return fmt.Errorf("listener %d heard %d frames more", i, l.last.Load()-before[i])
				}
			}
			return nil
		})
		t.Logf("%s: all were back %v later; they have missed %d and %d frames by now, and heard %d of the loop",
			what, time.Since(began).Round(10*time.Millisecond), all[0].missing.Load(), all[1].missing.Load(), all[0].other.Load())
	}
	returned("at first")
	for _, away := range outages(t) {
		f.unplug()
		time.Sleep(away)
		f.plug()
		returned(fmt.Sprintf("after %v without the network", away))
		f.kill()
		time.Sleep(away)
		f.start()
		returned(fmt.Sprintf("after %v without the master", away))
	}
	if all[0].other.Load() == 0 {
		t.Error("the fallback was never heard")
	}
	for _, l := range all {
		l.stop()
		<-l.ended
	}
	_ = caddy.Stop()
	http.DefaultClient.CloseIdleConnections()
}

// An encoder that can't be reached any more, and says no goodbye, is one that is gone.
func TestAnEncoderBehindABrokenNetworkIsGone(t *testing.T) {
	if !inNetwork(t) {
		return
	}
	f := newFar(t)
	s := start(t, `icecast {
		source_password hackme
		admin_password letmein
		mount /live.mp3 {
			source_timeout 2s
			fallback /backup.mp3
		}
	}`, "bind "+hereForSlaves)
	backup := s.numberedSource("/backup.mp3", 2)
	defer backup.down()
	launch(t, "nsenter", "-t", strconv.Itoa(f.cable.Process.Pid), "-n", "ffmpeg", "-hide_banner", "-loglevel", "error", "-re",
		"-f", "lavfi", "-i", "sine", "-ar", "44100", "-c:a", "libmp3lame", "-f", "mp3", "icecast://source:hackme@"+net.JoinHostPort(hereForSlaves, port(s.plain))+"/live.mp3")
	s.listening("/live.mp3")
	w := s.witness("/live.mp3", http1, false)
	hears(t, "the encoder", otherSource, w)
	f.unplug()
	hears(t, "the fallback", 2, w)
	s.logged(map[string]any{"msg": "source disconnected", "mount": "/live.mp3", "reason": "timed out"})
	f.plug()
	w.stop()
	<-w.ended
	_ = caddy.Stop()
	http.DefaultClient.CloseIdleConnections()
}
