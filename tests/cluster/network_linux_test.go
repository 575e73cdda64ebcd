package cluster

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
	"syscall"
	"testing"
	"time"

	"github.com/caddycast/caddycast/internal/numbered"
	"github.com/caddycast/caddycast/tests/harness"
	"github.com/caddycast/caddycast/tests/harness/binary"
)

// remoteHost is a master on another machine: a process in a network that is tied to ours by
// two links, one for its encoder, the other for its slaves.
type remoteHost struct {
	t       *testing.T
	config  string
	network *exec.Cmd // keeps the network alive while the master is dead
	master  *exec.Cmd
}

const (
	farForEncoder = "10.98.0.2"
	farForSlaves  = "10.99.0.2"
	hereForSlaves = "10.99.0.1"
)

func newRemoteHost(t *testing.T) *remoteHost {
	t.Helper()
	f := &remoteHost{t: t, config: filepath.Join(harness.Storage, "far.caddyfile")}
	f.network = exec.Command("sleep", "1000")
	f.network.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := f.network.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = f.network.Process.Kill()
		_ = f.network.Wait()
	})
	for i, addr := range []string{farForEncoder, farForSlaves} {
		here, there := fmt.Sprintf("here%d", i), fmt.Sprintf("there%d", i)
		harness.RunCommand(t, "ip", "link", "add", "name", here, "type", "veth", "peer", "name", there)
		harness.RunCommand(t, "ip", "link", "set", there, "netns", strconv.Itoa(f.network.Process.Pid))
		harness.RunCommand(t, "ip", "addr", "add", strings.TrimSuffix(addr, "2")+"1/24", "dev", here)
		harness.RunCommand(t, "ip", "link", "set", here, "up")
		f.there("ip", "addr", "add", addr+"/24", "dev", there)
		f.there("ip", "link", "set", there, "up")
	}
	harness.WriteFile(t, f.config, fmt.Sprintf(`{
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
	}`, harness.Storage))
	f.start()
	t.Cleanup(f.kill)
	return f
}

// there runs a command in the network of the remote host.
func (f *remoteHost) there(args ...string) {
	f.t.Helper()
	harness.RunCommand(f.t, "nsenter", append([]string{"-t", strconv.Itoa(f.network.Process.Pid), "-n"}, args...)...)
}

func (f *remoteHost) start() {
	f.t.Helper()
	f.master = exec.Command("nsenter", "-t", strconv.Itoa(f.network.Process.Pid), "-n", binary.Caddy(f.t), "run", "--config", f.config)
	f.master.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := f.master.Start(); err != nil {
		f.t.Fatal(err)
	}
}

func (f *remoteHost) kill() {
	_ = f.master.Process.Kill() // nsenter has become the master
	_ = f.master.Wait()
}

// unplug lets the link to the slaves drop all that is sent, and plug mends it.
func (f *remoteHost) unplug() { f.there("ip", "link", "set", "there1", "down") }

func (f *remoteHost) plug() { f.there("ip", "link", "set", "there1", "up") }

// encode sends numbered frames to a mount of the master in real time, and connects anew
// when that breaks, until stop is closed.
func (f *remoteHost) encode(mount string, id uint64, stop <-chan struct{}) (done chan struct{}) {
	done = make(chan struct{})
	next := id * harness.SourceSpan
	once := func() {
		conn, err := net.DialTimeout("tcp", farForEncoder+":8000", time.Second)
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "SOURCE "+mount+" HTTP/1.0\r\n"+harness.BasicAuth("source", "hackme")+"Content-Type: audio/mpeg\r\n\r\n")
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
	if !harness.InNetwork(t) {
		return
	}
	f := newRemoteHost(t)
	stop := make(chan struct{})
	encoders := []chan struct{}{f.encode("/live.mp3", 1, stop), f.encode("/quiet.mp3", 2, stop)}
	defer func() {
		close(stop)
		for _, e := range encoders {
			<-e
		}
	}()
	s := harness.Start(t, `icecast {
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
	var all []*countingListener
	for i := range 500 {
		mount := []string{"/live.mp3", "/quiet.mp3"}[i%2]
		if i < 2 {
			s.WaitForMount(mount)
		}
		all = append(all, listenCounting(s, mount))
	}
	returned := func(what string) {
		t.Helper()
		before := make([]uint64, len(all))
		for i, l := range all {
			before[i] = l.last.Load()
		}
		began := time.Now()
		harness.Eventually(t, what+": all hear the master", func() error {
			for i, l := range all {
				select {
				case err := <-l.ended:
					t.Fatalf("%s: listener %d was disconnected: %v", what, i, err)
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
		l.Stop()
		<-l.ended
	}
	harness.StopCaddy(t)
	http.DefaultClient.CloseIdleConnections()
}

// An encoder that can't be reached any more, and says no goodbye, is one that is gone.
func TestAnEncoderBehindABrokenNetworkIsGone(t *testing.T) {
	if !harness.InNetwork(t) {
		return
	}
	f := newRemoteHost(t)
	s := harness.Start(t, `icecast {
		source_password hackme
		admin_password letmein
		mount /live.mp3 {
			source_timeout 2s
			fallback /backup.mp3
		}
	}`, "bind "+hereForSlaves)
	backup := s.NumberedSource("/backup.mp3", 2)
	harness.Launch(t, "nsenter", "-t", strconv.Itoa(f.network.Process.Pid), "-n", "ffmpeg", "-hide_banner", "-loglevel", "error", "-re",
		"-f", "lavfi", "-i", "sine", "-ar", "44100", "-c:a", "libmp3lame", "-f", "mp3", "icecast://source:hackme@"+net.JoinHostPort(hereForSlaves, harness.Port(s.Plain))+"/live.mp3")
	s.WaitForMount("/live.mp3")
	w := s.ListenVerifying("/live.mp3", harness.HTTP1, false)
	harness.WaitForSource(t, "the encoder", harness.OtherSource, w)
	f.unplug()
	harness.WaitForSource(t, "the fallback", 2, w)
	s.WaitForLog(map[string]any{"msg": "source disconnected", "mount": "/live.mp3", "reason": "timed out"})
	f.plug()
	w.Stop()
	<-w.Ended
	backup.Down()
	harness.StopCaddy(t)
	http.DefaultClient.CloseIdleConnections()
}
