//go:build linux

package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is the CPU time of a process with all its threads, those that ended
// among them: utime+stime of /proc/PID/stat, but to the nanosecond.
func cpuTime(pid int) time.Duration {
	clock := int32(^pid<<3 | 2) // the process's CPU clock, as clock_getcpuclockid makes it
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

var proc = os.DirFS("/proc")

// readProc reads a file below /proc. One that is not there is as good as empty:
// threads end at any time.
func readProc(name string) string {
	text, _ := fs.ReadFile(proc, name)
	return string(text)
}

// kernelThread finds the process of a name, such as ksoftirqd/0, or returns 0.
func kernelThread(name string) int {
	comms, _ := fs.Glob(proc, "[0-9]*/comm")
	for _, comm := range comms {
		if strings.TrimSpace(readProc(comm)) == name {
			pid, _ := strconv.Atoi(path.Dir(comm))
			return pid
		}
	}
	return 0
}

// statusSum sums fields, which end with a colon, of files as /proc/PID/status.
func statusSum(glob string, fields ...string) (sum uint64) {
	files, _ := fs.Glob(proc, glob)
	for _, file := range files {
		for line := range strings.Lines(readProc(file)) {
			words := strings.Fields(line)
			for _, field := range fields {
				if len(words) > 1 && words[0] == field {
					n, _ := strconv.ParseUint(words[1], 10, 64)
					sum += n
				}
			}
		}
	}
	return sum
}

// residentBytes is the memory of a process that is in RAM.
func residentBytes(pid int) uint64 {
	return statusSum(fmt.Sprintf("%d/status", pid), "VmRSS:") << 10
}

// proportionalBytes is the memory of a process, with its share of what it shares.
func proportionalBytes(pid int) uint64 {
	return statusSum(fmt.Sprintf("%d/smaps_rollup", pid), "Pss:") << 10
}

// switches counts context switches of all threads, of their own will or not.
func switches(pid int) uint64 {
	return statusSum(fmt.Sprintf("%d/task/*/status", pid), "voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:")
}

// socketBytes is the memory of all TCP sockets of the machine.
func socketBytes() uint64 {
	for line := range strings.Lines(readProc("net/sockstat")) {
		words := strings.Fields(line)
		for i := 1; i+1 < len(words); i++ {
			if words[0] == "TCP:" && words[i] == "mem" {
				pages, _ := strconv.ParseUint(words[i+1], 10, 64)
				return pages * uint64(os.Getpagesize())
			}
		}
	}
	return 0
}

// coreBusy is for how long a core has not been idle.
func coreBusy(core string) time.Duration {
	for line := range strings.Lines(readProc("stat")) {
		words := strings.Fields(line)
		if len(words) < 9 || words[0] != "cpu"+core {
			continue
		}
		var ticks uint64
		for i, word := range words[1:9] { // user nice system idle iowait irq softirq steal
			n, _ := strconv.ParseUint(word, 10, 64)
			if i != 3 && i != 4 {
				ticks += n
			}
		}
		return time.Duration(ticks) * 10 * time.Millisecond
	}
	return 0
}

// served returns the addresses that a server, at a port, still has an established
// connection to, in the form of clientKey.
func served(port int) map[string]bool {
	open := make(map[string]bool)
	const established = "01"
	own := fmt.Sprintf(":%04X", port)
	for _, file := range []string{"net/tcp", "net/tcp6"} {
		for line := range strings.Lines(readProc(file)) {
			words := strings.Fields(line)
			if len(words) > 3 && words[3] == established && strings.HasSuffix(words[1], own) {
				open[words[2][max(0, len(words[2])-len("0100007F:1F40")):]] = true
			}
		}
	}
	return open
}

// clientKey is a socket's own address as /proc/net/tcp writes it.
func clientKey(fd int) string {
	address, err := unix.Getsockname(fd)
	in, ok := address.(*unix.SockaddrInet4)
	if err != nil || !ok {
		return ""
	}
	a := in.Addr
	return fmt.Sprintf("%s:%04X", strings.ToUpper(hex.EncodeToString([]byte{a[3], a[2], a[1], a[0]})), in.Port)
}

// machine describes what the numbers were taken on.
func machine() string {
	model, cores := "unknown CPU", 0
	for line := range strings.Lines(readProc("cpuinfo")) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			cores++
		}
	}
	var u unix.Utsname
	_ = unix.Uname(&u)
	return fmt.Sprintf("%s, %d cores, Linux %s, %s, TCP %s", model, cores,
		bytes.TrimRight(u.Release[:], "\x00"), runtime.Version(), strings.TrimSpace(readProc("sys/net/ipv4/tcp_congestion_control")))
}
