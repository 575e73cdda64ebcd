//go:build unix

package recording

import (
	"os"

	"golang.org/x/sys/unix"
)

// lock locks a file for this process, until it is closed. It fails at once if the file is locked.
func lock(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	if outer := raw.Control(func(fd uintptr) { err = unix.Flock(int(fd), unix.LOCK_EX|unix.LOCK_NB) }); outer != nil {
		return outer
	}
	return err
}
