//go:build unix

package streaming

import "golang.org/x/sys/unix"

// MaxFiles returns how many files, connections among them, the process may have
// open; 0 if that is unknown or unlimited.
func MaxFiles() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || uint64(limit.Cur) > 1<<30 { //nolint:unconvert // its type depends on the system
		return 0
	}
	return int(limit.Cur)
}
