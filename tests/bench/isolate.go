//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// pinWord makes the program run a command on one core.
	pinWord = "__pin"

	// insideVariable tells the program that it runs inside, and how: cores, then
	// "alone" in a network namespace of its own or "shared".
	insideVariable = "CADDYCAST_BENCH_INSIDE"

	priority = -10
)

// pinned runs a command, in place of this process, on a core and with priority:
// bench __pin core command...
func pinned(args []string) error {
	if len(args) < 2 {
		return errors.New("write __pin, a core and a command")
	}
	core, err := strconv.Atoi(args[0])
	if err != nil {
		return fmt.Errorf("core: %w", err)
	}
	runtime.LockOSThread() // the one that becomes the command
	var set unix.CPUSet
	set.Set(core)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("core %d: %w", core, err)
	}
	// Both need a right, which all servers have or none. The second is for systems
	// where priority holds within a session only; this process leads its own.
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, priority)
	_ = os.WriteFile("/proc/self/autogroup", []byte(strconv.Itoa(priority)), 0)
	path, err := exec.LookPath(args[1])
	if err != nil {
		return err
	}
	return syscall.Exec(path, args[1:], os.Environ()) //nolint:gosec // G204: the command is the user's own
}

// cores returns which cores this process may use.
func cores() (usable []int) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil
	}
	for core := range 1024 {
		if set.IsSet(core) {
			usable = append(usable, core)
		}
	}
	return usable
}

// takeTurn waits until no other benchmark runs on this machine, for two would
// measure each other. What it returns lets the next one run.
func takeTurn(ctx context.Context) (done func(), err error) {
	f, err := os.OpenFile(filepath.Join(os.TempDir(), "caddycast-bench.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for waited := false; ; waited = true {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !waited {
			progress("another benchmark is running; waiting for its end")
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// goInside runs this program again, on the second core and in a network namespace
// of its own if that is permitted, and returns its exit code.
func goInside(args []string) (int, error) {
	// Whoever starts a child must live as long as it: it gets a signal when the thread ends.
	runtime.LockOSThread()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	child, err := startInside(args, syscall.CLONE_NEWNET)
	if errors.Is(err, syscall.EPERM) {
		fmt.Fprintln(os.Stderr, "note: no network namespace of its own, for that is not permitted")
		child, err = startInside(args, 0)
	}
	if err != nil {
		return 1, err
	}
	ended := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				_ = child.Process.Signal(s)
			case <-ended:
				return
			}
		}
	}()
	err = child.Wait()
	close(ended)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return max(exit.ExitCode(), 1), nil
	}
	return 0, err
}

func startInside(args []string, flags uintptr) (*exec.Cmd, error) {
	inside := "alone"
	if flags == 0 {
		inside = "shared"
	}
	usable := cores()
	words := append([]string{"/proc/self/exe"}, args...)
	if len(usable) > 1 {
		inside += fmt.Sprintf(" %d %d", usable[0], usable[1])
		words = append([]string{"/proc/self/exe", pinWord, strconv.Itoa(usable[1]), "/proc/self/exe"}, args...)
	}
	child := exec.Command(words[0], words[1:]...) //nolint:gosec // G204: it is this very program
	child.Env = append(os.Environ(), insideVariable+"="+inside)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGTERM, Setsid: true}
	return child, child.Start()
}

// surroundings is how the program runs inside.
type surroundings struct {
	serverCore string // empty if nothing is pinned
	rigCore    string
	files      int // descriptors that a process may have
	notes      []string
}

// prepare sets up the namespace and the limits of this process.
func prepare(inside string) (surroundings, error) {
	var s surroundings
	words := strings.Fields(inside)
	runtime.GOMAXPROCS(4) // threads of Go that wait must not keep others from running
	if len(words) == 3 {
		s.serverCore, s.rigCore = words[1], words[2]
		s.notes = append(s.notes, fmt.Sprintf("server on core %s, sources and listeners on core %s", words[1], words[2]))
	} else {
		s.notes = append(s.notes, "nothing pinned")
	}
	if words[0] == "alone" {
		if err := loopbackUp(); err != nil {
			return s, err
		}
		if err := os.WriteFile("/proc/sys/net/ipv4/tcp_congestion_control", []byte("reno"), 0); err != nil {
			s.notes = append(s.notes, "congestion control is the machine's")
		}
		s.notes = append(s.notes, "own network namespace")
	} else {
		s.notes = append(s.notes, "shared network namespace")
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return s, fmt.Errorf("getrlimit: %w", err)
	}
	limit.Cur = limit.Max
	// Unlike the one that Go's runtime makes by itself, this lasts in children.
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return s, fmt.Errorf("setrlimit: %w", err)
	}
	s.files = int(min(limit.Cur, 1<<30))
	return s, nil
}

// loopbackUp brings up the only interface that a new namespace has.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("a socket: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("lo: %w", err)
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("lo up: %w", err)
	}
	return nil
}
