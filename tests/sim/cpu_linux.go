package main

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// threadTime keeps the goroutine on its thread until releaseThread, and returns the processor time of that.
// The clock of package time is virtual.
func threadTime() time.Duration {
	runtime.LockOSThread()
	return threadClock()
}

// releaseThread returns the processor time of the thread, and releases the goroutine from it.
func releaseThread() time.Duration {
	defer runtime.UnlockOSThread()
	return threadClock()
}

func threadClock() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) // else nothing is measured
	return time.Duration(t.Nano())
}
