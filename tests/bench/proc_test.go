//go:build linux

package main

import (
	"net"
	"os"
	"testing"
	"time"
)

var now = time.Unix(1_800_000_000, 0)

func TestTheProcessMeasuresItself(t *testing.T) {
	before := cpuTime(os.Getpid())
	for end := time.Now().Add(20 * time.Millisecond); time.Now().Before(end); {
	}
	if used := cpuTime(os.Getpid()) - before; used < time.Millisecond || used > 10*time.Second {
		t.Errorf("20 ms of work are %v", used)
	}
	if rss := residentBytes(os.Getpid()); rss < 1<<20 {
		t.Errorf("the process has %d bytes", rss)
	}
	if switches(os.Getpid()) == 0 {
		t.Error("the process was never switched to")
	}
}

func TestWhoIsServedIsReadFromTheKernel(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	fd, err := dial(1000, port)
	if err != nil {
		t.Fatal(err)
	}
	client := &listener{fd: fd}
	defer client.hangUp()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if key := clientKey(fd); !served(port)[key] {
		t.Errorf("%s is not among %v", key, served(port))
	}
	_ = conn.Close()
	if key := clientKey(fd); served(port)[key] {
		t.Errorf("%s is still served", key)
	}
}
